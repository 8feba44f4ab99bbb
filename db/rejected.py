"""Events that were accepted and that the database then refused, each with the reason."""

from dataclasses import dataclass

from db.pool import Conn


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
            "session_id": rejected.session_id,
            "event": rejected.event,
            "reason": rejected.reason,
            "payload": rejected.payload.replace("\x00", "\ufffd"),
        },
    )
