"""Sessions: whatever order their events are merged in, the same row results."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import projects, session_rows, sessions
from db.pool import Conn
from db.sessions import SessionPlace
from dcm.domain.hook_events import HookEvent, parse
from dcm.domain.sessions import SessionSeen, seen

BEGAN = datetime(2026, 11, 21, 12, tzinfo=UTC)
PATHS = ["/w/shop", "/w/bank", "/w/shop-worktree"]
FACTS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["SessionStart", "SessionEnd", "PreToolUse", "PostToolUse", "Stop", "Notification"]),
        "cwd": st.sampled_from(PATHS),
        "transcript_path": st.sampled_from(["", "/t/1.jsonl", "/t/2.jsonl"]),
        "agent_id": st.sampled_from(["", "", "a1"]),
        "model": st.sampled_from(["", "opus", "haiku"]),
        "source": st.sampled_from(["", "startup", "compact"]),
        "reason": st.sampled_from(["", "other", "clear"]),
    }
)
TELLINGS = st.lists(FACTS, min_size=1, max_size=9).flatmap(
    lambda facts: st.tuples(
        st.just(facts), st.permutations(range(len(facts))), st.sets(st.integers(1, len(facts)), max_size=len(facts))
    )
)


def event(session: str, number: float, facts: dict[str, str]) -> HookEvent:
    payload = {"session_id": session, "hook_event_name": facts["name"]} | {
        k: v for k, v in facts.items() if k != "name"
    }
    return parse(f"{number}-0", BEGAN + timedelta(seconds=number), payload)


def merge(conn: Conn, ids: dict[str, uuid.UUID], batch: list[HookEvent]) -> None:
    """Write a batch with the project it began in and the tree it is in, as a worker does."""
    rows = seen(batch)
    places = {row.id: SessionPlace(row.id, ids[row.first_cwd], row.cwd) for row in rows if row.first_cwd}
    sessions.upsert(conn, rows, places)


def row_of(conn: Conn, session: str) -> tuple[Any, ...] | None:
    return conn.execute("SELECT to_jsonb(s) - 'id' FROM sessions s WHERE id = %s", [session]).fetchone()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TELLINGS)
def test_any_order_and_any_split_into_batches_gives_the_same_row(
    conn: Conn, telling: tuple[list[dict[str, str]], list[int], set[int]]
) -> None:
    facts, order, cuts = telling
    ids = projects.ensure(conn, dict.fromkeys(PATHS, "p"))
    together, apart = uuid.uuid4().hex, uuid.uuid4().hex
    merge(conn, ids, [event(together, number, fact) for number, fact in enumerate(facts)])
    events = [event(apart, number, facts[number]) for number in order]
    ends = [*sorted(cuts - {len(events)}), len(events)]
    for start, end in zip([0, *ends], ends, strict=False):
        merge(conn, ids, events[start:end])
    assert row_of(conn, apart) == row_of(conn, together)


def a_session(session: str, second: float, **facts: Any) -> SessionSeen:
    return seen([event(session, second, {"name": "PreToolUse"} | facts)])[0]


def test_what_a_batch_did_to_a_session_is_told(conn: Conn) -> None:
    def change(second: float, name: str) -> tuple[bool, bool]:
        (found,) = sessions.upsert(conn, [a_session("s1", second, name=name)], {})
        return found.created, found.ended

    assert change(1, "PreToolUse") == (True, False)
    assert change(2, "SessionEnd") == (False, True)
    assert change(3, "Notification") == (False, False)
    assert change(4, "PreToolUse") == (False, False)
    assert change(3.5, "SessionEnd") == (False, False)
    assert sessions.upsert(conn, [], {}) == []


def test_a_session_that_something_else_made_takes_what_its_hooks_tell(conn: Conn) -> None:
    conn.execute("INSERT INTO sessions (id, cwd, model, started_at) VALUES ('s1', '/given', 'given', '2030-01-01')")
    sessions.upsert(conn, [a_session("s1", 1, cwd="/told")], {})
    facts = sessions.facts(conn, "s1")
    assert facts
    assert (facts.cwd, facts.model, facts.started_at) == ("/told", "given", BEGAN + timedelta(seconds=1))


def test_counters_add_up_and_say_how_many_tools_a_session_used(conn: Conn) -> None:
    sessions.upsert(conn, [a_session("s1", 1), a_session("s2", 1)], {})
    assert sessions.count_tools(conn, {"s1": (2, 1), "s2": (0, 1), "unknown": (1, 1)}) == {"s1": 3, "s2": 1}
    assert sessions.count_tools(conn, {"s1": (1, 0)}) == {"s1": 4}


def test_a_snapshot_is_due_past_the_red_line_once_in_a_pause_and_for_each_session(conn: Conn) -> None:
    sessions.upsert(conn, [a_session("s1", 1), a_session("s2", 1)], {})
    assert not sessions.record_context(conn, "s1", 99, cooldown_s=60, red=False)
    assert sessions.record_context(conn, "s1", 100, cooldown_s=60, red=True)
    assert not sessions.record_context(conn, "s1", 200, cooldown_s=60, red=True)
    assert sessions.record_context(conn, "s2", 100, cooldown_s=60, red=True)
    conn.execute("UPDATE sessions SET proactive_snapshot_at = now() - interval '60 seconds'")
    assert sessions.record_context(conn, "s1", 200, cooldown_s=60, red=True)
    assert not sessions.record_context(conn, "unknown", 200, cooldown_s=60, red=True)
    assert conn.execute("SELECT context_bytes FROM sessions ORDER BY id").fetchall() == [(200,), (100,)]


def test_a_page_shows_the_newest_first_and_counts_all_that_match(conn: Conn) -> None:
    ids = projects.ensure(conn, {"/w/shop": "shop", "/w/bank": "bank"})
    for second, (name, path) in enumerate([("a", "/w/shop"), ("b", "/w/bank"), ("c", "/w/shop")]):
        sessions.upsert(conn, [a_session(name, second, cwd=path)], {name: SessionPlace(name, ids[path], path)})
    sessions.upsert(conn, [a_session("a", 9, name="SessionEnd")], {})
    page, total = session_rows.page(conn, project_id=None, active_only=False, by_activity=True, limit=2, offset=0)
    assert ([row["id"] for row in page], total) == (["a", "c"], 3)
    page, total = session_rows.page(
        conn, project_id=ids["/w/shop"], active_only=True, by_activity=False, limit=9, offset=0
    )
    assert ([(row["id"], row["project_name"], row["running_subagents"]) for row in page], total) == (
        [("c", "shop", 0)],
        1,
    )
