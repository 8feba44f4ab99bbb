"""Events that were accepted and that the database then refused, each with the reason; and their second tries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from db.pool import Conn
from dcm.domain.texts import storable


@dataclass(frozen=True, slots=True)
class Rejected:
    """A refused event: its stream entry, what is known of it, why, and the payload as text.

    `came_as`: the key it had before redaction changed it. `recovered`: a transcript told it.
    """

    entry_id: str
    session_id: str | None
    event: str | None
    reason: str
    payload: str
    at: datetime
    came_as: str = ""
    recovered: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """A refused event as it is kept. `sent_again_at`: it is in the stream again, and not stored yet."""

    id: UUID
    entry_id: str
    session_id: str | None
    event: str | None
    reason: str
    at: datetime
    refusals: int
    refused_at: datetime
    sent_again_at: datetime | None


@dataclass(frozen=True, slots=True)
class Whole(Kept):
    """The same with what is needed to send it again."""

    payload: str
    came_as: str
    recovered: bool


def keep(conn: Conn, rejected: Rejected) -> None:
    """Store a refused event once; of one that was sent again, note that it was refused again and why."""
    conn.execute(
        """
        INSERT INTO rejected_events (entry_id, session_id, event, reason, payload, at, came_as, recovered)
        VALUES (%(entry_id)s, %(session_id)s, %(event)s, %(reason)s, %(payload)s, %(at)s, %(came_as)s, %(recovered)s)
        ON CONFLICT (entry_id) DO UPDATE SET reason = excluded.reason, refused_at = now(), sent_again_at = NULL,
            refusals = rejected_events.refusals + 1
        WHERE rejected_events.sent_again_at IS NOT NULL
        """,
        {
            "entry_id": rejected.entry_id,
            "session_id": storable(rejected.session_id) if rejected.session_id else None,
            "event": storable(rejected.event) if rejected.event else None,
            "reason": storable(rejected.reason),
            "payload": storable(rejected.payload),
            "at": rejected.at,
            "came_as": rejected.came_as,
            "recovered": rejected.recovered,
        },
    )


def page(conn: Conn, limit: int, offset: int) -> list[Kept]:
    """Refused events, the newest refusal first."""
    with conn.cursor(row_factory=class_row(Kept)) as cursor:
        return cursor.execute(
            """
            SELECT id, entry_id, session_id, event, reason, at, refusals, refused_at, sent_again_at
            FROM rejected_events ORDER BY refused_at DESC, id LIMIT %(limit)s OFFSET %(offset)s
            """,
            {"limit": limit, "offset": offset},
        ).fetchall()


def one(conn: Conn, rejected_id: UUID) -> Whole | None:
    """A refused event, None when there is none of that id."""
    with conn.cursor(row_factory=class_row(Whole)) as cursor:
        return cursor.execute(
            """
            SELECT id, entry_id, session_id, event, reason, at, refusals, refused_at, sent_again_at,
                   payload, came_as, recovered
            FROM rejected_events WHERE id = %(id)s
            """,
            {"id": rejected_id},
        ).fetchone()


def take_one(conn: Conn, rejected_id: UUID) -> Whole | None:
    """Note that a refused event is sent again, and give it; the row is locked until the transaction ends."""
    with conn.cursor(row_factory=class_row(Whole)) as cursor:
        return cursor.execute(
            """
            UPDATE rejected_events SET sent_again_at = clock_timestamp() WHERE id = %(id)s
            RETURNING id, entry_id, session_id, event, reason, at, refusals, refused_at, sent_again_at,
                      payload, came_as, recovered
            """,
            {"id": rejected_id},
        ).fetchone()


def take_some(conn: Conn, refused_before: datetime, limit: int) -> list[Whole]:
    """Note of some that they are sent again, and give them: those refused before a moment and not sent since."""
    with conn.cursor(row_factory=class_row(Whole)) as cursor:
        return cursor.execute(
            """
            UPDATE rejected_events SET sent_again_at = clock_timestamp()
            WHERE id IN (
                SELECT id FROM rejected_events
                WHERE refused_at < %(before)s
                  AND (sent_again_at IS NULL OR sent_again_at < %(before)s - interval '1 minute')
                ORDER BY at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
            )
            RETURNING id, entry_id, session_id, event, reason, at, refusals, refused_at, sent_again_at,
                      payload, came_as, recovered
            """,
            {"before": refused_before, "limit": limit},
        ).fetchall()


def settle(conn: Conn, entry_ids: Sequence[str]) -> None:
    """Forget refused events that were sent again and are stored now; one refused again stays."""
    conn.execute(
        "DELETE FROM rejected_events WHERE entry_id = ANY(%(ids)s) AND sent_again_at IS NOT NULL",
        {"ids": list(entry_ids)},
    )


def drop_one(conn: Conn, rejected_id: UUID) -> bool:
    """Delete a refused event for good; False when there is none of that id."""
    return conn.execute("DELETE FROM rejected_events WHERE id = %(id)s", {"id": rejected_id}).rowcount > 0


def drop_all(conn: Conn) -> int:
    """Delete all refused events for good; how many there were."""
    return conn.execute("DELETE FROM rejected_events").rowcount


def count(conn: Conn) -> int:
    """How many refused events there are."""
    found = conn.execute("SELECT count(*) FROM rejected_events").fetchone()
    return int(found[0]) if found else 0
