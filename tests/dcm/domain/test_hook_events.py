"""Hook payloads: what is taken, and what makes two of them the same."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcm.domain.errors import InvalidInput
from dcm.domain.hook_events import DOUBLE_FIRING, HookEvent, check, content_key, is_double, parse, without_doubles

BEGAN = datetime(2026, 11, 21, 12, tzinfo=UTC)


def event(seconds: float, name: str, **fields: Any) -> HookEvent:
    payload = {"session_id": "s1", "hook_event_name": name, **fields}
    return parse("1-0", BEGAN + timedelta(seconds=seconds), payload)


TOOLS = st.builds(
    lambda at, name, call: event(at, name, tool_name="Bash", tool_input={}, **({"tool_use_id": call} if call else {})),
    st.integers(0, 40),
    st.sampled_from(["PreToolUse", "PostToolUse", "PostToolUseFailure"]),
    st.sampled_from(["t1", "t2", ""]),
)
OTHERS = st.builds(
    lambda at, name, text: event(at, name, message=text),
    st.integers(0, 40),
    st.sampled_from(["Notification", "Stop"]),
    st.sampled_from("ab"),
)
LISTS = st.lists(TOOLS | OTHERS, max_size=25)


@given(LISTS)
def test_taking_doubles_out_twice_changes_nothing_more(events: list[HookEvent]) -> None:
    once = without_doubles(events)
    assert without_doubles(once) == once


@given(LISTS)
def test_what_is_taken_out_is_a_double_of_something_that_stays(events: list[HookEvent]) -> None:
    kept = without_doubles(events)
    for gone in (e for e in events if not any(e is k for k in kept)):
        assert any(e.key == gone.key and is_double(gone, e.at) for e in kept)


def test_a_tool_call_ends_once_however_late_it_is_told_again() -> None:
    ends = [event(n, name, tool_name="Bash", tool_use_id="t1") for n, name in
            [(0, "PostToolUse"), (5, "PostToolUse"), (5000, "PostToolUseFailure")]]  # fmt: skip
    assert without_doubles(ends) == ends[:1]


def test_the_start_and_the_end_of_a_tool_call_are_two_events() -> None:
    call = [event(0, "PreToolUse", tool_name="Bash", tool_use_id="t"), event(1, "PostToolUse", tool_name="Bash",
                                                                           tool_use_id="t")]  # fmt: skip
    assert without_doubles(call) == call


def test_the_same_payload_ten_seconds_later_is_another_event() -> None:
    later = DOUBLE_FIRING.total_seconds()
    events = [event(0, "Stop"), event(later - 0.001, "Stop"), event(later, "Stop")]
    assert without_doubles(events) == [events[0], events[2]]


def test_equal_events_of_a_compaction_are_of_two_when_the_first_ended_between_them() -> None:
    events = [
        event(n / 10, name) for n, name in enumerate(["PreCompact", "PreCompact", "PostCompact", "PostCompact"] * 2)
    ]
    assert without_doubles(events) == events[::2]


def test_equal_calls_of_a_client_that_names_none_are_told_apart_by_their_time() -> None:
    calls = [event(n, "PostToolUse", tool_name="Bash", tool_input={"command": "ls"}) for n in range(3)]
    assert without_doubles(calls) == calls


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=6), st.randoms())
def test_a_content_key_does_not_depend_on_the_order_of_the_fields(body: dict[str, Any], rng: random.Random) -> None:
    fields = list(body.items())
    rng.shuffle(fields)
    assert content_key("s", "Stop", "p", body) == content_key("s", "Stop", "p", dict(fields))


@given(st.text(min_size=1), st.text(min_size=1))
def test_sessions_events_and_prompts_have_keys_of_their_own(one: str, other: str) -> None:
    one, other = (text.encode("utf-8", "replace").decode() for text in (one, other))
    keys = {
        content_key(one, "Stop", "p", {}),
        content_key(one, "Notification", "p", {}),
        content_key(one, "Stop", "", {}),
    }
    assert len(keys) == 3
    assert (content_key(other, "Stop", "p", {}) in keys) is (one == other)


@pytest.mark.parametrize(
    "payload",
    [[], "text", None, 1, {}, {"session_id": "s"}, {"hook_event_name": "Stop"},
     {"session_id": "", "hook_event_name": "Stop"}, {"session_id": "s", "hook_event_name": "  "},
     {"session_id": 7, "hook_event_name": "Stop"}, {"session_id": "s" * 301, "hook_event_name": "Stop"}],
)  # fmt: skip
def test_a_payload_without_session_or_event_is_refused_with_a_sentence(payload: object) -> None:
    with pytest.raises(InvalidInput, match=r"\w+ \w+ \w+"):
        check(payload)


@given(st.dictionaries(st.text(max_size=8), st.none() | st.integers() | st.lists(st.integers()), max_size=6))
def test_fields_of_any_other_type_never_break_the_reading(fields: dict[str, Any]) -> None:
    payload = {**fields, "cwd": 7, "agent_id": None, "tool_input": "text", "session_id": "s", "hook_event_name": "New"}
    seen = parse("1-0", BEGAN, check(payload))
    assert (seen.cwd, seen.agent_id, seen.mapping("tool_input"), seen.text("agent_id")) == ("", "", {}, "")
    assert seen.payload == payload
