"""A project's tree, level by level, and the agents at work."""

import uuid
from collections.abc import Sequence
from typing import Any

from psycopg.rows import dict_row

from db.pool import Conn

Row = dict[str, Any]


def tasks(conn: Conn, request_ids: Sequence[uuid.UUID]) -> list[Row]:
    """The waves of these requests, by number, then age."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, request_id, name, wave_number, status, created_at, completed_at FROM task_lists
            WHERE request_id = ANY(%(requests)s) ORDER BY wave_number, created_at, id
            """,
            {"requests": list(request_ids)},
        ).fetchall()


def subtasks(conn: Conn, task_ids: Sequence[uuid.UUID]) -> list[Row]:
    """The subtasks of these waves, by age."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, task_list_id, task_list_id AS task_id, agent_type, agent_id, description, status, blocked_by,
                   created_at, started_at, completed_at, result
            FROM subtasks WHERE task_list_id = ANY(%(tasks)s) ORDER BY created_at, id
            """,
            {"tasks": list(task_ids)},
        ).fetchall()


def counts(conn: Conn, project_id: uuid.UUID) -> Row:
    """How many requests, tasks and subtasks a project has."""
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            """
            SELECT (SELECT count(*) FROM requests WHERE project_id = %(project)s) AS requests,
                   (SELECT count(*) FROM requests r JOIN task_lists t ON t.request_id = r.id
                    WHERE r.project_id = %(project)s) AS tasks,
                   (SELECT count(*) FROM requests r JOIN task_lists t ON t.request_id = r.id
                    JOIN subtasks s ON s.task_list_id = t.id WHERE r.project_id = %(project)s) AS subtasks
            """,
            {"project": project_id},
        ).fetchone()
    assert found is not None
    return found


def active_agents(conn: Conn, limit: int, offset: int) -> list[Row]:
    """The subtasks that run, pause or are blocked, the last started first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT subtask_id, project_id, project_name, project_path, agent_type, agent_id, status, description,
                   started_at, created_at, session_id, request_id, actions_count
            FROM v_active_agents
            ORDER BY started_at DESC NULLS LAST, created_at DESC, subtask_id LIMIT %(limit)s OFFSET %(offset)s
            """,
            {"limit": limit, "offset": offset},
        ).fetchall()
