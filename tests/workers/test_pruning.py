"""Prunings: done once each, told while they run, asked for once a day when it is quiet."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
import redis
from stories import event, queue, rows, sent

from db import pruning as db_pruning
from db import retention
from db.pool import Conn
from dcm.broker import TELEMETRY_STREAM
from dcm.settings import Settings
from workers import clock, pruning, running

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def ask(conn: Conn, days: int | None = None, project: str | None = None, *, dry_run: bool = False) -> str:
    return str(retention.ask(conn, pruning.CLOCK, older_than_days=days, project_path=project, dry_run=dry_run)["id"])


def told(conn: Conn) -> list[tuple[Any, ...]]:
    return rows(conn, "SELECT stage, rows, problem FROM prunings ORDER BY asked_at")


@pytest.fixture
def old(conn: Conn) -> None:
    """Two briefs, one of them old."""
    conn.execute("""
        INSERT INTO briefs (session_id, made_for, created_at, trigger, content, snapshot)
        SELECT 's1', at, at, 'auto', 'x', '{}' FROM unnest(ARRAY[now(), now() - interval '100 days']) AS at""")


@pytest.mark.usefixtures("old")
def test_a_pruning_is_done_once_and_says_what_went(worker: Settings, conn: Conn) -> None:
    asked = ask(conn)
    pruning.prune.fn(asked)
    assert told(conn) == [("done", {"briefs": 1}, None)]
    conn.execute("UPDATE briefs SET created_at = now() - interval '100 days'")
    pruning.prune.fn(asked)
    assert rows(conn, "SELECT count(*) FROM briefs") == [(1,)]


@pytest.mark.usefixtures("old")
def test_a_dry_run_says_it_and_deletes_nothing(worker: Settings, conn: Conn) -> None:
    pruning.prune.fn(ask(conn, 30, dry_run=True))
    assert told(conn) == [("done", {"briefs": 1}, None)]
    assert rows(conn, "SELECT count(*) FROM briefs") == [(2,)]


def test_a_second_one_meanwhile_is_refused_and_the_next_is_not(worker: Settings, conn: Conn) -> None:
    assert db_pruning.begin(conn)
    pruning.prune.fn(ask(conn))
    db_pruning.end(conn)
    pruning.prune.fn(ask(conn))
    assert [(stage, problem is None) for stage, _, problem in told(conn)] == [("failed", False), ("done", True)]


def test_one_that_fails_says_why(worker: Settings, conn: Conn, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise pruning.DcmError("Somebody reads.")

    monkeypatch.setattr(db_pruning, "prune", fail)
    with pytest.raises(pruning.DcmError):
        pruning.prune.fn(ask(conn))
    assert told(conn) == [("failed", {}, "Somebody reads.")]


@pytest.mark.usefixtures("old")
def test_one_that_failed_goes_on_when_its_message_is_sent_again(
    worker: Settings, conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise pruning.DcmError("Somebody reads.")

    asked = ask(conn)
    with monkeypatch.context() as patched:
        patched.setattr(db_pruning, "prune", fail)
        with pytest.raises(pruning.DcmError):
            pruning.prune.fn(asked)
    pruning.prune.fn(asked)
    assert told(conn) == [("done", {"briefs": 1}, None)]


@pytest.mark.usefixtures("old")
def test_one_whose_worker_is_killed_in_the_middle_goes_on_in_another_and_counts_what_went_before(
    worker: Settings, conn: Conn, valkey: redis.Redis
) -> None:
    asked = ask(conn)
    with psycopg.connect(worker.database_url, autocommit=True) as killed:
        assert db_pruning.begin(killed)
        assert retention.start(killed, UUID(asked))
        retention.note(killed, UUID(asked), "actions", {"actions": 7}, 100)
        pruning.prune.fn(asked)
        assert told(conn) == [("actions", {"actions": 7}, None)]
        assert sent(valkey, "prune", "default.DQ") == [[asked]]
    conn.execute("SELECT pg_advisory_lock(%s)", [db_pruning.PRUNE_LOCK])  # waits for the dead worker's backend to go
    db_pruning.end(conn)
    pruning.prune.fn(asked)
    assert told(conn) == [("done", {"actions": 7, "briefs": 1}, None)]


def test_days_given_spare_projects_with_days_of_their_own_and_of_one_project_nothing_else(
    worker: Settings, conn: Conn
) -> None:
    conn.execute("INSERT INTO projects (path, keep_days) VALUES ('/w/shop', 0), ('/w/bank', 7), ('/w/lab', NULL)")
    ids = dict(rows(conn, "SELECT path, id FROM projects"))
    week = NOW - timedelta(days=7)
    assert pruning.wanted(conn, None, None, NOW)[0].actions == NOW - timedelta(days=90)
    since, own = pruning.wanted(conn, 30, None, NOW)
    assert {since.actions, since.events, since.usage} == {NOW - timedelta(days=30)}
    assert own == {ids["/w/shop"]: pruning.rules.EVER, ids["/w/bank"]: week}
    since, own = pruning.wanted(conn, None, "/w/bank", NOW)
    assert (since.actions, since.events, own) == (pruning.rules.EVER, pruning.rules.EVER, {ids["/w/bank"]: week})
    assert pruning.wanted(conn, 7, "/w/lab", NOW)[1] == {ids["/w/lab"]: week}


def test_once_a_day_the_settings_are_applied_when_it_is_quiet(
    worker: Settings, conn: Conn, valkey: redis.Redis
) -> None:
    def daily(ago: str) -> int:
        """How many were asked for in all, when the last was so long ago."""
        conn.execute("UPDATE prunings SET asked_at = now() - %s::interval, began_at = now(), stage = 'done'", [ago])
        pruning.prune_daily()
        return len(sent(valkey, "prune"))

    clock.duties()
    assert "pruning" in [duty.name for duty in clock.duties()]
    assert daily("0 h") == 1
    assert daily("23 h") == 1
    queue(valkey, [event(1, "Notification")])
    assert daily("25 h") == 1
    valkey.delete("dcm:events:0")
    valkey.xadd(TELEMETRY_STREAM, {"p": "{}"})
    assert daily("25 h") == 1
    valkey.delete(TELEMETRY_STREAM)
    conn.execute("INSERT INTO sessions (id, last_seen_at) VALUES ('s1', now())")
    assert daily("25 h") == 1
    assert daily("49 h") == 2
    conn.execute("UPDATE sessions SET last_seen_at = now() - interval '11 minutes'")
    assert daily("25 h") == 3
    assert rows(conn, "SELECT DISTINCT who, act, details FROM audit_log") == [
        ("clock", "pruning.asked", {"older_than_days": None, "project_path": None, "dry_run": False})
    ]
    assert running.settings().keep_days == ""


def test_a_daily_one_that_failed_or_never_began_is_asked_for_again_after_an_hour(
    worker: Settings, conn: Conn, valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(minutes_later: int) -> int:
        conn.execute("UPDATE prunings SET asked_at = asked_at - %s", [timedelta(minutes=minutes_later)])
        pruning.prune_daily()
        return len(sent(valkey, "prune"))

    def refuse(*_: object) -> None:
        raise redis.ConnectionError("away")

    with monkeypatch.context() as patched:
        patched.setattr(pruning, "enqueue", refuse)
        with pytest.raises(redis.ConnectionError):
            pruning.prune_daily()
    assert told(conn) == [("failed", {}, "Valkey took no work.")]
    assert [asked(59), asked(2)] == [0, 1]
    assert [asked(59), asked(2)] == [1, 2]
    pruning.prune.fn(sent(valkey, "prune")[-1][0])
    assert asked(120) == 2
