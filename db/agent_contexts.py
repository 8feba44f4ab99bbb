"""Agent contexts as the API shows them (contract, section 3.10)."""

from typing import Any

from psycopg.rows import dict_row

from db import counts
from db.pool import Conn

Row = dict[str, Any]

STATES = ("running", "completed", "failed")


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


def matching(conn: Conn, agent_type: str | None, status: str | None) -> int:
    """How many contexts are of this type and have this status, of any where None is given."""
    return sum(
        one.value
        for one in counts.split(conn, "agent_contexts")
        if agent_type in {None, one.part} and status in {None, one.state}
    )


def overview(conn: Conn) -> Row:
    """Figures over all contexts."""
    figures = counts.split(conn, "agent_contexts")
    states = {state: sum(one.value for one in figures if one.state == state) for state in STATES}
    return {
        "total": sum(one.value for one in figures),
        "unique_types": len({one.part for one in figures}),
        **states,
    }


def span(conn: Conn) -> Row:
    """How many projects have contexts, and when the first and the last changed."""
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            """
            SELECT (SELECT count(*) FROM projects p
                    WHERE EXISTS (SELECT FROM agent_contexts c WHERE c.project_id = p.id)) AS unique_projects,
                   min(last_updated) AS oldest, max(last_updated) AS newest
            FROM agent_contexts
            """
        ).fetchone()
    return found or {}


def types(conn: Conn, limit: int) -> list[Row]:
    """The types that have most contexts."""
    found: dict[str, Row] = {}
    for one in counts.split(conn, "agent_contexts"):
        row = found.setdefault(one.part, {"agent_type": one.part, "count": 0, "running": 0, "completed": 0})
        row["count"] += one.value
        if one.state in row:
            row[one.state] += one.value
    return sorted(found.values(), key=lambda row: (-row["count"], row["agent_type"]))[:limit]


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
