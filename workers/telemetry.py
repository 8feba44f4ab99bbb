"""Write what OpenTelemetry of Claude Code told."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import dramatiq
import orjson

from db import rejected
from db import telemetry as stored
from db.pool import AWAY, Conn
from dcm.broker import DEFAULT, TELEMETRY_NUDGE, TELEMETRY_STREAM
from dcm.domain.streams import AGAIN_FIELD, EXPORT, PAYLOAD_FIELD
from dcm.domain.telemetry import CompactionSize, ModelRequest, UsageSum
from workers import drained, refused, running
from workers.waiting import Entry

broker = running.broker()

BATCH = 100
"""Exports written in one transaction."""

Rows = list[dict[str, Any]]

WRITERS: Mapping[str, Callable[[Conn, Rows], None]] = {
    "compactions": lambda conn, rows: stored.keep_compactions(conn, [CompactionSize(**row) for row in rows]),
    "requests": lambda conn, rows: stored.keep_requests(conn, [ModelRequest(**row) for row in rows]),
    "sums": lambda conn, rows: stored.keep_sums(conn, [UsageSum(**row) for row in rows]),
}
"""How each kind of what is told is written."""


TEXTS = ("model", "source", "agent_name", "error")
"""Fields that are neither ids nor numbers."""


@dramatiq.actor(broker=broker, queue_name=DEFAULT, max_retries=0, throws=AWAY, asked_again=True)
def telemetry() -> None:
    """Write what the stream of exports holds until it is empty; an entry is deleted only after its commit."""
    client = running.valkey()
    client.delete(TELEMETRY_NUDGE)
    with running.pool().connection() as conn:
        while entries := cast("list[Entry]", client.xrange(TELEMETRY_STREAM, count=BATCH)):
            refused.write(conn, entries, partial(_write, conn), _rejected)
            if again := [drained.entry_id(entry) for entry in entries if AGAIN_FIELD in entry[1]]:
                rejected.settle(conn, again)
            client.xdel(TELEMETRY_STREAM, *(entry_id for entry_id, _ in entries))


def _rejected(entry: Entry, reason: str) -> rejected.Rejected:
    redact = running.redactor().text
    payload = entry[1].get(PAYLOAD_FIELD, b"").decode("utf-8", "replace")
    return rejected.Rejected(
        drained.entry_id(entry), None, EXPORT, redact(reason), redact(payload), drained.happened_at(entry)
    )


def _write(conn: Conn, entries: Sequence[Entry]) -> None:
    """Write exports in one transaction, without their secrets; kinds and rows in order, so writers cannot deadlock."""
    told: dict[str, Rows] = {kind: [] for kind in WRITERS}
    for _, fields in entries:
        for kind, rows in orjson.loads(fields[PAYLOAD_FIELD]).items():
            told[kind] += [_redacted(row) for row in rows]
    with conn.transaction():
        for kind, write in WRITERS.items():
            if told[kind]:
                write(conn, told[kind])


def _redacted(row: dict[str, Any]) -> dict[str, Any]:
    """A row without its secrets."""
    redact = running.redactor().text
    return row | {name: redact(row[name]) for name in TEXTS if row.get(name)}
