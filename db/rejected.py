"""Events that were accepted and that the database then refused, each with the reason."""

from dataclasses import dataclass

from db.pool import Conn
from dcm.domain.texts import storable


@dataclass(frozen=True, slots=True)
class Rejected:
    """A refused event: its stream entry, what is known of it, why, and the payload as text."""

    entry_id: str
    session_id: str | None
    event: str | None
    reason: str
    payload: str


def keep(conn: Conn, rejected: Rejected) -> None:
    """Store a refused event once."""
    conn.execute(
        """
        INSERT INTO rejected_events (entry_id, session_id, event, reason, payload)
        VALUES (%(entry_id)s, %(session_id)s, %(event)s, %(reason)s, %(payload)s)
        ON CONFLICT (entry_id) DO NOTHING
        """,
        {
            "entry_id": rejected.entry_id,
            "session_id": storable(rejected.session_id) if rejected.session_id else None,
            "event": storable(rejected.event) if rejected.event else None,
            "reason": storable(rejected.reason),
            "payload": storable(rejected.payload),
        },
    )
