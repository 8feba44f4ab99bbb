"""Whose conversation a compaction is of."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcm.domain.compactions import Running, Subject, newest_boundary, subject
from dcm.domain.transcripts import records

MAIN, SUBAGENT, UNKNOWN = Subject.MAIN, Subject.SUBAGENT, Subject.UNKNOWN
COUNTS = st.integers(0, 3)


@pytest.mark.parametrize(
    ("subagents", "agent_calls", "others", "trigger", "whose"),
    [
        (0, 0, 0, "auto", MAIN),
        (0, 1, 0, "auto", MAIN),
        (0, 0, 2, "auto", MAIN),
        (0, 0, 0, "manual", MAIN),
        (1, 0, 0, "manual", MAIN),
        (1, 1, 0, "manual", MAIN),
        (1, 1, 0, "auto", SUBAGENT),
        (2, 1, 0, "auto", SUBAGENT),
        (1, 0, 0, "auto", UNKNOWN),
        (1, 1, 1, "auto", UNKNOWN),
        (1, 1, 1, "manual", UNKNOWN),
        (1, 0, 1, "manual", UNKNOWN),
    ],
)
def test_the_table_of_who_compacts(subagents: int, agent_calls: int, others: int, trigger: str, whose: Subject) -> None:
    assert subject(trigger, Running(subagents, agent_calls, others)) == whose


@given(COUNTS, COUNTS, st.sampled_from(["auto", "manual", "proactive"]))
def test_without_a_subagent_it_is_always_the_main_conversation(calls: int, others: int, trigger: str) -> None:
    assert subject(trigger, Running(0, calls, others)) == MAIN


@given(st.integers(1, 3), COUNTS, st.integers(1, 3), st.sampled_from(["auto", "manual"]))
def test_beside_another_compaction_nothing_is_claimed(agents: int, calls: int, others: int, trigger: str) -> None:
    assert subject(trigger, Running(agents, calls, others)) == UNKNOWN


@given(COUNTS, COUNTS, COUNTS)
def test_a_proactive_snapshot_is_always_the_main_conversations(agents: int, calls: int, others: int) -> None:
    assert subject("proactive", Running(agents, calls, others)) == MAIN


def boundary(timestamp: object) -> dict[str, Any]:
    return {"type": "system", "subtype": "compact_boundary", "timestamp": timestamp, "isSidechain": True}


def test_the_newest_boundary_is_the_last_one_written() -> None:
    found = [boundary("2026-11-21T03:49:24.915Z"), {"type": "assistant"}, boundary("2026-11-21T04:00:00.000Z")]
    assert newest_boundary(found) == datetime(2026, 11, 21, 4, tzinfo=UTC)


@pytest.mark.parametrize("garbage", [None, 7, "", "yesterday", {}])
def test_a_boundary_without_a_time_is_passed_over(garbage: object) -> None:
    assert newest_boundary([boundary(garbage)]) is None
    assert newest_boundary([boundary("2026-11-21T04:00:00.000Z"), boundary(garbage)]) is not None


def test_a_transcript_that_is_being_written_has_the_boundaries_of_its_whole_lines() -> None:
    line = b'{"type":"system","subtype":"compact_boundary","timestamp":"2026-11-21T04:00:00.000Z"}'
    assert newest_boundary(records([b'{"type": "sys', line, line[:40], b"[]", b"\xff\xfe"])) is not None
    assert newest_boundary(records([line[:-1]])) is None
