"""Drain the stream of accepted events into Postgres."""

import json
import logging
import re
import time
from collections.abc import Sequence
from typing import Any, cast

import dramatiq
import orjson
import redis

from db import rejected
from db.pool import AWAY, Conn, is_away
from dcm.broker import DEFAULT, INGEST, enqueue, enqueue_later, nudge_key, reading_key, redis_client, stream_key
from dcm.domain import streams
from dcm.domain.hook_events import TOOL_RECORDED, HookEvent, check, parse, with_payload
from workers import drained, figures, running
from workers.batch import Written, write

logger = logging.getLogger("dcm.ingest")
broker = running.broker()

BATCH = 500
"""Events written in one transaction."""

YIELD_AFTER = 5.0
"""Seconds after which a drain makes way for the next message."""

WATCH_EVERY = 10
"""Finished tool calls between two looks at the size of a session's context."""

READ_AT = frozenset(
    {"SessionStart", "UserPromptSubmit", "Stop", "StopFailure", "SubagentStop", "PreCompact", "SessionEnd"}
)
"""Events at which a session's transcripts are read on."""

READ_AFTER_MS, READ_FORGOTTEN_S = 3000, 60
"""Milliseconds from such an event to the reading, which gives hooks time; seconds a lost reading is waited for."""

SHARD_LOCK = 0x44434D04
"""With the shard's number: one drain a shard at a time, so a session has one writer."""

_NULS = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""An escaped NUL; an even number of backslashes before it are text of their own."""

Entry = tuple[bytes, dict[bytes, bytes]]


@dramatiq.actor(queue_name=INGEST, max_retries=0, throws=AWAY, asked_again=True)
def drain(shard: int) -> None:
    """Write what a shard's stream holds, oldest first, until it is empty.

    The stream is the list of what is not committed yet: an entry is deleted only after its commit,
    so a drain that dies leaves it to the next, which recognises what was written by its key.
    """
    client = redis_client(running.settings(), timeout=15.0)
    stream, deadline = stream_key(shard), time.monotonic() + YIELD_AFTER
    with running.pool().connection() as conn, _one_at_a_time(conn, shard):
        client.delete(nudge_key(shard))
        while entries := cast("list[Entry]", client.xrange(stream, count=BATCH)):
            began = time.monotonic()
            written = _write(conn, entries)
            drained.note(conn, entries, written, began)
            _follow_up(written)
            _ask_readings(client, written)
            client.xdel(stream, *(entry_id for entry_id, _ in entries))
            if time.monotonic() > deadline:
                enqueue(broker, INGEST, "drain", shard)
                return


class _one_at_a_time:  # noqa: N801 - reads as a statement
    """Hold the shard's lock; a second drain waits for the first."""

    def __init__(self, conn: Conn, shard: int) -> None:
        self.conn, self.key = conn, [SHARD_LOCK, shard]

    def __enter__(self) -> None:
        self.conn.execute("SELECT pg_advisory_lock(%s, %s)", self.key)

    def __exit__(self, *_: object) -> None:
        if not self.conn.closed:
            self.conn.execute("SELECT pg_advisory_unlock(%s, %s)", self.key)


def _write(conn: Conn, entries: Sequence[Entry]) -> Written:
    """Write a batch; where its data is refused, write its events one by one and set aside those that fail."""
    try:
        return write(conn, [_event(entry) for entry in entries], running.settings().message_ttl_ms)
    except Exception as error:
        if is_away(error):
            raise
        logger.exception("a batch was refused, writing its %d events one by one", len(entries))
    together = Written(events=[])
    for entry in entries:
        written = _write_one(conn, entry)
        together.events += written.events
        together.messages += written.messages
        together.tools_before = written.tools_before | together.tools_before
        together.tools_used |= written.tools_used
    return together


def _write_one(conn: Conn, entry: Entry) -> Written:
    try:
        return write(conn, [_event(entry)], running.settings().message_ttl_ms)
    except Exception as error:
        if is_away(error):
            raise
        logger.exception("an event was refused and set aside", extra={"entry": entry[0].decode()})
        figures.SET_ASIDE.inc()
        with conn.transaction():
            rejected.keep(conn, _rejected(entry, error))
        return Written(events=[])


def _event(entry: Entry) -> HookEvent:
    _, fields = entry
    payload = _cleaned(fields[streams.PAYLOAD_FIELD])
    if payload.get("hook_event_name") != TOOL_RECORDED:
        check(payload)
    at, recovered = streams.moment(fields[streams.TIME_FIELD]), streams.RECOVERED_FIELD in fields
    event = parse(drained.entry_id(entry), at, payload, recovered=recovered)
    event = drained.as_it_came(event, fields)
    return with_payload(event, running.redactor().payload(payload))


def _cleaned(raw: bytes) -> Any:
    """The payload, with what Postgres cannot store (NUL, half of a surrogate pair) replaced."""
    raw = _NULS.sub(rb"\1\\ufffd", raw)
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        text = json.dumps(json.loads(raw), ensure_ascii=False)
        return json.loads(text.encode("utf-8", "replace"))


def _rejected(entry: Entry, error: Exception) -> rejected.Rejected:
    _, fields = entry
    raw = fields.get(streams.PAYLOAD_FIELD, b"")
    try:
        payload = json.loads(raw)
        session_id, name = str(payload["session_id"]), str(payload["hook_event_name"])
    except (ValueError, TypeError, KeyError, RecursionError):
        session_id, name = None, None
    redact = running.redactor().text
    reason, text = f"{type(error).__name__}: {error}", raw.decode("utf-8", "replace")
    return rejected.Rejected(
        drained.entry_id(entry),
        session_id,
        name,
        redact(reason),
        _redacted(text),
        drained.happened_at(entry),
        _came_as(entry),
        streams.RECOVERED_FIELD in fields,
    )


def _came_as(entry: Entry) -> str:
    """The key of an event that redaction changes: what is kept of it has another."""
    try:
        return _event(entry).came_as
    except Exception:  # noqa: BLE001 - what cannot be read has no key
        return ""


def _redacted(raw: str) -> str:
    """What came, without its secrets: its values where it is JSON, else its text."""
    redactor = running.redactor()
    try:
        payload = json.loads(raw)
        redacted = redactor.payload(payload)
        return raw if redacted is payload else json.dumps(redacted, ensure_ascii=True)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return redactor.text(raw)


def _follow_up(written: Written) -> None:
    """Send the work that a committed batch asks for: briefs for compactions, looks at growing contexts."""
    for event in written.events:
        if event.recovered:
            continue
        if event.name == "PreCompact":
            trigger = event.text("trigger") or "auto"
            enqueue(broker, DEFAULT, "make_brief", event.session_id, event.at.isoformat(), trigger)
        elif event.name == "PostCompact":
            trigger = event.text("trigger") or "auto"
            enqueue(broker, DEFAULT, "settle_compaction", event.session_id, event.at.isoformat(), trigger)
        elif event.name == "SubagentStart" and event.agent_id:
            enqueue(broker, DEFAULT, "brief_subagent", event.session_id, event.agent_id, event.at.isoformat())
    for message_id in written.messages:
        enqueue(broker, DEFAULT, "call_subscribers", message_id)
    for session_id, used in written.tools_used.items():
        if used // WATCH_EVERY > written.tools_before[session_id] // WATCH_EVERY:
            enqueue(broker, DEFAULT, "watch_context", session_id)


def _ask_readings(client: redis.Redis, written: Written) -> None:
    """Have the transcripts read of the sessions at a turn of which a hook told; at most one waits for a session."""
    for session_id in sorted({e.session_id for e in written.events if e.name in READ_AT and not e.recovered}):
        if client.set(reading_key(session_id), 1, nx=True, ex=READ_FORGOTTEN_S):
            enqueue_later(broker, READ_AFTER_MS, DEFAULT, "read_transcript", session_id)
