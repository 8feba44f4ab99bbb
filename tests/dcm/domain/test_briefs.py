"""Briefs: never too long, every head, whole items, always the same."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcm.domain.briefs import AGE_NOTE, FIRST_PROMPT_LIMIT, HOOK_LIMIT, Section, aged, brief, compose, sections
from dcm.domain.snapshots import AgentState, Asked, Command, FileChange, Note, OpenError, Snapshot, Task

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LINES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), min_size=1, max_size=200)
ITEMS = st.lists(LINES | st.integers(1, 2000).map("🚀".__mul__), max_size=12)
SECTIONS = st.lists(
    st.builds(lambda number, items, least: (number, items, least), st.integers(0, 9), ITEMS, st.integers(0, 8)),
    max_size=8,
).map(lambda found: [Section(f"Head {place}.{n}", items, least) for place, (n, items, least) in enumerate(found)])


def size(text: str) -> int:
    """Characters as a JavaScript client counts them."""
    return len(text.encode("utf-16-le")) // 2


def least_size(parts: list[Section]) -> int:
    """Room that the heads need, with the line that tells how many items are missing."""
    return 10 + sum(len(f"\n\n## {part.head}\n- … {len(part.items)} more\n") for part in parts)


@given(SECTIONS, st.integers(0, 9000))
def test_a_brief_never_exceeds_its_limit_and_keeps_every_head(parts: list[Section], more: int) -> None:
    limit = least_size(parts) + more
    text = compose("# Opening", parts, limit)
    assert size(text) <= limit
    assert [line for line in text.split("\n") if line.startswith("## Head ")] == [f"## {part.head}" for part in parts]


@given(SECTIONS, st.integers(0, 5000))
def test_items_are_whole_and_those_left_out_are_counted(parts: list[Section], more: int) -> None:
    text = compose("# Opening", parts, least_size(parts) + more)
    for place, part in enumerate(parts):
        following = parts[place + 1] if place + 1 < len(parts) else None
        body = text.partition(f"\n## {part.head}")[2]
        body = body.partition(f"\n\n## {following.head}")[0] if following else body
        counts = [n for n in range(len(part.items) + 1) if body == _body(part, n)]
        assert counts, f"{body!r} is not a beginning of {part.items!r}"


def _body(part: Section, count: int) -> str:
    missing = len(part.items) - count
    return "".join(f"\n{line}" for line in [*part.items[:count], *([f"- … {missing} more"] if missing else [])])


@given(SECTIONS, st.integers(0, 9000))
def test_the_same_sections_give_the_same_text(parts: list[Section], more: int) -> None:
    limit = least_size(parts) + more
    assert compose("# Opening", parts, limit) == compose("# Opening", list(parts), limit)


@given(SECTIONS)
def test_with_room_for_all_nothing_is_left_out(parts: list[Section]) -> None:
    text = compose("# Opening", parts, 10**7)
    assert text == "# Opening" + "".join(f"\n\n## {part.head}{_body(part, len(part.items))}" for part in parts)


def test_each_section_gets_its_least_before_an_earlier_one_gets_more() -> None:
    greedy = Section("First", [f"- item {n} {'x' * 100}" for n in range(50)], least=2)
    modest = Section("Last", ["- the last one"], least=1)
    text = compose("# Opening", [greedy, modest], 1000)
    assert "- the last one" in text
    assert "- item 2 " in text


SNAPSHOT = Snapshot(
    session_id="s1",
    trigger="auto",
    saved_at=NOW,
    folder="/w/shop",
    branch="main",
    asked=[Asked("make the shop faster", NOW), Asked("no caching", NOW), Asked("keep the tests green", NOW)],
    decisions=["Which cache? → none"],
    changed=[FileChange("/w/shop/cart.py", 3, "edited", NOW), FileChange("/elsewhere/x.py", 1, "written", NOW)],
    read=["/w/shop/README.md"],
    commands=[Command("pytest -q", 2, "Exit code 1\n1 failed", NOW), Command("ls", 1, "", NOW)],
    open_errors=[OpenError("pytest -q", "Exit code 1\nE   assert 2 == 3", NOW)],
    tasks=[Task("1", "measure first", "in_progress")],
    agents=[AgentState("a1", "Explore", "completed", "find slow queries", "three are slow")],
    notes=[Note("Plan", "agent.completed", "the plan is ready")],
    last_words="Next I look at the cart.",
    tool_calls=17,
)


def test_the_brief_of_a_session_says_what_it_stands_for() -> None:
    text = brief(SNAPSHOT)
    for fact in ("/w/shop, branch main", "after 17 tool calls", "3. keep the tests green", "1. make the shop faster",
                 "Which cache? → none", "- cart.py (edited 3 times, last 12:00)", "- /elsewhere/x.py (written",
                 "E   assert 2 == 3", "- [in_progress] measure first", "FAILED: Exit code 1 1 failed", "`ls` → ok",
                 "- [completed] Explore “find slow queries”: three are slow", "Next I look at the cart.",
                 "- Plan (agent.completed): the plan is ready", "- README.md"):  # fmt: skip
        assert fact in text


def test_the_newest_prompt_stands_first_then_the_first_one() -> None:
    asked = next(section for section in sections(SNAPSHOT) if section.head == "What the user asked")
    assert asked.items == ["3. keep the tests green", "1. make the shop faster", "2. no caching"]


def test_a_long_prompt_keeps_its_beginning_and_its_end() -> None:
    long = "Build the shop. " + "detail " * 900 + "Never use floats."
    asked = next(section for section in sections(replace(SNAPSHOT, asked=[Asked(long, NOW)])) if section.items)
    (item,) = asked.items
    assert item.startswith("1. Build the shop. detail")
    assert item.endswith("detail Never use floats.")
    assert len(item) <= len("1. ") + FIRST_PROMPT_LIMIT


def test_a_session_of_which_nothing_is_known_has_an_empty_brief_and_one_that_worked_an_opening() -> None:
    empty = Snapshot(session_id="s", trigger="auto", saved_at=NOW, folder="")
    assert brief(empty) == ""
    assert brief(replace(empty, tool_calls=3)).startswith("# Where this session stood\n")
    assert "##" not in brief(replace(empty, tool_calls=3))


@pytest.mark.parametrize("letter", ["x", "é", "中", "🚀"])
@pytest.mark.parametrize("many", [1, 60])
def test_the_largest_session_fits_into_what_the_client_takes(letter: str, many: int) -> None:
    long = letter * 20_000
    words = f"{long} {long}"
    fields: dict[str, Any] = {
        "asked": [Asked(words, NOW)] * many,
        "decisions": [words] * many,
        "changed": [FileChange(f"/{words}{n}", 1, "edited", NOW) for n in range(many)],
        "read": [words] * many,
        "commands": [Command(words, 1, words, NOW)] * many,
        "open_errors": [OpenError(words, words, NOW)] * many,
        "tasks": [Task("1", words, "pending")] * many,
        "agents": [AgentState("a", "b", "running", words, words)] * many,
        "notes": [Note("a", "b", words)] * many,
    }
    text = brief(replace(SNAPSHOT, folder=words, branch=words, last_words=words, **fields))
    assert size(aged(text, NOW - timedelta(days=9999), NOW)) <= HOOK_LIMIT
    assert text.count("\n## ") == 10


@given(st.timedeltas(min_value=timedelta(days=-1), max_value=timedelta(days=5000)))
def test_saying_how_old_a_brief_is_costs_no_more_than_was_left_free(age: timedelta) -> None:
    assert len(aged("", NOW - age, NOW)) <= AGE_NOTE
