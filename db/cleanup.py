"""What is cleaned away, and what that did last (contract, section 9.4)."""

import time
from typing import Any

from psycopg.rows import dict_row

from db import counts
from db.pool import Conn

Row = dict[str, Any]


def clean_messages(conn: Conn) -> int:
    """Delete messages whose time is over, and broadcasts of yesterday that somebody read; keeps how many.

    One that is being polled is left for the next time.
    """
    began = time.perf_counter()
    deleted = conn.execute(
        """
        DELETE FROM agent_messages WHERE id IN (
            SELECT id FROM agent_messages
            WHERE expires_at < now()
               OR (to_agent_id IS NULL AND read_by <> '{}' AND created_at < now() - interval '24 hours')
            FOR UPDATE SKIP LOCKED
        )
        """
    ).rowcount
    conn.execute(
        """
        INSERT INTO last_cleanup (deleted_messages, deleted_at, duration_ms) VALUES (%(deleted)s, now(), %(ms)s)
        ON CONFLICT (one) DO UPDATE SET deleted_messages = excluded.deleted_messages,
            deleted_at = excluded.deleted_at, duration_ms = excluded.duration_ms
        """,
        {"deleted": deleted, "ms": round((time.perf_counter() - began) * 1000)},
    )
    return deleted


def last(conn: Conn) -> Row | None:
    """What the last cleaning did, None before the first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("SELECT deleted_messages, deleted_at, duration_ms FROM last_cleanup").fetchone()


def messages(conn: Conn) -> Row:
    """How many messages there are, are over, and were read by nobody."""
    found = counts.of(conn, "agent_messages", "agent_messages.unread")
    row = conn.execute("SELECT count(*) FROM agent_messages WHERE expires_at < now()").fetchone()
    return {
        "total": found["agent_messages"],
        "expired": int(row[0]) if row else 0,
        "unread": found["agent_messages.unread"],
    }


def by_topic(conn: Conn) -> dict[str, int]:
    """{topic: messages}."""
    found: dict[str, int] = {}
    for one in counts.split(conn, "agent_messages"):
        found[one.part] = found.get(one.part, 0) + one.value
    return dict(sorted(found.items()))


def close_dead_sessions(conn: Conn, idle_hours: float) -> list[str]:
    """End the sessions nothing was heard of for so long, at the moment they were last heard of; their ids."""
    rows = conn.execute(
        """
        UPDATE sessions SET ended_at = last_seen_at, end_reason = 'silent', end_reason_at = last_seen_at
        WHERE ended_at IS NULL AND last_seen_at < now() - make_interval(secs => %(hours)s * 3600)
        RETURNING id
        """,
        {"hours": idle_hours},
    ).fetchall()
    return [row[0] for row in rows]
