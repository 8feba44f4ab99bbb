"""Draining the stream: nothing that was accepted is lost, nothing is stored twice, one bad event harms no other."""

import secrets
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import redis
from stories import a_session, event, queue, rows, sent, tool

from db.pool import Conn, open_pool
from dcm.broker import nudge_key, stream_key, watch_key
from dcm.domain.hook_events import HookEvent
from dcm.settings import Settings
from workers import ingest, running
from workers.contexts import watch_context
from workers.ingest import SHARD_LOCK, drain


@pytest.fixture
def valkey(worker: Settings) -> redis.Redis:
    """A client of the worker's Valkey."""
    return redis.Redis.from_url(worker.redis_url)


def left(valkey: redis.Redis) -> int:
    return valkey.xlen(stream_key(0))


class Killed(BaseException):
    """The process ends here."""


def test_a_drain_stores_what_the_stream_holds_and_empties_it(valkey: redis.Redis, conn: Conn) -> None:
    queue(valkey, a_session())
    valkey.set(nudge_key(0), 1)
    drain(0)
    assert left(valkey) == 0
    assert not valkey.exists(nudge_key(0))
    assert rows(conn, "SELECT id, total_tools_used FROM sessions") == [("s1", 6)]
    assert rows(conn, "SELECT min(created_at), max(created_at) FROM actions") == [
        (a_session()[3].at, a_session()[16].at)
    ]


def test_two_thousand_events_are_drained_in_one_go(valkey: redis.Redis, conn: Conn) -> None:
    queue(valkey, [tool(n / 10, f"command {n}", session_id=f"s{n % 7}", tool_use_id=f"t{n}") for n in range(2000)])
    drain(0)
    assert left(valkey) == 0
    assert rows(conn, "SELECT count(*), count(DISTINCT session_id) FROM actions") == [(2000, 7)]
    assert rows(conn, "SELECT sum(total_tools_used) FROM sessions") == [(2000,)]
    assert sorted(args for (args,) in sent(valkey, "watch_context", "default.DQ")) == [f"s{n}" for n in range(7)]


def test_a_drain_that_takes_too_long_makes_way_for_the_next(
    valkey: redis.Redis, conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "BATCH", 3)
    monkeypatch.setattr(ingest, "YIELD_AFTER", -1.0)
    queue(valkey, [tool(n) for n in range(5)])
    drain(0)
    assert (left(valkey), sent(valkey, "drain", "ingest")) == (2, [[0]])
    drain(0)
    assert rows(conn, "SELECT count(*) FROM actions") == [(5,)]


def test_a_drain_killed_between_commit_and_delete_is_delivered_again_without_doubles(
    valkey: redis.Redis, conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_written: object) -> None:
        raise Killed

    queue(valkey, [*a_session(), event(30, "PreCompact", trigger="auto")])
    with monkeypatch.context() as killed:
        killed.setattr(ingest, "follow_up", die)
        with pytest.raises(Killed):
            drain(0)
    tables = ("SELECT * FROM sessions", "SELECT * FROM actions", "SELECT * FROM subtasks", "SELECT * FROM requests",
              "SELECT * FROM hook_events", "SELECT * FROM agent_messages", "SELECT * FROM keyword_tool_scores",
              "SELECT id FROM events")  # fmt: skip
    before = [rows(conn, table) for table in tables]
    assert rows(conn, "SELECT count(*) FROM actions") == [(6,)]
    assert (left(valkey), sent(valkey, "make_brief")) == (21, [])
    drain(0)
    assert [rows(conn, table) for table in tables] == before
    assert left(valkey) == 0
    assert [args[0] for args in sent(valkey, "make_brief")] == ["s1"]


def test_while_postgres_is_away_everything_stays_in_the_stream(
    valkey: redis.Redis, conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(valkey, a_session())
    away = open_pool("postgresql://nobody@127.0.0.1:1/none", most=1, name="away", timeout=0.2)
    with monkeypatch.context() as outage:
        outage.setattr(running, "pool", lambda: away)
        with pytest.raises(psycopg.OperationalError):
            drain(0)
    away.close()
    assert left(valkey) == len(a_session())
    drain(0)
    assert left(valkey) == 0
    assert rows(conn, "SELECT count(*) FROM actions") == [(6,)]


def test_a_connection_that_dies_under_a_drain_loses_nothing(
    valkey: redis.Redis, conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(session: Conn, events: list[HookEvent], _ttl: int) -> None:
        conn.execute("SELECT pg_terminate_backend(%s)", [session.info.backend_pid])
        session.execute("SELECT 1")

    queue(valkey, a_session())
    with monkeypatch.context() as outage:
        outage.setattr(ingest, "write", dies)
        with pytest.raises(psycopg.OperationalError):
            drain(0)
    assert left(valkey) == len(a_session())
    drain(0)
    assert rows(conn, "SELECT count(*) FROM rejected_events") == [(0,)]
    assert rows(conn, "SELECT count(*) FROM actions") == [(6,)]


def test_one_drain_of_a_shard_waits_for_the_other(valkey: redis.Redis, conn: Conn, database_url: str) -> None:
    queue(valkey, a_session())
    with psycopg.connect(database_url, autocommit=True) as first, ThreadPoolExecutor(1) as threads:
        first.execute("SELECT pg_advisory_lock(%s, %s)", [SHARD_LOCK, 0])
        second = threads.submit(drain, 0)
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while not second.done() and rows(conn, waiting) != [(1,)]:
            pass
        assert (second.done(), left(valkey)) == (False, len(a_session()))
        first.execute("SELECT pg_advisory_unlock(%s, %s)", [SHARD_LOCK, 0])
        second.result(timeout=10)
    assert left(valkey) == 0


TOO_LONG = secrets.token_hex(8000).encode()
REFUSED = [
    b'{"session_id": "s1", "hook_event_name": "PostToolUse", "tool_name": "B", "tool_use_id": "t", "x": NaN}',
    b'{"session_id": "s1", "hook_event_name": "PostToolUse", "tool_name": "B", "tool_use_id": "%b"}' % TOO_LONG,
    b'{"session_id": "%b", "hook_event_name": "Stop"}' % TOO_LONG,
    b'{"session_id": "s1\\u0000\\ud83d", "hook_event_name": "New", "deep": %b%b}' % (b"[" * 500, b"]" * 500),
    b'{"session_id": "s1", "hook_event_name": "New", "deep": %b%b}' % (b"[" * 1000, b"]" * 1000),
    b'{"session_id": "s1"}',
    b"[]",
    b"not json \x00\xff",
    b"",
]


def test_what_the_database_refuses_is_set_aside_with_its_reason_and_its_neighbours_are_stored(
    valkey: redis.Redis, conn: Conn
) -> None:
    good = [tool(n, f"command {n}") for n in range(1, len(REFUSED) + 1)]
    queue(valkey, [one for pair in zip(good, REFUSED, strict=True) for one in pair])
    valkey.xadd(stream_key(0), {"t": "no number", "p": "{}"})
    valkey.xadd(stream_key(0), {"neither": "time nor payload"})
    drain(0)
    assert left(valkey) == 0
    assert rows(conn, "SELECT count(*) FROM actions WHERE tool_name = 'Bash'") == [(len(good),)]
    aside = rows(conn, "SELECT reason, payload FROM rejected_events ORDER BY created_at")
    assert len(aside) == len(REFUSED) + 2
    assert all(reason for reason, _ in aside)
    assert rows(conn, "SELECT session_id, event FROM rejected_events WHERE payload LIKE %s", "%ud83d%") == [
        ("s1\ufffd?", "New")
    ]
    assert rows(conn, "SELECT total_tools_used FROM sessions WHERE id = 's1'") == [(len(good),)]


def test_an_event_is_set_aside_once_however_often_it_is_delivered(valkey: redis.Redis, conn: Conn) -> None:
    entry = (b"1-0", {b"t": b"1795000000000000", b"p": REFUSED[0]})
    with running.pool().connection() as own:
        for _ in range(2):
            assert ingest._write(own, [entry]).events == []
    assert rows(conn, "SELECT entry_id, session_id, event FROM rejected_events") == [("1-0", "s1", "PostToolUse")]


def test_nul_characters_and_lone_surrogates_are_stored_and_not_refused(valkey: redis.Redis, conn: Conn) -> None:
    bodies = rb"""
        {"session_id": "s1", "hook_event_name": "UserPromptSubmit", "prompt": "a\u0000b \ud83d c", "prompt_id": "p"}
        {"session_id": "s1", "hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_use_id": "t1", \
         "tool_input": {"command": "printf \u0000"}, "tool_response": {"\ud83d\u0000": "\udc00"}}
        {"session_id": "s1", "hook_event_name": "New", "text": "a backslash before u: \\u0000 \\\\u0000"}
        {"session_id": "s1", "hook_event_name": "New2", "text": "\ud83d\ude80"}"""
    queue(valkey, bodies.replace(b"\\\n", b"").split(b"\n")[1:])
    drain(0)
    assert rows(conn, "SELECT count(*) FROM rejected_events") == [(0,)]
    assert rows(conn, "SELECT prompt FROM requests") == [("a\ufffdb ? c",)]
    assert rows(conn, "SELECT tool_name, summary FROM actions") == [("Bash", "printf \ufffd")]
    assert rows(conn, "SELECT payload ->> 'text' FROM hook_events WHERE event LIKE 'New%' ORDER BY event") == [
        (r"a backslash before u: \u0000 \\u0000",),
        ("🚀",),
    ]


def test_compactions_ask_for_a_brief_and_to_be_settled(valkey: redis.Redis, conn: Conn) -> None:
    began, ended = event(2, "PreCompact", trigger="manual"), event(3, "PostCompact", compact_summary="x")
    queue(valkey, [tool(1), began, ended])
    drain(0)
    assert sent(valkey, "make_brief") == [["s1", began.at.isoformat(), "manual"]]
    assert sent(valkey, "settle_compaction") == [["s1", ended.at.isoformat(), "auto"]]


def test_a_batch_that_holds_a_tenth_tool_call_of_a_session_asks_to_look_at_its_context(
    valkey: redis.Redis, conn: Conn
) -> None:
    for first, last, looks in ((1, 9, 0), (10, 10, 1), (11, 19, 1), (20, 45, 2), (46, 49, 2), (50, 50, 3)):
        queue(valkey, [tool(n, f"command {n}") for n in range(first, last + 1)])
        drain(0)
        assert len(sent(valkey, "watch_context", "default.DQ")) == looks, last
        valkey.delete(watch_key("s1"))


def test_of_many_looks_at_a_context_that_are_asked_for_one_is_on_its_way(valkey: redis.Redis, conn: Conn) -> None:
    for first in (1, 11, 21):
        queue(valkey, [tool(n, f"command {n}") for n in range(first, first + 10)])
        drain(0)
    assert sent(valkey, "watch_context", "default.DQ") == [["s1"]]
    watch_context("s1")
    queue(valkey, [tool(n, f"command {n}") for n in range(31, 41)])
    drain(0)
    assert len(sent(valkey, "watch_context", "default.DQ")) == 2
