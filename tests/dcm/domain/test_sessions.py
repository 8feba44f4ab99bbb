"""What a batch says of its sessions."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

from dcm.domain.hook_events import HookEvent, parse
from dcm.domain.sessions import seen

BEGAN = datetime(2026, 11, 21, 12, tzinfo=UTC)


def event(second: int, name: str, session: str = "s1", **fields: Any) -> HookEvent:
    return parse(
        f"{second}-0", BEGAN + timedelta(seconds=second), {"session_id": session, "hook_event_name": name, **fields}
    )


EVENTS = [
    event(1, "SessionStart", cwd="/w/shop", transcript_path="/t.jsonl", model="opus", source="startup"),
    event(2, "PreToolUse", cwd="/w/shop/web"),
    event(3, "PreToolUse", cwd="/w/worktree", transcript_path="/other.jsonl", agent_id="a1"),
    event(4, "SessionStart", source="resume"),
    event(5, "SessionEnd", reason="other"),
]


def test_a_session_is_what_its_events_say_in_their_time_whatever_order_they_stand_in() -> None:
    for order in permutations(EVENTS):
        (row,) = seen(list(order))
        assert (row.first_at, row.last_at) == (EVENTS[0].at, EVENTS[4].at)
        assert (row.active_at, row.ended_at, row.end_reason) == (EVENTS[3].at, EVENTS[4].at, "other")
        assert (row.model, row.model_at, row.source, row.source_at) == ("opus", EVENTS[0].at, "resume", EVENTS[3].at)


def test_where_a_session_is_its_subagents_do_not_say() -> None:
    (row,) = seen(EVENTS)
    assert (row.first_cwd, row.cwd, row.cwd_at) == ("/w/shop", "/w/shop/web", EVENTS[1].at)
    assert row.transcript_path == "/t.jsonl"


def test_a_session_seen_first_through_a_subagent_has_a_first_folder_all_the_same() -> None:
    (row,) = seen([EVENTS[2]])
    assert (row.first_cwd, row.cwd, row.transcript_path) == ("/w/worktree", None, None)


def test_rows_are_sorted_by_session_so_that_writers_lock_in_one_order() -> None:
    assert [row.id for row in seen([event(1, "Stop", "b"), event(2, "Stop", "a"), event(3, "Stop", "b")])] == ["a", "b"]
