"""Drain the stream of accepted events into Postgres."""

import json
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import dramatiq
import orjson

from db.pool import AWAY, Conn
from db.rejected import Rejected
from dcm.broker import INGEST, enqueue, nudge_key, stream_key
from dcm.domain import streams
from dcm.domain.hook_events import TOOL_RECORDED, TOOL_STARTED, HookEvent, check, parse, with_payload
from workers import drained, refused, running, tracing, waiting
from workers.batch import Written, write
from workers.follow_up import follow_up
from workers.waiting import Entry

broker = running.broker()

BATCH = 500
"""Events written in one transaction."""

YIELD_AFTER = 5.0
"""Seconds after which a drain makes way for the next message."""

SHARD_LOCK = 0x44434D04
"""With the shard's number: one drain a shard at a time, so a session has one writer."""

NUL = rb"\u0000"
_NULS = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""An escaped NUL; an even number of backslashes before it are text of their own."""


@dramatiq.actor(broker=broker, queue_name=INGEST, max_retries=0, throws=AWAY, asked_again=True)
def drain(shard: int) -> None:
    """Write what a shard's stream holds, oldest first but for sessions that are waited for, until it is empty.

    The stream is the list of what is not committed yet: an entry is deleted only after its commit,
    so a drain that dies leaves it to the next, which recognises what was written by its key.
    """
    client = running.valkey()
    stream, deadline = stream_key(shard), time.monotonic() + YIELD_AFTER
    with running.pool().connection() as conn, _one_at_a_time(conn, shard):
        client.delete(nudge_key(shard))
        while entries := waiting.next_batch(client, shard, BATCH):
            began_ns, began = time.time_ns(), time.monotonic()
            written = _write(conn, entries)
            tracing.stored(running.settings(), entries, began_ns)
            drained.note(conn, entries, written, began)
            follow_up(written)
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
    """Write a batch and set aside what is refused of it."""
    ttl_ms = running.settings().message_ttl_ms
    together = Written(events=[])
    for written in refused.write(conn, entries, lambda some: write(conn, _events(some), ttl_ms), _rejected):
        together.events += written.events
        together.messages += written.messages
        together.tools_before = written.tools_before | together.tools_before
        together.tools_used |= written.tools_used
    return together


def _events(entries: Sequence[Entry]) -> list[HookEvent]:
    """The events of a batch, as they may be stored.

    Of the start of a tool call whose end came with it nothing is stored: it need not be looked through for secrets.
    """
    events = [_parsed(entry) for entry in entries]
    ended = {
        (event.session_id, event.tool_use_id)
        for event in events
        if event.ends_tool and event.tool_use_id and not event.recovered
    }
    redact = running.redactor().payload
    return [
        replace(event, payload={})
        if event.name == TOOL_STARTED and (event.session_id, event.tool_use_id) in ended
        else with_payload(event, redact(event.payload))
        for event in events
    ]


def _parsed(entry: Entry) -> HookEvent:
    _, fields = entry
    payload = _cleaned(fields[streams.PAYLOAD_FIELD])
    if payload.get("hook_event_name") != TOOL_RECORDED:
        check(payload)
    at, recovered = streams.moment(fields[streams.TIME_FIELD]), streams.RECOVERED_FIELD in fields
    event = parse(drained.entry_id(entry), at, payload, recovered=recovered)
    return drained.as_it_came(event, fields)


def _cleaned(raw: bytes) -> Any:
    """The payload, with what Postgres cannot store (NUL, half of a surrogate pair) replaced."""
    if NUL in raw:
        raw = _NULS.sub(rb"\1\\ufffd", raw)
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        text = json.dumps(json.loads(raw), ensure_ascii=False)
        return json.loads(text.encode("utf-8", "replace"))


def _rejected(entry: Entry, reason: str) -> Rejected:
    _, fields = entry
    raw = fields.get(streams.PAYLOAD_FIELD, b"")
    try:
        payload = json.loads(raw)
        session_id, name = str(payload["session_id"]), str(payload["hook_event_name"])
    except (ValueError, TypeError, KeyError, RecursionError):
        session_id, name = None, None
    return Rejected(
        drained.entry_id(entry),
        session_id,
        name,
        running.redactor().text(reason),
        _redacted(raw.decode("utf-8", "replace")),
        drained.happened_at(entry),
        _came_as(entry),
        streams.RECOVERED_FIELD in fields,
    )


def _came_as(entry: Entry) -> str:
    """The key of an event that redaction changes: what is kept of it has another."""
    try:
        return _events([entry])[0].came_as
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
