"""Briefs and the snapshots they are made from."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from psycopg.rows import class_row, dict_row

from db.pool import Conn
from dcm.domain.compactions import NO_COMPACTIONS, Subject
from dcm.domain.snapshots import Snapshot, of_facts

READY = "dcm_ready"
"""Channel that tells the id of a session whose brief is ready."""


@dataclass(frozen=True, slots=True)
class Brief:
    """A brief, the moment up to which it holds everything of its session, and whose compaction it was made for."""

    content: str
    made_for: datetime
    subject: str
    given_at: datetime | None


def keep(conn: Conn, snapshot: Snapshot, content: str, subject: Subject) -> uuid.UUID:
    """Store a brief with its snapshot, once per session and moment, and tell that it is ready."""
    row = conn.execute(
        """
        INSERT INTO briefs (session_id, made_for, trigger, content, snapshot, subject)
        VALUES (%(session)s, %(made_for)s, %(trigger)s, %(content)s, %(snapshot)s::jsonb, %(subject)s)
        ON CONFLICT (session_id, made_for) DO UPDATE SET
            content = excluded.content, snapshot = excluded.snapshot, created_at = now(), imported = false
        RETURNING id
        """,
        {
            "session": snapshot.session_id,
            "made_for": snapshot.saved_at,
            "subject": str(subject),
            "trigger": snapshot.trigger,
            "content": content,
            "snapshot": orjson.dumps(snapshot.role_context(), default=str).decode(),
        },
    ).fetchone()
    conn.execute("SELECT pg_notify(%(channel)s, %(session)s)", {"channel": READY, "session": snapshot.session_id})
    assert row is not None
    found: uuid.UUID = row[0]
    return found


def newest(conn: Conn, session_id: str, *, main_only: bool = False, of_compactions: bool = False) -> Brief | None:
    """The brief made here of a session that holds most, None when it has none.

    `main_only`: for its main conversation. `of_compactions`: made for one, for nothing else.
    """
    with conn.cursor(row_factory=class_row(Brief)) as cursor:
        return cursor.execute(
            """
            SELECT content, made_for, subject, given_at FROM briefs
            WHERE session_id = %(session)s AND NOT imported AND (subject = 'main' OR NOT %(main_only)s)
              AND (trigger <> ALL(%(others)s) OR NOT %(of_compactions)s)
            ORDER BY made_for DESC LIMIT 1
            """,
            {
                "session": session_id,
                "main_only": main_only,
                "of_compactions": of_compactions,
                "others": sorted(NO_COMPACTIONS),
            },
        ).fetchone()


def rewrite(conn: Conn, session_id: str, made_for: datetime, content: str) -> None:
    """Store the text of a brief as it was given after all."""
    conn.execute(
        "UPDATE briefs SET content = %(content)s WHERE session_id = %(session)s AND made_for = %(made_for)s",
        {"session": session_id, "made_for": made_for, "content": content},
    )


def keep_summary(conn: Conn, session_id: str, made_for: datetime, summary: str) -> None:
    """Store what the client wrote of the compaction a brief was made for."""
    conn.execute(
        "UPDATE briefs SET summary = %(summary)s WHERE session_id = %(session)s AND made_for = %(made_for)s",
        {"session": session_id, "made_for": made_for, "summary": summary},
    )


def snapshot(conn: Conn, session_id: str, made_for: datetime) -> Snapshot | None:
    """What the brief of a moment was made from."""
    row = conn.execute(
        "SELECT snapshot FROM briefs WHERE session_id = %(session)s AND made_for = %(made_for)s",
        {"session": session_id, "made_for": made_for},
    ).fetchone()
    return of_facts(row[0]["facts"]) if row else None


def page(conn: Conn, session_id: str, limit: int) -> list[dict[str, Any]]:
    """The newest briefs of a session."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT b.id::text, b.trigger, b.subject, b.made_for, b.given_at, b.settled_at, b.content AS brief,
                   b.summary, size.pre_tokens, size.post_tokens, size.duration_ms
            FROM briefs b LEFT JOIN LATERAL (
                SELECT c.pre_tokens, c.post_tokens, c.duration_ms FROM compaction_sizes c
                WHERE c.session_id = b.session_id AND c.trigger = b.trigger AND c.success
                  AND c.created_at BETWEEN b.made_for - interval '1 second' AND b.made_for + interval '10 minutes'
                  AND NOT EXISTS (SELECT FROM briefs later
                                  WHERE later.session_id = b.session_id AND later.trigger = b.trigger
                                    AND later.made_for > b.made_for AND later.made_for < c.created_at)
                ORDER BY c.created_at LIMIT 1) AS size ON true
            WHERE b.session_id = %(session)s ORDER BY b.made_for DESC LIMIT %(limit)s
            """,
            {"session": session_id, "limit": limit},
        ).fetchall()


def has_news(conn: Conn, session_id: str) -> bool:
    """Whether anything was asked or done in a session since its main conversation was last given a brief."""
    row = conn.execute(
        """
        SELECT EXISTS (SELECT FROM requests WHERE session_id = %(session)s AND created_at > given)
            OR EXISTS (SELECT FROM actions WHERE session_id = %(session)s AND created_at > given)
        FROM (SELECT coalesce(max(given_at), '-infinity') AS given FROM briefs WHERE session_id = %(session)s) AS last
        """,
        {"session": session_id},
    ).fetchone()
    return bool(row and row[0])


def has_events(conn: Conn, session_id: str) -> bool:
    """Whether a session was told of by hooks, so that a brief can be made of it."""
    row = conn.execute(
        """
        SELECT EXISTS (SELECT FROM sessions WHERE id = %(session)s)
           AND EXISTS (SELECT FROM hook_events WHERE session_id = %(session)s)
        """,
        {"session": session_id},
    ).fetchone()
    return bool(row and row[0])
