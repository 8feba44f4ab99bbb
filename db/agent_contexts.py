"""Agent contexts as the API shows them (contract, section 3.10)."""

from typing import Any

from psycopg.rows import dict_row

from db.pool import Conn

Row = dict[str, Any]


def page(conn: Conn, *, agent_type: str | None, status: str | None, limit: int, offset: int) -> list[Row]:
    """A page of contexts, the last changed first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, project_id, agent_id, agent_type, role_context, skills_to_restore, tools_used,
                   progress_summary, last_updated, session_id
            FROM agent_contexts
            WHERE (%(agent_type)s::text IS NULL OR agent_type = %(agent_type)s)
              AND (%(status)s::text IS NULL OR role_context ->> 'status' = %(status)s)
            ORDER BY last_updated DESC, id LIMIT %(limit)s OFFSET %(offset)s
            """,
            {"agent_type": agent_type, "status": status, "limit": limit, "offset": offset},
        ).fetchall()


def overview(conn: Conn) -> Row:
    """Figures over all contexts."""
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            """
            SELECT count(*) AS total, count(DISTINCT agent_type) AS unique_types,
                   count(DISTINCT project_id) AS unique_projects,
                   count(*) FILTER (WHERE role_context ->> 'status' = 'running') AS running,
                   count(*) FILTER (WHERE role_context ->> 'status' = 'completed') AS completed,
                   count(*) FILTER (WHERE role_context ->> 'status' = 'failed') AS failed,
                   min(last_updated) AS oldest, max(last_updated) AS newest
            FROM agent_contexts
            """
        ).fetchone()
    return found or {}


def types(conn: Conn, limit: int) -> list[Row]:
    """The types that have most contexts."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT agent_type, count(*) AS count,
                   count(*) FILTER (WHERE role_context ->> 'status' = 'running') AS running,
                   count(*) FILTER (WHERE role_context ->> 'status' = 'completed') AS completed
            FROM agent_contexts GROUP BY agent_type ORDER BY count DESC, agent_type LIMIT %(limit)s
            """,
            {"limit": limit},
        ).fetchall()


def recent(conn: Conn) -> list[Row]:
    """The ten contexts that changed last."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, agent_id, agent_type, progress_summary, role_context ->> 'status' AS status,
                   role_context ->> 'spawned_at' AS spawned_at, last_updated
            FROM agent_contexts ORDER BY last_updated DESC, id LIMIT 10
            """
        ).fetchall()


def tools(conn: Conn) -> list[Row]:
    """The twenty tools that most contexts used."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT tool, count(*) AS usage_count
            FROM agent_contexts, unnest(tools_used) AS tool
            WHERE agent_type <> 'compact-snapshot'
            GROUP BY tool ORDER BY usage_count DESC, tool LIMIT 20
            """
        ).fetchall()
