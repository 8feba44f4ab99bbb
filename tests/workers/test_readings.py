"""Transcripts as the second source: what hooks missed is stored once, and what they told stays theirs."""

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dramatiq
import pytest
import redis
import story
from recovery import CALLS, EVENTS, PROMPTS, SUBTASKS, catch_up, everything, hooks, report
from stories import queue, rows, sent
from story import AGENT, HOOKS, MAIN, SESSION, SUB

from db.pool import Conn
from dcm.broker import INGEST, enqueue, stream_key
from dcm.domain.hook_events import parse
from workers import follow_up, readings, running
from workers.briefs import make_brief
from workers.ingest import drain
from workers.readings import read_transcript

ALWAYS = (len(HOOKS) - 1,)
"""The end: a transcript does not tell it to the worker."""


@pytest.mark.parametrize(
    "lost", [*[(n,) for n in range(10)], (2, 3, 4, 5, 6, 7), (1, 2, 3), (4, 5, 6, 7, 8, 9), tuple(range(10))]
)
def test_what_hooks_missed_is_there_once_after_the_sessions_next_event(
    valkey: redis.Redis, conn: Conn, transcript: Path, lost: tuple[int, ...]
) -> None:
    report(valkey, transcript, *(n for n in range(len(HOOKS)) if n not in lost))
    catch_up()
    found = everything(conn)
    catch_up()
    assert everything(conn) == found
    report(valkey, transcript, *lost)
    whole = everything(conn)
    conn.execute("TRUNCATE actions, hook_events, requests, task_lists, subtasks, sessions, agent_messages CASCADE")
    report(valkey, transcript, *range(len(HOOKS)))
    reported = everything(conn)
    assert whole[1:] == reported[1:]
    assert found[1:] == reported[1:]
    assert dict(found[0]) == dict(reported[0])


def test_events_that_a_killed_broker_lost_are_recovered(valkey: redis.Redis, conn: Conn, transcript: Path) -> None:
    report(valkey, transcript, 0, 1)
    queue(valkey, hooks(transcript, 2, 3, 4, 5, 6, 7))
    valkey.flushall()
    report(valkey, transcript, 8)
    assert len(sent(valkey, "read_transcript", "default.DQ")) == 1
    catch_up()
    assert [call[1] for call in rows(conn, CALLS)] == ["toolu_1", "toolu_2", "toolu_7"]
    assert rows(conn, PROMPTS) == [("p1", "make the cart faster", "completed"), ("p3", "now the tests", "completed")]
    assert rows(conn, SUBTASKS) == [(AGENT, "Explore", "completed", "find it", "three are slow")]
    assert rows(conn, "SELECT DISTINCT created_at < '2026-11-21' FROM actions") == [(True,)]


def test_a_running_worker_recovers_what_is_missing_by_itself(
    valkey: redis.Redis, conn: Conn, transcript: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow_up, "LATER_MS", 20)
    queue(valkey, hooks(transcript, 0, 9))
    worker = dramatiq.Worker(running.broker(), worker_threads=2, worker_timeout=20)
    worker.start()
    try:
        enqueue(running.broker(), INGEST, "drain", 0)
        deadline = time.monotonic() + 20
        while len(rows(conn, PROMPTS)) + len(rows(conn, CALLS)) < 5 and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        worker.stop()
    assert (len(rows(conn, PROMPTS)), len(rows(conn, CALLS))) == (2, 3)


def test_what_was_read_counts_as_read_when_it_is_on_the_disk(
    valkey: redis.Redis, conn: Conn, transcript: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known_at_sync = []

    def synced(*_: object) -> None:
        known_at_sync.append(rows(conn, "SELECT count(*) FROM transcripts WHERE read_to > 0"))

    report(valkey, transcript, 0, 9)
    monkeypatch.setattr(type(running.valkey()), "waitaof", synced)
    read_transcript(SESSION)
    assert known_at_sync == [[(0,)], [(1,)]]
    assert rows(conn, "SELECT count(*) FROM transcripts WHERE read_to > 0") == [(2,)]


def test_of_readings_that_pause_one_goes_on_however_many_were_asked_for(
    valkey: redis.Redis, conn: Conn, transcript: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readings, "MANY_WAITING", -1)
    report(valkey, transcript, 0, 9)
    for _ in range(3):
        read_transcript(SESSION)
        report(valkey, transcript, 10)
    asked = sent(valkey, "read_transcript", "default.DQ")
    read_transcript(SESSION)
    assert (len(asked), len(sent(valkey, "read_transcript", "default.DQ"))) == (4, 5)


def test_one_reading_waits_for_a_session_however_many_of_its_events_ask(
    valkey: redis.Redis, conn: Conn, transcript: Path
) -> None:
    report(valkey, transcript, 0, 1, 7)
    report(valkey, transcript, 8, 9)
    assert sent(valkey, "read_transcript", "default.DQ") == [[SESSION]]
    read_transcript(SESSION)
    report(valkey, transcript, 10)
    assert len(sent(valkey, "read_transcript", "default.DQ")) == 2


def test_tool_calls_and_what_a_transcript_told_ask_for_no_reading(
    valkey: redis.Redis, conn: Conn, transcript: Path
) -> None:
    report(valkey, transcript, 2, 4, 6)
    assert sent(valkey, "read_transcript", "default.DQ") == []
    catch_up()
    assert sent(valkey, "read_transcript", "default.DQ") == []
    assert len(rows(conn, PROMPTS)) == 2


def test_a_hook_that_waits_in_the_queue_while_the_transcript_is_read_is_stored_as_it_came(
    valkey: redis.Redis, conn: Conn, transcript: Path
) -> None:
    report(valkey, transcript, 0)
    queue(valkey, hooks(transcript, *range(1, 11)))
    catch_up()
    assert rows(conn, "SELECT DISTINCT duration_ms FROM actions") == [(12,)]
    assert rows(conn, "SELECT count(*) FROM hook_events WHERE recovered") == [(0,)]
    assert set(dict(rows(conn, EVENTS)).values()) == {1, 2}


def test_a_hook_that_comes_after_its_event_was_recovered_takes_its_place(
    valkey: redis.Redis, conn: Conn, transcript: Path
) -> None:
    report(valkey, transcript, 0)
    catch_up()
    recovered = everything(conn)
    assert rows(conn, "SELECT count(*) FROM hook_events WHERE recovered") == [(6,)]
    report(valkey, transcript, *range(1, 10))
    assert everything(conn) == recovered
    assert rows(conn, "SELECT count(*) FROM hook_events WHERE recovered") == [(0,)]
    assert rows(conn, "SELECT count(*) FROM hook_events WHERE payload ? 'transcript_path'") == [(7,)]


def test_what_was_written_a_moment_ago_is_left_for_the_next_time(
    valkey: redis.Redis, conn: Conn, transcript: Path
) -> None:
    now = datetime.now(UTC)
    young = [
        {**each, "timestamp": (now - timedelta(seconds=age)).isoformat()}
        for each, age in zip(MAIN[1:4], (60, 50, 0), strict=True)
    ]
    transcript.write_text("".join(f"{json.dumps(each)}\n" for each in young), encoding="utf-8")
    report(valkey, transcript, 0)
    catch_up()
    assert (len(rows(conn, PROMPTS)), len(rows(conn, CALLS))) == (1, 1), "of the subagent"
    assert rows(conn, "SELECT read_to < size FROM transcripts WHERE agent_id = ''") == [(True,)]
    young[2]["timestamp"] = (now - timedelta(seconds=40)).isoformat()
    transcript.write_text("".join(f"{json.dumps(each)}\n" for each in young), encoding="utf-8")
    catch_up()
    assert len(rows(conn, CALLS)) == 2


def test_while_the_queue_is_long_a_reading_waits(
    valkey: redis.Redis, conn: Conn, transcript: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report(valkey, transcript, 0)
    monkeypatch.setattr(readings, "MANY_WAITING", 3)
    queue(valkey, hooks(transcript, 1, 2, 3, 4))
    read_transcript(SESSION)
    assert valkey.xlen(stream_key(0)) == 4
    assert sent(valkey, "read_transcript", "default.DQ")[-1] == [SESSION]


def test_secrets_are_stored_neither_with_what_is_recovered_nor_between_two_readings(
    valkey: redis.Redis, conn: Conn, transcript: Path
) -> None:
    token = "ghp_" + "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5"[:36]
    main = [
        story.record(1, "user", f"use {token}"),
        *(story.record(2, "assistant", story.call("Bash", n, command=f"curl -H 'X: {token}'")) for n in (1, 2)),
        story.record(3, "user", story.result(1, token), toolUseResult={"stdout": token}),
    ]
    story.write(transcript.parent.parent, main=main, sub=[])
    report(valkey, transcript, 0)
    catch_up()
    [(state,)] = rows(conn, "SELECT state FROM transcripts WHERE agent_id = ''")
    assert list(json.loads(state)["calls"]) == ["toolu_2"]
    stored = rows(conn, "SELECT payload::text FROM hook_events UNION ALL SELECT prompt FROM requests")
    assert token not in state + str(stored) + str(rows(conn, "SELECT summary, input, output FROM actions"))
    assert "[redacted:" in state
    with transcript.open("a") as file:
        file.write(f"{json.dumps(story.record(4, 'user', story.result(2, 'done')))}\n")
    catch_up()
    assert len(rows(conn, CALLS)) == 2


def test_a_brief_holds_what_was_recovered_for_it(valkey: redis.Redis, conn: Conn, transcript: Path) -> None:
    report(valkey, transcript, 0)

    def drained() -> None:
        deadline = time.monotonic() + 10
        while not valkey.xlen(stream_key(0)) and time.monotonic() < deadline:
            time.sleep(0.005)
        drain(0)

    with ThreadPoolExecutor() as threads:
        ingest = threads.submit(drained)
        make_brief(SESSION, "2026-11-20T12:00:30+00:00", "auto")
        ingest.result()
    [(content,)] = rows(conn, "SELECT content FROM briefs")
    assert "make the cart faster" in content
    assert "pytest -q" in content


def test_a_brief_does_not_wait_for_another_reader(
    valkey: redis.Redis, conn: Conn, transcript: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report(valkey, transcript, 0, 1)
    monkeypatch.setattr(readings, "READ_BEFORE_BRIEF", 0.05)
    conn.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", [0x44434D06, SESSION])
    make_brief(SESSION, "2026-11-20T12:00:30+00:00", "auto")
    assert len(rows(conn, "SELECT FROM briefs")) == 1


def used(second: float, message: str, model: str = "claude-opus-4-8", *, agent: bool = False, **tokens: int) -> Any:
    made = story.record(second, "assistant", story.words("done"), agent=agent)
    return made | {"message": made["message"] | {"id": message, "model": model, "usage": tokens}}


USAGE = (
    "SELECT session_id, model, count(*)::int, sum(input_tokens)::int, sum(output_tokens)::int FROM message_usage "
    "GROUP BY 1, 2 ORDER BY 1, 2"
)


def test_tokens_are_counted_once_a_message_over_subagents_rereads_and_forks(
    valkey: redis.Redis, conn: Conn, tmp_path: Path
) -> None:
    first = [used(15, "m1", input_tokens=3, output_tokens=1), used(16, "m1", input_tokens=3, output_tokens=90)]
    main = [*MAIN[:13], *first, used(17, "m2", "claude-haiku-4-5", input_tokens=10, output_tokens=20)]
    sub: Sequence[Any] = [*SUB, used(9, "m3", agent=True, input_tokens=100, output_tokens=7)]
    transcript = story.write(tmp_path, main=main, sub=list(sub)) / f"{SESSION}.jsonl"
    report(valkey, transcript, 0)
    catch_up()
    counted = [(SESSION, "claude-haiku-4-5", 1, 10, 20), (SESSION, "claude-opus-4-8", 2, 103, 97)]
    assert rows(conn, USAGE) == counted
    conn.execute("DELETE FROM transcripts")
    catch_up()
    assert rows(conn, USAGE) == counted
    fork = tmp_path / "fork.jsonl"
    copied = [{**each, "sessionId": "fork"} for each in [*main, used(50, "m9", input_tokens=1, output_tokens=1)]]
    fork.write_text("".join(f"{json.dumps(each)}\n" for each in copied))
    start = HOOKS[0] | {"session_id": "fork", "transcript_path": str(fork)}
    queue(valkey, [parse("1-0", datetime.fromisoformat(story.at(49)), start)])
    drain(0)
    read_transcript("fork")
    drain(0)
    assert rows(conn, "SELECT session_id, count(*) FROM actions GROUP BY 1") == [(SESSION, 3)]
    assert rows(conn, "SELECT count(*) FROM requests WHERE session_id = 'fork'") == [(0,)]
    assert set(rows(conn, USAGE)) == {*counted, ("fork", "claude-opus-4-8", 1, 1, 1)}


def test_the_context_of_a_conversation_is_forgotten_with_its_compaction(
    valkey: redis.Redis, conn: Conn, tmp_path: Path
) -> None:
    main = [story.record(1, "user", "go"), used(2, "m1", input_tokens=10, cache_read_input_tokens=500)]
    transcript = story.write(tmp_path, main=main, sub=[]) / f"{SESSION}.jsonl"
    report(valkey, transcript, 0)
    catch_up()
    assert rows(conn, "SELECT tokens, model FROM context_usage") == [(510, "claude-opus-4-8")]
    with transcript.open("a") as file:
        file.write(f"{json.dumps(MAIN[8])}\n")
    catch_up()
    assert rows(conn, "SELECT tokens, model FROM context_usage") == [(None, "claude-opus-4-8")]
