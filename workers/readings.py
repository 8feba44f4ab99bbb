"""Read transcripts on, and have stored what no hook told. Bounded: what is left is read by the next run."""

import json
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import dramatiq
import redis

from db import sessions, transcripts, usage
from db.pool import Conn
from db.transcripts import Position
from dcm.broker import (
    DEFAULT,
    FORGOTTEN_S,
    INGEST,
    NUDGE_MS,
    enqueue,
    enqueue_later,
    nudge_key,
    reading_key,
    stream_key,
)
from dcm.domain import streams
from dcm.domain.readings import Reading, ends_first
from dcm.domain.texts import storable
from dcm.domain.turns import Past
from dcm.domain.usage import together
from dcm.transcript_files import Mark, Piece, Unreadable, agent_of, mark_at, of_subagents, read_on, refusal, take
from workers import running

logger = logging.getLogger("dcm.readings")
broker = running.broker()

READ_FOR, READ_BEFORE_BRIEF = 2.0, 0.5
"""Seconds a run reads, and seconds that a brief waits for it."""

STORED_WITHIN = 1.0
"""Seconds that a brief waits until what was read is stored."""

MANY_WAITING = 5000
"""Events in the queue at which a reading pauses: live sessions share it."""

AGAIN_MS = 2000
"""Milliseconds after which a reading goes on that had to pause."""


SYNCED_WITHIN_MS = 2500
"""Milliseconds that a reading waits until Valkey has on its disk what was read: it syncs once a second."""


@dramatiq.actor(broker=broker, queue_name=DEFAULT, max_retries=5)
def read_transcript(session_id: str) -> None:
    """Read what a session's transcripts hold since the last time; ask for another run when that is much."""
    running.valkey().delete(reading_key(session_id))
    done = False
    if not _is_long(running.valkey(), session_id):
        with running.pool().connection() as conn:
            done = catch_up(conn, session_id, READ_FOR)
    if not done and running.valkey().set(reading_key(session_id), 1, nx=True, ex=FORGOTTEN_S):
        enqueue_later(broker, AGAIN_MS, DEFAULT, "read_transcript", session_id)


def catch_up(conn: Conn, session_id: str, seconds: float, *, stored: bool = False) -> bool:
    """Read a session's transcripts on for so long; False when there is more. `stored`: wait until it is stored."""
    facts = sessions.facts(conn, session_id)
    if facts is None or not facts.transcript_path:
        return True
    client, deadline = running.valkey(), time.monotonic() + seconds
    with _alone(conn, session_id, deadline) as mine:
        if not mine:
            return False
        known = transcripts.positions(conn, session_id)
        last: bytes | None = None
        for path in (Path(facts.transcript_path), *of_subagents(facts.transcript_path)):
            while True:
                if time.monotonic() > deadline or _is_long(client, session_id):
                    return False
                more, sent = _read_piece(conn, client, session_id, path, known, synced=not stored)
                last = sent or last
                if not more:
                    break
    if stored and last:
        _wait_stored(client, session_id, last)
    return True


def before_brief(conn: Conn, session_id: str) -> None:
    """Have stored what no hook told yet, as far as that goes in a moment; a brief is made without it otherwise."""
    try:
        catch_up(conn, session_id, READ_BEFORE_BRIEF, stored=True)
    except redis.RedisError as error:
        logger.warning("a brief is made without reading on: %s", error, extra={"session": session_id})


@contextmanager
def _alone(conn: Conn, session_id: str, deadline: float) -> Iterator[bool]:
    """Be the one that reads a session; gives False when another is still at it at the deadline."""
    while not (mine := transcripts.begin(conn, session_id)) and time.monotonic() < deadline:
        time.sleep(0.02)
    try:
        yield mine
    finally:
        if mine and not conn.closed:
            transcripts.end(conn, session_id)


def _read_piece(
    conn: Conn, client: redis.Redis, session_id: str, path: Path, known: dict[str, Position], *, synced: bool
) -> tuple[bool, bytes | None]:
    """(whether there is more to read at once, the last entry that was sent) of one file.

    `synced`: it counts as read only when Valkey has it on its disk, for nothing is read twice.
    """
    agent = agent_of(path)
    agent_id = storable(agent.id) if agent else ""
    before = known.get(agent_id) or Position(session_id, agent_id, str(path), 0, None, "", "{}", None)
    try:
        reading, told, piece, mark = _take_on(conn, session_id, path, before)
    except Unreadable as problem:
        if before.problem != str(problem):
            transcripts.note_problem(conn, session_id, agent_id, storable(str(path)), str(problem))
        return False, None
    sent = _send(client, session_id, told)
    if sent and synced:
        _wait_synced(client)
    usage.keep(conn, together(reading.uses))
    if reading.context:
        usage.keep_context(conn, reading.context)
    place = storable(str(path))
    after = Position(session_id, agent_id, place, mark.offset, piece.size, mark.digest, _state(reading), None)
    if after != before:
        transcripts.keep(conn, after)
    known[agent_id] = after
    return piece.more and mark.offset == piece.end, sent


def _take_on(conn: Conn, session_id: str, path: Path, before: Position) -> tuple[Reading, list[Past], Piece, Mark]:
    """The next piece of a file: where the reading of it stands then, what it told, the piece, how far it was taken.

    Raises:
        Unreadable: the file cannot be read; the message says why.
    """
    if wrong := refusal(path):
        raise Unreadable(wrong)
    now = datetime.now(UTC)
    piece = read_on(path, Mark(before.read_to, before.digest))
    reading = Reading(agent_of(path), session_id, {} if piece.anew else json.loads(before.state))
    told, read_to = take(reading, piece, now, partial(usage.elsewhere, conn, session_id))
    if read_to == piece.end and not piece.more:
        told += reading.end(now - piece.touched)
    return reading, told, piece, mark_at(path, read_to)


def _state(reading: Reading) -> str:
    """Where a reading stands, as JSON and without secrets."""
    redactor, state = running.redactor(), reading.state()
    calls = {
        call_id: redactor.payload({"tool_name": call["name"], "tool_input": call["input"]})
        for call_id, call in state["calls"].items()
    }
    state["calls"] = {name: {"name": call["tool_name"], "input": call["tool_input"]} for name, call in calls.items()}
    return json.dumps(state | {"answer": redactor.text(state["answer"])})


def _is_long(client: redis.Redis, session_id: str) -> bool:
    return int(str(client.xlen(_stream(session_id)))) > MANY_WAITING


def _stream(session_id: str) -> str:
    return stream_key(streams.shard_of(session_id, running.settings().shards))


def _send(client: redis.Redis, session_id: str, told: Sequence[Past]) -> bytes | None:
    """Put events into the stream behind what hooks reported; the last entry's id, None where there is nothing."""
    if not told:
        return None
    shard = streams.shard_of(session_id, running.settings().shards)
    pipeline = client.pipeline(transaction=False)
    for past in ends_first(told):
        at = datetime.fromisoformat(past["at"])
        pipeline.xadd(
            stream_key(shard),
            {
                streams.TIME_FIELD: streams.stamp(round(at.timestamp() * 1e6) * 1000),
                streams.SESSION_FIELD: session_id,
                streams.PAYLOAD_FIELD: json.dumps(past["payload"], separators=(",", ":")),
                streams.RECOVERED_FIELD: 1,
            },
        )
    pipeline.set(nudge_key(shard), 1, nx=True, px=NUDGE_MS)
    *entries, nudged = pipeline.execute()
    if nudged:
        enqueue(broker, INGEST, "drain", shard)
    last: bytes = entries[-1]
    return last


def _wait_synced(client: redis.Redis) -> None:
    with suppress(redis.ResponseError):  # a Valkey that keeps no file, or a Redis before 7.2: nothing to wait for
        client.waitaof(1, 0, SYNCED_WITHIN_MS)


def _wait_stored(client: redis.Redis, session_id: str, last: bytes) -> None:
    """Wait until the stream holds nothing up to an entry, for a moment at most."""
    deadline = time.monotonic() + STORED_WITHIN
    while client.xrange(_stream(session_id), max=last, count=1) and time.monotonic() < deadline:
        time.sleep(0.01)
