"""Telling what happened: nothing is told that did not happen, and nothing that is kept is ever skipped."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from db.pool import Conn
from db.publish import CHANNEL, ORDER_LOCK, kept_after, newest_kept, publish
from dcm.domain.events import NOTIFY_LIMIT, Event

WRITERS, ROUNDS = 2, 60


@pytest.fixture
def ear(database_url: str) -> Iterator[Conn]:
    """A connection that listens."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"LISTEN {CHANNEL}".encode())
        yield connection


def heard(ear: Conn, count: int) -> list[dict[str, Any]]:
    """So many notifications, in the order they came."""
    return [json.loads(n.payload) for n in ear.notifies(timeout=10, stop_after=count)][:count]


def test_events_are_told_in_their_order_and_those_to_be_kept_have_their_ids(conn: Conn, ear: Conn) -> None:
    names = ["task.created", "action.created", "message.new", "session.created", "agent.connected"]
    publish(conn, [Event(name, {"id": n}, "topics/x", "s1") for n, name in enumerate(names)])
    told = heard(ear, 5)
    assert [frame["event"] for frame in told] == names
    assert [frame.get("event_id") for frame in told] == [1, None, 2, None, 3]
    assert {(frame["channel"], frame["session_id"]) for frame in told} == {("topics/x", "s1")}
    assert [
        (id_, event.name, event.data, event.channel, event.session_id) for id_, event, _ in kept_after(conn, 1)
    ] == [
        (2, "message.new", {"id": 2}, "topics/x", "s1"),
        (3, "agent.connected", {"id": 4}, "topics/x", "s1"),
    ]


def test_nothing_is_told_of_a_write_that_was_taken_back(conn: Conn, ear: Conn) -> None:
    with conn.transaction(force_rollback=True):
        publish(conn, [Event("task.created", {"id": 1})])
    publish(conn, [Event("task.deleted", {"id": 2})])
    assert [frame["event"] for frame in heard(ear, 1)] == ["task.deleted"]
    assert [event.name for _, event, _ in kept_after(conn, 0)] == ["task.deleted"]


def test_a_payload_too_big_to_notify_is_told_with_its_text_cut_and_kept_whole(conn: Conn, ear: Conn) -> None:
    for letter in "xé🚀":
        big = {"id": letter, "text": letter * NOTIFY_LIMIT}
        publish(conn, [Event("message.new", big)])
        (frame,) = heard(ear, 1)
        text = str(frame["data"].pop("text"))
        assert frame["data"] == {"id": letter, "truncated": True}
        assert len(text) > 1000
        assert text == letter * (len(text) - 1) + "…"
        ((id_, event, _),) = kept_after(conn, newest_kept(conn) - 1)
        assert (id_, event.data) == (frame["event_id"], big)


def test_a_moment_is_told_and_kept_as_the_contract_writes_it(conn: Conn, ear: Conn) -> None:
    at = datetime(2026, 11, 21, 12, 0, 0, 123_456, UTC)
    publish(conn, [Event("message.new", {"id": "1", "at": at})])
    assert heard(ear, 1)[0]["data"] == {"id": "1", "at": "2026-11-21T12:00:00.123Z"}
    assert [event.data["at"] for _, event, _ in kept_after(conn, 0)] == ["2026-11-21T12:00:00.123Z"]


def write_rounds(database_url: str, writer: int, done: threading.Event) -> None:
    """Transactions of one writer, each with work before and after the others' could have begun."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        for number in range(ROUNDS):
            with conn.transaction():
                conn.execute("SELECT count(*) FROM generate_series(1, %s)", [1 + (number * 37) % 500])
                publish(
                    conn, [Event("task.created", {"id": f"{writer}.{number}.{part}"}) for part in range(number % 3 + 1)]
                )
    done.set()


def test_a_reader_that_resumes_after_the_last_id_it_saw_skips_none_of_two_writers(
    database_url: str, conn: Conn
) -> None:
    over = [threading.Event() for _ in range(WRITERS)]
    seen: list[tuple[int, str]] = []
    with ThreadPoolExecutor(WRITERS) as threads:
        writers = [threads.submit(write_rounds, database_url, number, done) for number, done in enumerate(over)]
        finished = False
        while not finished:
            finished = all(done.is_set() for done in over) or any(w.done() and w.exception() for w in writers)
            seen += [(id_, event.data["id"]) for id_, event, _ in kept_after(conn, seen[-1][0] if seen else 0, limit=7)]
        for writer in writers:
            writer.result()
    while rest := kept_after(conn, seen[-1][0]):
        seen += [(id_, event.data["id"]) for id_, event, _ in rest]
    everything = conn.execute("SELECT id, data ->> 'id' FROM events ORDER BY id").fetchall()
    assert seen == everything
    assert len(seen) == WRITERS * sum(number % 3 + 1 for number in range(ROUNDS))


def test_a_writer_that_has_its_id_and_has_not_committed_holds_the_next_back(database_url: str, conn: Conn) -> None:
    with psycopg.connect(database_url) as first, ThreadPoolExecutor(1) as threads:
        publish(first, [Event("task.created", {"id": "first"})])
        second = threads.submit(publish, conn, [Event("task.created", {"id": "second"})])
        with psycopg.connect(database_url, autocommit=True) as reader:
            waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
            while not second.done() and reader.execute(waiting, [ORDER_LOCK]).fetchone() != (1,):
                pass
            assert newest_kept(reader) == 0
            assert not second.done()
            first.commit()
            second.result(timeout=10)
            assert [event.data["id"] for _, event, _ in kept_after(reader, 0)] == ["first", "second"]


def test_nothing_to_tell_takes_no_lock_and_says_nothing(conn: Conn) -> None:
    publish(conn, [])
    assert (newest_kept(conn), kept_after(conn, 0)) == (0, [])
