"""Subagents as subtasks."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dcm.domain.hook_events import HookEvent, parse
from dcm.domain.ids import subtask_id
from dcm.domain.subagents import seen
from dcm.domain.subtasks import RESULT_SUMMARY_LIMIT, SubtaskChange, announcements, message, message_event

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def event(name: str, **fields: Any) -> HookEvent:
    return parse("1-0", AT, {"session_id": "s1", "hook_event_name": name, "prompt_id": "p1", **fields})


def change(status: str, was: str | None, **fields: Any) -> SubtaskChange:
    known = SubtaskChange(subtask_id("s1", "a"), subtask_id("s1", "w"), "s1", None, "a", "Explore", "look", status, was,
                          "found it", AT if status in {"completed", "failed"} else None)  # fmt: skip
    return replace(known, **fields)


def test_what_the_main_conversation_does_is_no_subtask() -> None:
    assert seen(event("PostToolUse", tool_name="Bash", tool_use_id="t")) is None


def test_a_start_and_a_stop_are_of_the_same_subtask() -> None:
    start = seen(event("SubagentStart", agent_id="a", agent_type="Explore"))
    stop = seen(event("SubagentStop", agent_id="a", agent_type="Explore", last_assistant_message="found it"))
    assert start
    assert stop
    assert (start.id, start.status, start.started_at, start.completed_at) == (stop.id, "running", AT, None)
    assert (stop.status, stop.completed_at, stop.result) == ("completed", AT, "found it")


def test_a_stop_without_a_kind_says_nothing_of_an_agent_nobody_saw() -> None:
    stop = seen(event("SubagentStop", agent_id="phantom", agent_type=""))
    assert stop
    assert stop.known_only


def test_the_agent_tool_tells_what_its_subagent_was_given_and_what_came_of_it() -> None:
    asked = {"description": "look for it", "subagent_type": "Explore", "prompt": "look"}
    answer = {"agentId": "a", "status": "completed", "content": [{"type": "text", "text": "found"}, {"type": "image"}]}
    told = seen(event("PostToolUse", tool_name="Agent", tool_use_id="t1", tool_input=asked, tool_response=answer))
    assert told
    assert (told.id, told.description, told.result, told.tool_use_id) == (
        subtask_id("s1", "a"),
        "look for it",
        "found",
        "t1",
    )
    launched = {"agentId": "a", "status": "async_launched"}
    told = seen(event("PostToolUse", tool_name="Agent", tool_use_id="t1", tool_input=asked, tool_response=launched))
    assert told
    assert (told.status, told.completed_at, told.result) == ("running", None, None)


@pytest.mark.parametrize("response", [None, "text", {}, {"agentId": 7}, {"agentId": ""}])
def test_an_agent_tool_that_names_no_agent_says_nothing(response: object) -> None:
    assert seen(event("PostToolUse", tool_name="Agent", tool_use_id="t", tool_response=response)) is None


@pytest.mark.parametrize(
    ("status", "was", "told"),
    [
        ("running", None, ["subtask.created", "subtask.running", "agent.connected"]),
        ("completed", None, ["subtask.created", "subtask.completed", "agent.disconnected"]),
        ("completed", "running", ["subtask.completed", "agent.disconnected"]),
        ("failed", "running", ["subtask.failed", "agent.disconnected"]),
        ("running", "completed", ["subtask.running", "agent.connected"]),
        ("running", "running", []),
        ("completed", "completed", []),
    ],
)
def test_a_change_of_status_is_told_once(status: str, was: str | None, told: list[str]) -> None:
    assert [event.name for event in announcements(change(status, was))] == told


@pytest.mark.parametrize(("status", "was"), [("running", None), ("running", "completed"), ("completed", "completed")])
def test_only_an_end_is_broadcast(status: str, was: str | None) -> None:
    assert message(change(status, was)) is None


def test_the_broadcast_carries_the_beginning_of_the_result() -> None:
    told = message(change("completed", "running", result="x" * 5000))
    assert told
    assert (told.topic, told.from_agent_id) == ("agent.completed", "Explore")
    assert told.payload["result_summary"] == "x" * RESULT_SUMMARY_LIMIT
    assert message_event(told).data["to"] == "broadcast"


def test_the_broadcast_tells_the_time_as_it_is_told_everywhere() -> None:
    told = message(change("completed", "running", completed_at=AT.replace(microsecond=123_456)))
    assert told
    assert told.payload["completed_at"] == "2026-11-21T12:00:00.123Z"


def test_an_end_is_the_same_message_however_often_it_is_told_and_another_end_another() -> None:
    first, again = message(change("completed", None)), message(change("completed", "running"))
    later = message(change("completed", "running", completed_at=AT.replace(hour=13)))
    assert first
    assert again
    assert later
    assert first.id == again.id != later.id
