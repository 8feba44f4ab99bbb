"""Sessions and projects deleted with all that hangs on them."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from db.pool import Conn
from dcm.domain.hook_events import HookEvent

FORGET_LOCK = 0x44434D0A
"""Shared by who writes a batch of events: nobody deletes a session while one writes to it."""


def session(conn: Conn, session_id: str) -> dict[str, int]:
    """Delete all that hangs on a session; {table: rows} of what there was. The caller has begun a transaction.

    What comes later is stored again, but nothing of the time before.
    """
    return sessions(conn, [session_id])


def sessions(conn: Conn, session_ids: Sequence[str]) -> dict[str, int]:
    """The same for several at once."""
    told = {"sessions": list(session_ids)}
    conn.execute("SELECT pg_advisory_xact_lock(%s)", [FORGET_LOCK])
    conn.execute(
        """
        SELECT FROM projects WHERE id IN (
            SELECT project_id FROM sessions WHERE id = ANY(%(sessions)s)
            UNION SELECT project_id FROM requests WHERE session_id = ANY(%(sessions)s))
        ORDER BY id FOR UPDATE
        """,
        told,
    )
    conn.execute(
        """
        INSERT INTO forgotten_sessions (session_id, forgotten_at) SELECT id, clock_timestamp()
        FROM unnest(%(sessions)s::text[]) AS id
        ON CONFLICT (session_id) DO UPDATE SET forgotten_at = excluded.forgotten_at
        """,
        told,
    )
    statements = {"search_entries": _FOUND, "actions": _ACTIONS, **_OF_A_SESSION}
    gone = {table: conn.execute(statement, told).rowcount for table, statement in statements.items()}
    return {table: rows for table, rows in gone.items() if rows}


_FOUND = """
    DELETE FROM search_entries WHERE session_id = ANY(%(sessions)s)
    AND at BETWEEN (
        SELECT min(at) FROM (
            SELECT min(started_at) AS at FROM sessions WHERE id = ANY(%(sessions)s)
            UNION ALL SELECT min(created_at) FROM actions WHERE session_id = ANY(%(sessions)s)
            UNION ALL SELECT min(created_at) FROM requests WHERE session_id = ANY(%(sessions)s)
            UNION ALL SELECT min(created_at) FROM subtasks WHERE session_id = ANY(%(sessions)s)
            UNION ALL SELECT min(created_at) FROM agent_messages WHERE session_id = ANY(%(sessions)s)) AS first_signs
    ) AND (
        SELECT max(at) FROM (
            SELECT max(last_seen_at) AS at FROM sessions WHERE id = ANY(%(sessions)s)
            UNION ALL SELECT max(created_at) FROM actions WHERE session_id = ANY(%(sessions)s)
            UNION ALL SELECT max(created_at) FROM requests WHERE session_id = ANY(%(sessions)s)
            UNION ALL SELECT max(created_at) FROM subtasks WHERE session_id = ANY(%(sessions)s)
            UNION ALL SELECT max(created_at) FROM agent_messages WHERE session_id = ANY(%(sessions)s)) AS last_signs
    )
"""
"""The words of a session have no index of its own: they lie between its first and its last sign."""

_ACTIONS = """
    DELETE FROM actions WHERE session_id = ANY(%(sessions)s)
    OR subtask_id IN (SELECT id FROM subtasks WHERE session_id = ANY(%(sessions)s))
"""

_OF_A_SESSION = {
    "hook_events": "DELETE FROM hook_events WHERE session_id = ANY(%(sessions)s)",
    "subtasks": "DELETE FROM subtasks WHERE session_id = ANY(%(sessions)s)",
    "requests": "DELETE FROM requests WHERE session_id = ANY(%(sessions)s)",
    "agent_contexts": "DELETE FROM agent_contexts WHERE session_id = ANY(%(sessions)s)",
    "agent_messages": "DELETE FROM agent_messages WHERE session_id = ANY(%(sessions)s)",
    "briefs": "DELETE FROM briefs WHERE session_id = ANY(%(sessions)s)",
    "transcripts": "DELETE FROM transcripts WHERE session_id = ANY(%(sessions)s)",
    "message_usage": "DELETE FROM message_usage WHERE session_id = ANY(%(sessions)s)",
    "context_usage": "DELETE FROM context_usage WHERE session_id = ANY(%(sessions)s)",
    "model_requests": "DELETE FROM model_requests WHERE session_id = ANY(%(sessions)s)",
    "usage_sums": "DELETE FROM usage_sums WHERE session_id = ANY(%(sessions)s)",
    "compaction_sizes": "DELETE FROM compaction_sizes WHERE session_id = ANY(%(sessions)s)",
    "rejected_events": "DELETE FROM rejected_events WHERE session_id = ANY(%(sessions)s)",
    "events": "DELETE FROM events WHERE session_id = ANY(%(sessions)s) OR data ->> 'session_id' = ANY(%(sessions)s)",
    "kept_sessions": "DELETE FROM kept_sessions WHERE session_id = ANY(%(sessions)s)",
    "sessions": "DELETE FROM sessions WHERE id = ANY(%(sessions)s)",
}


def project(conn: Conn, project_id: uuid.UUID) -> str | None:
    """Delete a project with all sessions that ran in it: its path, None when it is not known. Within a transaction.

    The project is locked before anything of it: who changes a subtask locks in the same order.
    """
    conn.execute("SELECT pg_advisory_xact_lock(%s)", [FORGET_LOCK])
    conn.execute("SELECT FROM projects WHERE id = %(id)s FOR UPDATE", {"id": project_id})
    rows = conn.execute(
        """
        SELECT id FROM sessions WHERE project_id = %(id)s
        UNION SELECT r.session_id FROM requests r LEFT JOIN sessions s ON s.id = r.session_id
        WHERE r.project_id = %(id)s AND (s.id IS NULL OR s.project_id = %(id)s)
        """,
        {"id": project_id},
    ).fetchall()
    if rows:
        sessions(conn, [row[0] for row in rows])
    conn.execute("DELETE FROM kept_projects WHERE project_id = %(id)s", {"id": project_id})
    gone = conn.execute("DELETE FROM projects WHERE id = %(id)s RETURNING path", {"id": project_id}).fetchone()
    return gone[0] if gone else None


def without_forgotten(conn: Conn, events: Sequence[HookEvent]) -> list[HookEvent]:
    """The events without those that deleted sessions had before; nobody deletes one until the caller commits."""
    conn.execute("SELECT pg_advisory_xact_lock_shared(%s)", [FORGET_LOCK])
    rows = conn.execute(
        "SELECT session_id, forgotten_at FROM forgotten_sessions WHERE session_id = ANY(%(sessions)s)",
        {"sessions": list({event.session_id for event in events})},
    ).fetchall()
    forgotten: dict[str, datetime] = dict(rows)
    return [event for event in events if event.session_id not in forgotten or event.at > forgotten[event.session_id]]
