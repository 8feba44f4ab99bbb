"""Which events go first when many wait: those of sessions that somebody waits for, all others in their order."""

import pytest
import redis
from stories import event, queue, rows, sent, tool

from db.pool import Conn
from dcm.broker import stream_key, urgent_key
from workers import ingest, waiting
from workers.ingest import drain
from workers.waiting import next_batch


def ids(entries: list[waiting.Entry]) -> list[bytes]:
    return [entry_id for entry_id, _ in entries]


def in_order(client: redis.Redis) -> list[bytes]:
    return ids(client.xrange(stream_key(0)))  # type: ignore[arg-type]


def test_without_hurry_the_oldest_go_first(valkey: redis.Redis) -> None:
    queue(valkey, [tool(n, session_id=f"s{n % 3}") for n in range(9)])
    assert ids(next_batch(valkey, 0, 4)) == in_order(valkey)[:4]


def test_all_that_waits_of_an_urgent_session_goes_first_in_its_order(valkey: redis.Redis) -> None:
    queue(valkey, [tool(n, session_id=f"s{n % 3}") for n in range(9)])
    valkey.sadd(urgent_key(0), "s2")
    assert ids(next_batch(valkey, 0, 100)) == in_order(valkey)[2::3]
    assert ids(next_batch(valkey, 0, 2)) == in_order(valkey)[:2]


def test_a_session_that_has_more_than_a_batch_stays_urgent(valkey: redis.Redis) -> None:
    queue(valkey, [tool(n, session_id=f"s{n % 3}") for n in range(9)])
    valkey.sadd(urgent_key(0), "s2")
    for number in (2, 5, 8):
        ((entry_id, fields),) = next_batch(valkey, 0, 1)
        assert (entry_id, fields[b"s"]) == (in_order(valkey)[number - [2, 5, 8].index(number)], b"s2")
        valkey.xdel(stream_key(0), entry_id)
    assert ids(next_batch(valkey, 0, 1)) == in_order(valkey)[:1]
    assert not valkey.exists(urgent_key(0))


def test_a_session_is_found_however_many_wait_before_it(valkey: redis.Redis) -> None:
    queue(valkey, [tool(n, session_id="other") for n in range(waiting.LOOKED_AT + 5)])
    queue(valkey, [tool(1, session_id="late")])
    valkey.sadd(urgent_key(0), "nobody", "late")
    assert ids(next_batch(valkey, 0, 10)) == in_order(valkey)[-1:]


def test_a_compaction_is_stored_and_briefed_before_what_others_sent_earlier(
    valkey: redis.Redis, conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = [tool(n, session_id="busy", tool_use_id=f"b{n}") for n in range(30)]
    hurried = [tool(31, session_id="s1", tool_use_id="h1"), event(32, "PreCompact", trigger="auto")]
    queue(valkey, busy + hurried)
    valkey.sadd(urgent_key(0), "s1")
    batches = []
    write = ingest._write

    def seen(conn_: Conn, entries: list[waiting.Entry]) -> object:
        batches.append({fields[b"s"] for _, fields in entries})
        return write(conn_, entries)

    monkeypatch.setattr(ingest, "_write", seen)
    drain(0)
    assert batches == [{b"s1"}, {b"busy"}]
    assert len(sent(valkey, "make_brief")) == 1
    assert rows(conn, "SELECT count(*) FROM actions") == [(31,)]
