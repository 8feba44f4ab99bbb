"""Sessions as the API shows and changes them (contract, section 3.11)."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.rows import dict_row

from db import counts
from db.pool import Conn

Row = dict[str, Any]


def create(conn: Conn, session: Mapping[str, Any]) -> Row | None:
    """Store a session of `id`, `project_id`, `started_at`, `ended_at` and the three totals; None when it is there."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            INSERT INTO sessions (id, project_id, started_at, ended_at, total_tools_used, total_success, total_errors)
            VALUES (%(id)s, %(project_id)s, coalesce(%(started_at)s, now()), %(ended_at)s,
                    %(total_tools_used)s, %(total_success)s, %(total_errors)s)
            ON CONFLICT (id) DO NOTHING
            RETURNING id, project_id, started_at, ended_at, total_tools_used, total_success, total_errors
            """,
            session,
        ).fetchone()


def one(conn: Conn, session_id: str) -> Row | None:
    """A session, None when it is not known."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT s.id, s.project_id, s.started_at, s.ended_at, s.total_tools_used, s.total_success, s.total_errors,
                   s.last_seen_at, s.cwd, s.worktree, s.model, s.context_bytes, s.end_reason,
                   p.name AS project_name, p.path AS project_path
            FROM sessions s LEFT JOIN projects p ON p.id = s.project_id WHERE s.id = %(id)s
            """,
            {"id": session_id},
        ).fetchone()


def requests(conn: Conn, session_id: str) -> list[Row]:
    """The twenty newest requests of a session."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, prompt, prompt_type, status, created_at FROM requests
            WHERE session_id = %(session)s ORDER BY created_at DESC, id LIMIT 20
            """,
            {"session": session_id},
        ).fetchall()


def change(
    conn: Conn,
    session_id: str,
    *,
    reopen: bool,
    ended_at: datetime | None,
    total_tools_used: int | None,
    total_success: int | None,
    total_errors: int | None,
) -> Row | None:
    """Set what is given; None when the session is not known."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            UPDATE sessions SET
                ended_at = CASE WHEN %(reopen)s THEN NULL ELSE coalesce(%(ended_at)s, ended_at) END,
                total_tools_used = coalesce(%(total_tools_used)s, total_tools_used),
                total_success = coalesce(%(total_success)s, total_success),
                total_errors = coalesce(%(total_errors)s, total_errors)
            WHERE id = %(id)s
            RETURNING id, project_id, started_at, ended_at, total_tools_used, total_success, total_errors
            """,
            {"id": session_id, "reopen": reopen, "ended_at": ended_at, "total_tools_used": total_tools_used,
             "total_success": total_success, "total_errors": total_errors},
        ).fetchone()  # fmt: skip


def remove(conn: Conn, session_id: str) -> bool:
    """Forget a session; its requests and actions stay. False when it is not known."""
    return bool(conn.execute("DELETE FROM sessions WHERE id = %(id)s", {"id": session_id}).rowcount)


def overview(conn: Conn) -> Row:
    """Totals over all sessions."""
    found = counts.of(conn, "sessions", "sessions.active", "tools_used", "tools_success", "tools_errors")
    with conn.cursor(row_factory=dict_row) as cursor:
        span = cursor.execute(
            "SELECT min(started_at) AS oldest_session, max(started_at) AS newest_session FROM sessions"
        ).fetchone()
    return {
        "total_sessions": found["sessions"],
        "active_sessions": found["sessions.active"],
        "total_tools": found["tools_used"],
        "total_success": found["tools_success"],
        "total_errors": found["tools_errors"],
        "avg_tools_per_session": round(found["tools_used"] / max(found["sessions"], 1), 1),
        **(span or {}),
    }


def by_project(conn: Conn) -> list[Row]:
    """The ten projects with most sessions."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT p.name AS project_name, p.path AS project_path, count(*) AS session_count,
                   coalesce(sum(s.total_tools_used), 0)::bigint AS total_tools
            FROM sessions s JOIN projects p ON p.id = s.project_id
            GROUP BY p.id ORDER BY session_count DESC, p.path LIMIT 10
            """
        ).fetchall()


def page(
    conn: Conn, *, project_id: uuid.UUID | None, active_only: bool, by_activity: bool, limit: int, offset: int
) -> tuple[list[dict[str, Any]], int]:
    """A page of sessions and how many match in all; the last started first, or the last active."""
    parameters = {"project_id": project_id, "active_only": active_only, "by_activity": by_activity, "limit": limit,
                  "offset": offset}  # fmt: skip
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            """
            SELECT s.id, s.project_id, s.started_at, s.ended_at, s.total_tools_used, s.total_success, s.total_errors,
                   s.last_seen_at, s.cwd, s.worktree, s.model, s.context_bytes,
                   p.name AS project_name, p.path AS project_path,
                   (SELECT left(r.prompt, 500) FROM requests r
                    WHERE r.session_id = s.id AND NOT r.metadata ? 'placeholder'
                    ORDER BY r.created_at DESC LIMIT 1) AS last_prompt,
                   (SELECT count(*) FROM subtasks t WHERE t.session_id = s.id AND t.status = 'running')
                       AS running_subagents
            FROM sessions s LEFT JOIN projects p ON p.id = s.project_id
            WHERE (%(project_id)s::uuid IS NULL OR s.project_id = %(project_id)s)
              AND (NOT %(active_only)s OR s.ended_at IS NULL)
            ORDER BY CASE WHEN %(by_activity)s THEN s.last_seen_at ELSE s.started_at END DESC, s.id
            LIMIT %(limit)s OFFSET %(offset)s
            """,
            parameters,
        ).fetchall()
    return rows, _matching(conn, project_id, active_only=active_only)


def _matching(conn: Conn, project_id: uuid.UUID | None, *, active_only: bool) -> int:
    if project_id is None:
        name = "sessions.active" if active_only else "sessions"
        return counts.of(conn, name)[name]
    row = conn.execute(
        "SELECT count(*) FROM sessions WHERE project_id = %(project)s AND (NOT %(active)s OR ended_at IS NULL)",
        {"project": project_id, "active": active_only},
    ).fetchone()
    return int(row[0]) if row else 0
