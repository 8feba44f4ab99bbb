"""The figures of the WebSocket's `metrics` channel (contract, section 10.7)."""

from typing import Any

from psycopg.rows import dict_row

from db.pool import Conn


def read(conn: Conn) -> dict[str, Any]:
    """How busy the system is at this moment; durations in milliseconds."""
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            """
            SELECT (SELECT count(*) FROM sessions WHERE ended_at IS NULL) AS active_sessions,
                   (SELECT count(DISTINCT agent_id) FROM subtasks WHERE status = 'running' AND agent_id IS NOT NULL)
                       AS active_agents,
                   t.pending_tasks, t.running_tasks, t.completed_tasks_last_hour, t.avg_task_duration_ms,
                   (SELECT count(*) FROM agent_messages WHERE created_at > now() - interval '1 hour')
                       AS messages_last_hour,
                   (SELECT round(count(*) / 5.0, 1)::float8 FROM actions
                    WHERE created_at > now() - interval '5 minutes') AS actions_per_minute
            FROM (
                SELECT count(*) FILTER (WHERE status = 'pending') AS pending_tasks,
                       count(*) FILTER (WHERE status = 'running') AS running_tasks,
                       count(*) FILTER (WHERE status = 'completed' AND completed_at > now() - interval '1 hour')
                           AS completed_tasks_last_hour,
                       coalesce(round(1000 * avg(extract(epoch FROM completed_at - created_at))
                                      FILTER (WHERE status = 'completed')), 0)::bigint AS avg_task_duration_ms
                FROM task_lists
            ) AS t
            """
        ).fetchone()
    return found or {}
