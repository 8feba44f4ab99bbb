"""The figures of the dashboard's first look (contract, section 3.1)."""

from typing import Any

from psycopg.rows import dict_row

from db import counts
from db.pool import Conn

NAMES = (
    "sessions", "tools_used", "subtasks", "subtasks.completed", "subtasks.running",
    "subtasks.failed", "keywords", "keyword_tool_scores",
)  # fmt: skip


def blocks(conn: Conn) -> dict[str, Any]:
    """{block: {figure: value}} of actions, sessions, agents, subtasks and routing."""
    found = counts.of(conn, *NAMES)
    return {
        "actions_24h": _last_day(conn),
        "sessions": {
            "total": found["sessions"],
            "active": _begun_today(conn),
            "avg_tools_per_session": round(found["tools_used"] / max(found["sessions"], 1), 1),
        },
        "agents": _agents(conn),
        "subtasks": {
            "total": found["subtasks"],
            "completed": found["subtasks.completed"],
            "running": found["subtasks.running"],
            "failed": found["subtasks.failed"],
            "completion_rate": (200 * found["subtasks.completed"] + found["subtasks"]) // (2 * found["subtasks"] or 1),
        },
        "routing": {
            "keywords": found["keywords"],
            "tools": _tools(conn),
            "mappings": found["keyword_tool_scores"],
        },
    }


def _last_day(conn: Conn) -> dict[str, Any]:
    """Whole hours come from the figures, the hour that the window cuts from the rows themselves."""
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            """
            WITH tools AS (
                SELECT tool_name, sum(total)::bigint AS total, sum(success)::bigint AS success
                FROM actions_of_day GROUP BY 1 HAVING sum(total) > 0
            ), day AS (
                SELECT coalesce(sum(total), 0)::bigint AS total, coalesce(sum(success), 0)::bigint AS success,
                       count(*) AS unique_tools,
                       (SELECT min(created_at) FROM actions WHERE created_at > now() - interval '24 hours') AS oldest
                FROM tools
            ), active AS (
                SELECT session_id FROM session_actions WHERE last_at > now() - interval '24 hours'
                UNION
                SELECT session_id FROM action_changes
                WHERE last_at > now() - interval '24 hours' AND session_id IS NOT NULL
            )
            SELECT total, success, coalesce(round(100.0 * success / nullif(total, 0)), 0)::int AS success_rate,
                   unique_tools, (SELECT count(*) FROM active) AS active_sessions,
                   coalesce(round((total / greatest(extract(epoch FROM now() - oldest) / 3600, 1))::numeric, 1), 0)
                       ::float8 AS avg_per_hour
            FROM day
            """
        ).fetchone()
    return found or {}


def _begun_today(conn: Conn) -> int:
    """Sessions that began in the last 24 hours and have not ended."""
    row = conn.execute(
        """
        SELECT count(*) FROM sessions WHERE ended_at IS NULL AND started_at > now() - interval '24 hours'
        """
    ).fetchone()
    return int(row[0]) if row else 0


def _tools(conn: Conn) -> int:
    row = conn.execute("SELECT count(DISTINCT tool_name) FROM tool_scores_now").fetchone()
    return int(row[0]) if row else 0


def _agents(conn: Conn) -> dict[str, Any]:
    types: dict[str, int] = {}
    for found in counts.split(conn, "agent_contexts"):
        types[found.part] = types.get(found.part, 0) + found.value
    top = sorted(types.items(), key=lambda item: (-item[1], item[0]))[:8]
    return {
        "contexts_total": sum(types.values()),
        "unique_types": len(types),
        "top_types": [{"agent_type": agent_type, "count": count} for agent_type, count in top],
    }
