"""Filling a brief: never too long, every head, whole items, always the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcm.domain.briefs.fitting import HEADS_SHARE, Item, Section, compose

LINES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), min_size=1, max_size=200)
TEXTS = st.lists(LINES | st.integers(1, 2000).map("🚀".__mul__), max_size=12)
SECTIONS = st.lists(st.tuples(TEXTS, st.integers(1, 20), st.booleans()), max_size=8).map(
    lambda found: [
        Section(f"Head {place}", [Item(f"- {text}") for text in texts], share, counts_rest=counts)
        for place, (texts, share, counts) in enumerate(found)
    ]
)


def size(text: str) -> int:
    """Characters as a JavaScript client counts them."""
    return len(text.encode("utf-16-le")) // 2


def heads(text: str) -> list[str]:
    return [line.removeprefix("## ") for line in text.split("\n") if line.startswith("## Head ")]


@given(SECTIONS, st.integers(20, 9000))
def test_a_brief_never_exceeds_its_limit(sections: list[Section], limit: int) -> None:
    assert size(compose("# Opening", sections, limit)) <= limit


@given(SECTIONS, st.integers(2000, 9000))
def test_every_head_is_kept_where_heads_leave_room_for_the_rest(sections: list[Section], limit: int) -> None:
    counted = [section.head for section in sections if section.items and section.counts_rest]
    assert 8 * len("\n\n## Head 1\n- … 12 more") < limit * HEADS_SHARE
    assert set(counted) <= set(heads(compose("# Opening", sections, limit)))


@given(SECTIONS, st.integers(20, 9000))
def test_items_are_whole_and_those_left_out_are_counted(sections: list[Section], limit: int) -> None:
    text = compose("# Opening", sections, limit)
    for section in sections:
        body = text.partition(f"\n\n## {section.head}\n")[2].partition("\n\n## ")[0].split("\n")
        whole = [item.text for item in section.items]
        shown = [line for line in body if line and not line.startswith("- … ")]
        assert all(line in whole for line in shown), body
        if section.counts_rest and section.head in heads(text) and len(shown) < len(whole):
            assert body[-1] == f"- … {len(whole) - len(shown)} more"


@given(SECTIONS, st.integers(20, 9000))
def test_the_same_sections_give_the_same_text(sections: list[Section], limit: int) -> None:
    assert compose("# Opening", sections, limit) == compose("# Opening", list(sections), limit)


@given(SECTIONS)
def test_with_room_for_all_nothing_is_left_out(sections: list[Section]) -> None:
    told = [section for section in sections if section.items]
    whole = "".join(f"\n\n## {s.head}" + "".join(f"\n{item.text}" for item in s.items) for s in told)
    assert compose("# Opening", sections, 10**7) == "# Opening" + whole


def test_no_section_takes_the_room_of_another() -> None:
    greedy = Section("First", [Item(f"- item {n} {'x' * 100}") for n in range(50)], 10)
    text = compose("# Opening", [greedy, Section("Last", [Item("- the last one")], 1)], 1000)
    assert "- the last one" in text
    assert "- item 6 " in text


def test_an_item_that_does_not_fit_makes_way_for_the_next() -> None:
    items = [Item("- " + "x" * 500), Item("- short")]
    assert compose("# Opening", [Section("Head", items, 1)], 100) == "# Opening\n\n## Head\n- short\n- … 1 more"


def test_items_of_a_group_share_its_line() -> None:
    items = [Item("a.py", "- src/:"), Item("t.py", "- tests/:"), Item("b.py", "- src/:")]
    assert compose("# Opening", [Section("Files", items, 1)], 500).endswith("\n- src/: a.py, b.py\n- tests/: t.py")


@pytest.mark.parametrize("limit", range(60, 140))
def test_the_line_of_a_group_is_counted_to_the_letter(limit: int) -> None:
    items = [Item(f"file{n}.py", f"- folder{n % 3}/:") for n in range(9)]
    assert len(compose("# Opening", [Section("Files", items, 1)], limit)) <= limit


def test_what_a_section_before_says_is_not_said_again() -> None:
    first = Section("Commands", [Item("- `git commit -m x` → ok")], 1)
    second = Section(
        "Also run", [Item("git commit", "- programs:", "git commit"), Item("npm ci", "- programs:", "npm ci")], 1
    )
    assert compose("# Opening", [first, second], 500).endswith("## Also run\n- programs: npm ci")


def test_a_section_of_which_all_is_said_before_is_left_out() -> None:
    first = Section("Asked", [Item("1. Never use floats.")], 1)
    second = Section("Required", [Item("- Never use floats. (1.)", key="Never use floats.")], 1)
    assert compose("# Opening", [first, second], 500) == "# Opening\n\n## Asked\n1. Never use floats."


@given(st.lists(LINES, min_size=1, max_size=8), st.integers(20, 3000))
def test_what_room_is_left_goes_to_more_words(texts: list[str], limit: int) -> None:
    items = [Item(f"- {text}", longer=[f"- {text}{text}", f"- {text}{text}{text}"]) for text in texts]
    text = compose("# Opening", [Section("Head", items, 1)], limit)
    assert size(text) <= limit
    whole = [one.longer[-1] for one in items]
    if size("\n".join(["# Opening", "", "## Head", *whole])) <= limit - len("\n- … 1 more"):
        assert text.split("\n")[3:] == whole
