"""Tell what happened: in the transaction of the write, as its last statement."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from db.pool import Conn
from dcm.domain.events import Event, notification
from dcm.domain.instants import plain

CHANNEL = "dcm_events"

ORDER_LOCK = 0x44434D02
"""Held from the moment ids are given until commit, so that ids become visible in their order."""


def publish(conn: Conn, events: Sequence[Event]) -> None:
    """Keep what must not be lost as rows of `events`, and notify all of them, in order."""
    if not events:
        return
    timestamp_ms = int(datetime.now(UTC).timestamp() * 1000)
    ids = iter(_keep(conn, [event for event in events if event.kept]))
    texts = [notification(event, timestamp_ms, next(ids) if event.kept else None) for event in events]
    conn.execute(
        "SELECT pg_notify(%(channel)s, text) FROM unnest(%(texts)b::text[]) AS text",
        {"channel": CHANNEL, "texts": texts},
    )


def _keep(conn: Conn, events: Sequence[Event]) -> list[int]:
    if not events:
        return []
    conn.execute("SELECT pg_advisory_xact_lock(%s)", [ORDER_LOCK])
    rows = conn.execute(
        """
        INSERT INTO events (channel, event, session_id, data)
        SELECT channel, event, session_id, data::jsonb
        FROM unnest(%(channels)b::text[], %(names)b::text[], %(sessions)b::text[], %(data)b::text[])
            WITH ORDINALITY AS e (channel, event, session_id, data, position)
        ORDER BY position
        RETURNING id
        """,
        {
            "channels": [event.channel for event in events],
            "names": [event.name for event in events],
            "sessions": [event.session_id for event in events],
            "data": [_json(event.data) for event in events],
        },
    ).fetchall()
    return [row[0] for row in rows]


def _json(data: Mapping[str, Any]) -> str:
    return orjson.dumps(data, default=plain, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()


def kept_after(conn: Conn, event_id: int, limit: int = 1000) -> list[tuple[int, Event, datetime]]:
    """What was kept after an id, oldest first: (id, event, time)."""
    rows = conn.execute(
        """
        SELECT id, event, data, channel, session_id, created_at FROM events
        WHERE id > %(after)s ORDER BY id LIMIT %(limit)s
        """,
        {"after": event_id, "limit": limit},
    ).fetchall()
    return [(row[0], Event(row[1], row[2], row[3], row[4]), row[5]) for row in rows]


def kept_span(conn: Conn) -> tuple[int, int]:
    """(the oldest id that is still kept, the newest that was ever given); the first is one more when none is kept.

    Waits for who is about to commit: an id that was given but cannot be seen yet would count as one no longer kept.
    """
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock_shared(%s)", [ORDER_LOCK])
        last = newest_given(conn)
        row = conn.execute("SELECT coalesce(min(id), %s) FROM events", [last + 1]).fetchone()
    assert row
    return row[0], last


def newest_given(conn: Conn) -> int:
    """The newest id that was ever given, seen or not; 0 when none was."""
    row = conn.execute("SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('events', 'id')), 0)").fetchone()
    assert row
    return int(row[0])
