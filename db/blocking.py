"""Who blocks whom (contract, section 9.3)."""

import uuid
from typing import Any

from psycopg.rows import dict_row

from db.pool import Conn

Row = dict[str, Any]


def save(conn: Conn, blocked_by: str, blocked_agent: str, reason: str | None) -> Row:
    """Store a block; the one there is gets the new reason. `is_news`: there was none, or for another reason."""
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            """
            WITH before AS (
                SELECT reason FROM blocked_agents WHERE blocked_by = %(by)s AND blocked_agent = %(agent)s
            )
            INSERT INTO blocked_agents (blocked_by, blocked_agent, reason) VALUES (%(by)s, %(agent)s, %(reason)s)
            ON CONFLICT (blocked_by, blocked_agent) DO UPDATE SET reason = excluded.reason
            RETURNING id, blocked_by, blocked_agent, reason, created_at,
                      NOT EXISTS (SELECT FROM before WHERE before.reason IS NOT DISTINCT FROM %(reason)s) AS is_news
            """,
            {"by": blocked_by, "agent": blocked_agent, "reason": reason},
        ).fetchone()
    assert found is not None
    return found


def exists(conn: Conn, blocker: str, blocked: str) -> bool:
    """Whether one blocks the other."""
    row = conn.execute(
        "SELECT EXISTS (SELECT FROM blocked_agents WHERE blocked_by = %(by)s AND blocked_agent = %(agent)s)",
        {"by": blocker, "agent": blocked},
    ).fetchone()
    return bool(row and row[0])


def of(conn: Conn, agent_id: str) -> list[Row]:
    """Who blocks an agent, newest first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, blocked_by AS by_agent, reason, created_at AS since FROM blocked_agents
            WHERE blocked_agent = %(agent)s ORDER BY created_at DESC, id LIMIT 1000
            """,
            {"agent": agent_id},
        ).fetchall()


def by(conn: Conn, agent_id: str) -> list[Row]:
    """Whom an agent blocks, newest first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, blocked_agent AS agent, reason, created_at AS since FROM blocked_agents
            WHERE blocked_by = %(agent)s ORDER BY created_at DESC, id LIMIT 1000
            """,
            {"agent": agent_id},
        ).fetchall()


def remove(conn: Conn, block_id: uuid.UUID) -> Row | None:
    """End a block; None when it is not known."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "DELETE FROM blocked_agents WHERE id = %(id)s RETURNING id, blocked_by, blocked_agent, reason",
            {"id": block_id},
        ).fetchone()


def remove_pair(conn: Conn, blocked_by: str, blocked_agent: str) -> Row | None:
    """End the block of one agent by another; None when there is none."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            DELETE FROM blocked_agents WHERE blocked_by = %(by)s AND blocked_agent = %(agent)s
            RETURNING id, blocked_by, blocked_agent, reason
            """,
            {"by": blocked_by, "agent": blocked_agent},
        ).fetchone()


def of_session(conn: Conn, session_id: str) -> list[Row]:
    """Who blocks a session, or an agent that works in it, newest first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT b.blocked_by, b.blocked_agent, b.reason FROM blocked_agents b
            WHERE b.blocked_agent = %(session)s
               OR b.blocked_agent IN (SELECT unnest(ARRAY[agent_id, agent_type]) FROM subtasks
                                      WHERE session_id = %(session)s
                                        AND status IN ('pending', 'running', 'paused', 'blocked'))
            ORDER BY b.created_at DESC, b.id LIMIT 10
            """,
            {"session": session_id},
        ).fetchall()
