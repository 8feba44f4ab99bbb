"""Prompts as requests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from dcm.domain.hook_events import HookEvent, parse
from dcm.domain.ids import request_id
from dcm.domain.requests import NO_PROMPT, UNSEEN_PROMPT, placeholders, seen, unnumbered

BEGAN = datetime(2026, 11, 21, 12, tzinfo=UTC)


def event(second: int, name: str, **fields: Any) -> HookEvent:
    return parse(
        f"{second}-0", BEGAN + timedelta(seconds=second), {"session_id": "s1", "hook_event_name": name, **fields}
    )


def test_each_prompt_is_a_request() -> None:
    rows = seen([event(n, "UserPromptSubmit", prompt=f"do {n}", prompt_id=f"p{n}") for n in (2, 1)])
    assert [(row.prompt, row.id, row.seen) for row in rows] == [
        ("do 1", request_id("s1", "p1"), True),
        ("do 2", request_id("s1", "p2"), True),
    ]


def test_a_subagents_work_stands_for_the_prompt_until_that_is_heard_of() -> None:
    work, prompt = (
        event(2, "SubagentStart", agent_id="a", prompt_id="p"),
        event(1, "UserPromptSubmit", prompt="do", prompt_id="p"),
    )
    (placeholder,) = seen([work])
    assert (placeholder.prompt, placeholder.seen) == (UNSEEN_PROMPT, False)
    for batch in ([work, prompt], [prompt, work]):
        (row,) = seen(batch)
        assert (row.id, row.prompt, row.seen) == (placeholder.id, "do", True)


def test_the_end_of_an_agent_tool_needs_its_request_too() -> None:
    ended = event(1, "PostToolUse", tool_name="Agent", tool_response={"agentId": "a"}, prompt_id="p")
    assert [row.id for row in seen([ended])] == [request_id("s1", "p")]
    assert seen([event(1, "PostToolUse", tool_name="Bash", prompt_id="p")]) == []


def test_what_a_subagent_is_prompted_with_is_no_request_of_the_user() -> None:
    (row,) = seen([event(1, "UserPromptSubmit", prompt="of a subagent", agent_id="a", prompt_id="p")])
    assert not row.seen


def test_prompts_of_a_client_that_numbers_none_are_requests_of_their_own() -> None:
    rows = seen([event(1, "UserPromptSubmit", prompt="one"), event(2, "UserPromptSubmit", prompt="two")])
    assert len({row.id for row in rows}) == 2


def test_what_is_told_of_subagents_without_a_prompt_id_has_one_placeholder_a_session() -> None:
    starts = [
        event(n, "SubagentStart", agent_id="a", **more) for n, more in ((4, {}), (3, {}), (5, {"prompt_id": "p"}))
    ]
    assert seen(starts[:2]) == []
    assert unnumbered([*starts, event(1, "UserPromptSubmit", prompt="one"), event(2, "Stop")]) == starts[:2]
    (placeholder,) = placeholders(starts[:2])
    assert (placeholder.id, placeholder.created_at) == (request_id("s1", NO_PROMPT), starts[1].at)
