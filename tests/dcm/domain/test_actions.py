"""Finished tool calls as actions."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcm.domain import actions
from dcm.domain.actions import COMPRESS_OVER, Action, packed, unpacked
from dcm.domain.hook_events import parse

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def action(name: str = "PostToolUse", **fields: Any) -> Action:
    payload = {"session_id": "s1", "hook_event_name": name, "tool_name": "Bash", "tool_use_id": "t1",
               "tool_input": {"command": "ls"}} | fields  # fmt: skip
    return actions.of_event(parse("1-0", AT, payload))


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.integers(0, 5000).map("é中x".__mul__))
def test_what_was_packed_is_unpacked_whole(text: str) -> None:
    assert unpacked(packed(text)) == text
    assert packed(text) == packed(text)


def test_long_text_is_compressed_and_the_row_says_so() -> None:
    long = "x" * (COMPRESS_OVER + 1)
    found = action(tool_response={"stdout": long})
    assert len(found.output) < len(long)
    assert json.loads(found.metadata) == {"compressed_output": True}


@pytest.mark.parametrize(
    ("error", "code"),
    [("Exit code 2\nno such file", 2), ("Exit code 127", 127), ("The user said no", 1), ("", 1),
     ("Exit code 3221225786", -1073741510), ("Exit code 99999999999999999999", 1), ("Exit code 5000000000", 1)],
)  # fmt: skip
def test_a_failure_has_the_exit_code_it_names_else_one_and_it_always_fits_its_column(error: str, code: int) -> None:
    failed = action("PostToolUseFailure", error=error)
    assert (failed.success, failed.exit_code, failed.error) == (False, code, error)
    assert -(2**31) <= failed.exit_code < 2**31


def test_success_follows_from_the_event_whatever_the_response_says() -> None:
    found = action(tool_response={"stderr": "error", "exit_code": 3}, error="x")
    assert (found.success, found.exit_code, found.error) == (True, 0, None)


@pytest.mark.parametrize(
    ("given", "kept"), [(12, 12), (12.7, 12), (0, None), (-1, None), (2**40, None), ("12", None), (None, None)]
)
def test_a_duration_is_whole_milliseconds_and_nought_is_not_known(given: object, kept: int | None) -> None:
    assert action(duration_ms=given).duration_ms == kept


def test_an_action_goes_by_the_skill_or_the_kind_of_subagent_and_remembers_its_tool() -> None:
    skill = action(tool_name="Skill", tool_input={"skill": "pdf"})
    agent = action(tool_name="Agent", tool_input={"subagent_type": "Explore", "prompt": "look"})
    assert [(a.tool_name, a.tool_type, json.loads(a.metadata)) for a in (skill, agent)] == [
        ("pdf", "skill", {"tool": "Skill"}),
        ("Explore", "agent", {"tool": "Agent"}),
    ]


def test_fields_nobody_knows_are_kept() -> None:
    assert json.loads(action(novelty={"a": [1]}, cwd="/w").metadata) == {"novelty": {"a": [1]}}


def test_keywords_come_from_what_was_asked_and_not_from_the_names_of_fields() -> None:
    words = action(tool_input={"command": "pytest cart", "description": "Run cart tests", "timeout": 5}).words
    assert words == ["cart", "pytest", "run", "tests"]


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5), lambda v: st.lists(v) | st.dictionaries(st.text(max_size=3), v)
    )
)
def test_an_input_of_any_shape_makes_an_action(value: Any) -> None:
    found = action(tool_input=value, tool_response=value, duration_ms=value, error=value)
    assert json.loads(unpacked(found.input) or "null") == json.loads(json.dumps(value).encode("utf-8", "replace"))


def test_the_same_event_makes_the_same_row_in_any_session_but_another() -> None:
    assert action().id == action(tool_response="other").id
    assert action().id != action(session_id="s2").id


def test_the_announcement_says_what_the_feed_shows() -> None:
    told = actions.announcement(action(tool_input={"command": "ls", "description": "List files"}, duration_ms=3))
    assert told.name == "action.created"
    assert {"tool_name": "Bash", "tool_type": "builtin", "exit_code": 0, "session_id": "s1",
            "summary": "List files", "duration_ms": 3}.items() <= dict(told.data).items()  # fmt: skip


def test_the_announcement_tells_the_time_as_it_is_told_everywhere() -> None:
    late = replace(action(), created_at=AT.replace(microsecond=123_456))
    assert actions.announcement(late).data["created_at"] == "2026-11-21T12:00:00.123Z"
