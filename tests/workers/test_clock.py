"""Periodic work."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import redis
from prometheus_client import generate_latest
from psycopg_pool import PoolTimeout
from stories import event, queue, rows, sent, store, subagent, tool

from db.pool import Conn
from dcm.broker import nudge_key, stream_key
from dcm.figures import REGISTRY
from dcm.settings import Settings
from workers import clock
from workers.clock import Duty, run_due


def duty(log: list[str], name: str, every: float, error: Exception | None = None) -> Duty:
    """A duty that writes its name down, and then fails if it has something to fail with."""

    def run() -> None:
        log.append(name)
        if error:
            raise error

    return Duty(name, every, run)


def test_each_duty_runs_at_once_and_then_every_so_many_seconds() -> None:
    log: list[str] = []
    pending = [duty(log, "often", 1.0), duty(log, "rarely", 3.0)]
    assert run_due(pending, 100.0) == pytest.approx(1.0)
    assert run_due(pending, 100.4) == pytest.approx(0.6)
    assert log == ["often", "rarely"]
    run_due(pending, 101.0)
    run_due(pending, 102.5)
    assert log == ["often", "rarely", "often", "often"]
    assert run_due(pending, 103.0) == pytest.approx(0.5)
    assert log[-1] == "rarely"


def test_a_duty_that_was_missed_for_long_runs_once_and_not_once_for_each_time_missed() -> None:
    log: list[str] = []
    pending = [duty(log, "often", 1.0)]
    run_due(pending, 0.0)
    assert run_due(pending, 1000.0) == pytest.approx(1.0)
    assert log == ["often", "often"]


@pytest.mark.parametrize(
    "error", [psycopg.OperationalError("away"), PoolTimeout("none free"), redis.ConnectionError("away")]
)
def test_a_duty_whose_store_is_away_stops_no_other_and_has_its_next_turn(error: Exception) -> None:
    log: list[str] = []
    pending = [duty(log, "fails", 1.0, error), duty(log, "works", 1.0)]
    run_due(pending, 0.0)
    run_due(pending, 1.0)
    assert log == ["fails", "works", "fails", "works"]


def test_each_duty_is_counted_by_how_it_ended_with_the_time_it_was_last_done() -> None:
    pending = [duty([], "breaks", 1.0, redis.ConnectionError("away")), duty([], "holds", 1.0)]
    run_due(pending, 0.0)
    told = generate_latest(REGISTRY).decode()
    assert 'dcm_clock_duty_duration_seconds_count{duty="breaks",result="failed"} 1.0' in told
    assert 'dcm_clock_duty_duration_seconds_count{duty="holds",result="done"} 1.0' in told
    assert 'last_run_timestamp_seconds{duty="holds"}' in told
    assert 'last_run_timestamp_seconds{duty="breaks"}' not in told


def test_a_stream_that_holds_something_is_nudged_once_until_somebody_comes(worker: Settings) -> None:
    valkey = redis.Redis.from_url(worker.redis_url)
    clock.nudge_forgotten()
    assert sent(valkey, "drain", "ingest") == []
    queue(valkey, [tool(1)])
    clock.nudge_forgotten()
    clock.nudge_forgotten()
    assert sent(valkey, "drain", "ingest") == [[0]]
    assert 0 < valkey.pttl(nudge_key(0)) <= 1000
    valkey.delete(nudge_key(0))
    clock.nudge_forgotten()
    assert len(sent(valkey, "drain", "ingest")) == 2
    valkey.delete(stream_key(0), nudge_key(0))
    clock.nudge_forgotten()
    assert len(sent(valkey, "drain", "ingest")) == 2


def running(conn: Conn, agent: str, minutes_ago: float, session: str) -> None:
    """A subagent last heard of so many minutes ago."""
    ago = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    told = subagent(1, "SubagentStart", agent, session_id=session, cwd="/w/shop")
    store(conn, replace(told, at=ago))


def test_a_subagent_that_never_stops_is_closed_and_that_is_told_once(worker: Settings, conn: Conn) -> None:
    running(conn, "silent", clock.SILENT_MINUTES + 1, "s1")
    running(conn, "busy", clock.SILENT_MINUTES - 1, "s1")
    running(conn, "orphan", 2, "s2")
    running(conn, "fresh", 0.5, "s2")
    conn.execute("UPDATE sessions SET ended_at = now() WHERE id = 's2'")
    conn.execute("DELETE FROM events")
    clock.close_silent_subtasks()
    clock.close_silent_subtasks()
    assert rows(conn, "SELECT agent_id, status, completed_at IS NOT NULL FROM subtasks ORDER BY 1") == [
        ("busy", "running", False),
        ("fresh", "running", False),
        ("orphan", "failed", True),
        ("silent", "failed", True),
    ]
    assert rows(conn, "SELECT result ->> 'summary' FROM subtasks WHERE agent_id = 'silent'") == [
        ("It never reported its end.",)
    ]
    assert rows(conn, "SELECT topic, payload ->> 'source_agent_id', p.path FROM agent_messages m "
                      "JOIN projects p ON p.id = m.project_id ORDER BY 2") == [
        ("agent.failed", "orphan", "/w/shop"), ("agent.failed", "silent", "/w/shop")]  # fmt: skip
    told = [name for (name,) in rows(conn, "SELECT event FROM events")]
    assert sorted(told) == sorted(["subtask.failed", "agent.disconnected", "message.new"] * 2)
    stored = [[str(message_id)] for (message_id,) in rows(conn, "SELECT id FROM agent_messages")]
    with redis.Redis.from_url(worker.redis_url) as client:
        assert sorted(sent(client, "call_subscribers")) == sorted(stored)


def test_the_other_duties_make_months_forget_messages_and_look_at_the_database(worker: Settings, conn: Conn) -> None:
    conn.execute("""
        INSERT INTO agent_messages (message_type, payload, expires_at)
        VALUES ('a', '{}', now() - interval '1 second'), ('b', '{}', now() + interval '1 hour'), ('c', '{}', NULL)""")
    store(conn, event(1, "Notification"))
    assert run_due(clock.duties(), 0.0) == pytest.approx(1.0)
    assert rows(conn, "SELECT message_type FROM agent_messages ORDER BY 1") == [("b",), ("c",)]
    assert rows(conn, "SELECT to_regclass('actions_' || to_char(now() AT TIME ZONE 'UTC' + interval '2 months', "
                      "'YYYYMM')) IS NOT NULL") == [(True,)]  # fmt: skip


def test_a_session_nothing_was_heard_of_for_a_day_is_ended_once_and_told(worker: Settings, conn: Conn) -> None:
    conn.execute("INSERT INTO sessions (id, last_seen_at) VALUES ('dead', now() - interval '25 h'), ('live', now())")
    conn.execute("LISTEN dcm_events")
    clock.close_dead_sessions()
    clock.close_dead_sessions()
    assert conn.execute("SELECT id FROM sessions WHERE ended_at = last_seen_at").fetchall() == [("dead",)]
    told = [json.loads(notify.payload) for notify in conn.notifies(timeout=0.2)]
    assert [(one["event"], one["data"]["id"]) for one in told] == [("session.ended", "dead")]
