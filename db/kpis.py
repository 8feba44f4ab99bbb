"""The figures of the dashboard's first look (contract, section 3.1)."""

from typing import Any

from psycopg.rows import dict_row

from db.pool import Conn


def blocks(conn: Conn) -> dict[str, Any]:
    """{block: {figure: value}} of actions, sessions, agents, subtasks and routing."""
    return {
        "actions_24h": _actions(conn),
        "sessions": _one(
            conn,
            """
            SELECT count(*) AS total,
                   count(*) FILTER (WHERE ended_at IS NULL AND started_at > now() - interval '24 hours') AS active,
                   coalesce(round(avg(total_tools_used), 1), 0)::float8 AS avg_tools_per_session
            FROM sessions
            """,
        ),
        "agents": _agents(conn),
        "subtasks": _one(
            conn,
            """
            SELECT count(*) AS total, count(*) FILTER (WHERE status = 'completed') AS completed,
                   count(*) FILTER (WHERE status = 'running') AS running,
                   count(*) FILTER (WHERE status = 'failed') AS failed,
                   coalesce(round(100.0 * count(*) FILTER (WHERE status = 'completed') / nullif(count(*), 0)), 0)::int
                       AS completion_rate
            FROM subtasks
            """,
        ),
        "routing": _one(
            conn,
            """
            SELECT count(DISTINCT keyword) AS keywords, count(DISTINCT tool_name) AS tools, count(*) AS mappings
            FROM keyword_tool_scores
            """,
        ),
    }


def _one(conn: Conn, query: str) -> dict[str, Any]:
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(query.encode()).fetchone()
    return found or {}


def _actions(conn: Conn) -> dict[str, Any]:
    return _one(
        conn,
        """
        SELECT count(*) AS total, count(*) FILTER (WHERE success) AS success,
               coalesce(round(100.0 * count(*) FILTER (WHERE success) / nullif(count(*), 0)), 0)::int AS success_rate,
               count(DISTINCT tool_name) AS unique_tools, count(DISTINCT session_id) AS active_sessions,
               coalesce(round((count(*) / greatest(extract(epoch FROM now() - min(created_at)) / 3600, 1))::numeric,
                              1), 0)::float8 AS avg_per_hour
        FROM actions WHERE created_at > now() - interval '24 hours'
        """,
    )


def _agents(conn: Conn) -> dict[str, Any]:
    figures = _one(
        conn,
        "SELECT count(*) AS contexts_total, count(DISTINCT agent_type) AS unique_types FROM agent_contexts",
    )
    with conn.cursor(row_factory=dict_row) as cursor:
        types = cursor.execute(
            "SELECT agent_type, count(*) AS count FROM agent_contexts GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 8"
        ).fetchall()
    return {**figures, "top_types": types}
