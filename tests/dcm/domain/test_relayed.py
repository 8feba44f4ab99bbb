"""How a relay writes events down, how long it waits, and which time a server believes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcm.domain.errors import InvalidInput
from dcm.domain.relayed import LASTING, PASSING, REPEATED, Record, line, patience, record_of, told_time

NOW = 1_795_000_000_000_000_000

payloads = st.dictionaries(st.text(max_size=5), st.text(max_size=20) | st.integers(), max_size=4)


@given(st.integers(0, 2**52), st.text(min_size=1), st.text(min_size=1), payloads, st.booleans())
def test_a_record_is_one_line_and_means_the_same_when_it_is_read(
    at: int, session: str, event: str, payload: dict[str, object], indented: bool
) -> None:
    record = Record(at, session, event, json.dumps(payload, indent=indented or None).encode())
    text = line(record)
    assert text.count(b"\n") == 1
    assert text.endswith(b"\n")
    found = record_of(text)
    assert found is not None
    assert (found.at, found.session_id, found.event) == (at, session, event)
    assert json.loads(found.body) == payload


@given(payloads, st.data())
def test_a_line_that_ends_early_is_no_record(payload: dict[str, object], data: st.DataObject) -> None:
    text = line(Record(1, "s", "Stop", json.dumps(payload).encode()))
    assert record_of(text[: data.draw(st.integers(0, len(text) - 1))]) is None


@given(st.integers(1_700_000_000_000_000, 1_795_000_000_000_000))
def test_the_server_takes_the_moment_of_a_record_to_the_microsecond(at: int) -> None:
    assert told_time(Record(at, "s", "Stop", b"{}").time, NOW) == at * 1000


def test_a_moment_that_is_still_to_come_is_taken_for_now_from_a_minute_on() -> None:
    assert told_time(Record(NOW // 1000 + 59_000_000, "s", "Stop", b"").time, NOW) == NOW + 59_000_000_000
    assert told_time(Record(NOW // 1000 + 61_000_000, "s", "Stop", b"").time, NOW) == NOW


@pytest.mark.parametrize("text", ["", "now", "2026-11-21", "2026-11-21T12:00:00", "1999-01-01T00:00:00Z", "12"])
def test_what_is_no_moment_with_its_zone_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^DCM-Event-Time is .*: give a time since 2020"):
        told_time(text, NOW)


@pytest.mark.parametrize(
    ("event", "importance"),
    [
        ("PreToolUse", PASSING),
        ("Notification", PASSING),
        ("PostToolUse", REPEATED),
        ("Stop", LASTING),
        ("New", LASTING),
    ],
)
def test_what_tells_the_story_is_more_important_than_what_goes_on(event: str, importance: int) -> None:
    assert Record(0, "s", event, b"").importance == importance


@pytest.mark.parametrize(
    ("payload", "seconds"),
    [
        ({"hook_event_name": "SessionStart", "source": "compact"}, 2.5),
        ({"hook_event_name": "SessionStart", "source": "startup"}, 0.5),
        ({"hook_event_name": "PreCompact"}, 1.0),
        ({"hook_event_name": "PreToolUse"}, 0.5),
        ({"hook_event_name": "SubagentStart"}, 0.3),
        ({"hook_event_name": "Stop", "source": 7}, 0.3),
    ],
)
def test_an_answer_is_waited_for_a_little_less_than_the_client_waits(
    payload: dict[str, object], seconds: float
) -> None:
    assert 0.65 * seconds < patience(payload) < seconds - 0.09
