"""Subtasks as the API shows and changes them (contract, section 3.5)."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from db.pool import Conn
from dcm.domain.subtasks import SubtaskPatch

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a subtask belongs, and its status, None for one that is yet to be made."""

    session_id: str | None
    project_id: uuid.UUID | None
    status: str | None


def hold_task(conn: Conn, task_id: uuid.UUID) -> Place | None:
    """Where the subtasks of a wave belong; it and its project stay until commit. None when it is not known.

    The project is held first, as its deletion does: the two never wait for one another.
    """
    with conn.cursor(row_factory=class_row(Place)) as cursor:
        return cursor.execute(
            """
            WITH held AS MATERIALIZED (
                SELECT p.id FROM task_lists t
                JOIN requests r ON r.id = t.request_id
                JOIN projects p ON p.id = r.project_id
                WHERE t.id = %(id)s FOR KEY SHARE OF p
            )
            SELECT r.session_id, held.id AS project_id, NULL AS status
            FROM task_lists t
            LEFT JOIN requests r ON r.id = t.request_id
            LEFT JOIN held ON true
            WHERE t.id = %(id)s FOR KEY SHARE OF t
            """,
            {"id": task_id},
        ).fetchone()


def hold(conn: Conn, subtask_id: uuid.UUID) -> Place | None:
    """Where a subtask belongs; until commit nobody else changes it and its project stays. None when it is not known."""
    with conn.cursor(row_factory=class_row(Place)) as cursor:
        return cursor.execute(
            """
            WITH held AS MATERIALIZED (
                SELECT p.id FROM subtasks s
                JOIN task_lists t ON t.id = s.task_list_id
                JOIN requests r ON r.id = t.request_id
                JOIN projects p ON p.id = r.project_id
                WHERE s.id = %(id)s FOR KEY SHARE OF p
            )
            SELECT coalesce(s.session_id, r.session_id) AS session_id, held.id AS project_id, s.status
            FROM subtasks s
            LEFT JOIN task_lists t ON t.id = s.task_list_id
            LEFT JOIN requests r ON r.id = t.request_id
            LEFT JOIN held ON true
            WHERE s.id = %(id)s FOR NO KEY UPDATE OF s
            """,
            {"id": subtask_id},
        ).fetchone()


def known(conn: Conn, ids: Sequence[uuid.UUID]) -> int:
    """How many of these subtasks there are."""
    row = conn.execute("SELECT count(*) FROM subtasks WHERE id = ANY(%(ids)b)", {"ids": list(ids)}).fetchone()
    return int(row[0]) if row else 0


def create(conn: Conn, subtask: Mapping[str, Any]) -> Row:
    """Store a subtask of a wave that is there; one that runs has started now."""
    context = subtask["context_snapshot"]
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            """
            INSERT INTO subtasks (task_list_id, agent_type, agent_id, description, status, blocked_by, started_at,
                                  context_snapshot)
            VALUES (%(task_id)s, %(agent_type)s, %(agent_id)s, %(description)s, %(status)s, %(blocked_by)b::uuid[],
                    CASE WHEN %(status)s = 'running' THEN now() END, %(context_snapshot)s)
            RETURNING id, task_list_id, task_list_id AS task_id, agent_type, agent_id, description, status, blocked_by,
                      created_at, started_at, completed_at, context_snapshot, result
            """,
            {**subtask, "context_snapshot": None if context is None else Jsonb(context)},
        ).fetchone()
    assert found is not None
    return found


def newest(conn: Conn, *, status: str | None, agent_type: str | None, limit: int, offset: int) -> list[Row]:
    """A page of subtasks of all waves for which all that is given holds, newest first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, task_list_id, task_list_id AS task_id, agent_type, agent_id, description, status, blocked_by,
                   created_at, started_at, completed_at, context_snapshot, result
            FROM subtasks
            WHERE (%(status)s::text IS NULL OR status = %(status)s)
              AND (%(agent_type)s::text IS NULL OR agent_type = %(agent_type)s)
            ORDER BY created_at DESC, id LIMIT %(limit)s OFFSET %(offset)s
            """,
            {"status": status, "agent_type": agent_type, "limit": limit, "offset": offset},
        ).fetchall()


def of_task(
    conn: Conn,
    task_id: uuid.UUID,
    *,
    status: str | None = None,
    agent_type: str | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[Row]:
    """The subtasks of a wave for which all that is given holds, oldest first; all of them without a limit."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, task_list_id, task_list_id AS task_id, agent_type, agent_id, description, status, blocked_by,
                   created_at, started_at, completed_at, context_snapshot, result
            FROM subtasks
            WHERE task_list_id = %(task)s
              AND (%(status)s::text IS NULL OR status = %(status)s)
              AND (%(agent_type)s::text IS NULL OR agent_type = %(agent_type)s)
            ORDER BY created_at, id LIMIT %(limit)s OFFSET %(offset)s
            """,
            {"task": task_id, "status": status, "agent_type": agent_type, "limit": limit, "offset": offset},
        ).fetchall()


def one(conn: Conn, subtask_id: uuid.UUID) -> Row | None:
    """A subtask, None when it is not known."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, task_list_id, task_list_id AS task_id, agent_type, agent_id, description, status, blocked_by,
                   created_at, started_at, completed_at, context_snapshot, result
            FROM subtasks WHERE id = %(id)s
            """,
            {"id": subtask_id},
        ).fetchone()


def actions(conn: Conn, subtask_id: uuid.UUID, limit: int) -> list[Row]:
    """The newest tool calls of a subtask, oldest first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT * FROM (
                SELECT id, tool_name, tool_type, exit_code, duration_ms, file_paths, created_at
                FROM actions WHERE subtask_id = %(id)s ORDER BY created_at DESC, id DESC LIMIT %(limit)s
            ) a ORDER BY created_at, id
            """,
            {"id": subtask_id, "limit": limit},
        ).fetchall()


def change(conn: Conn, subtask_id: uuid.UUID, patch: SubtaskPatch) -> Row:
    """Write a patch to a subtask that the caller holds.

    An end is dated once, however often it is told; what goes on again has not ended.
    """
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            """
            UPDATE subtasks SET
                status = coalesce(%(status)s, status), agent_id = coalesce(%(agent_id)s, agent_id),
                blocked_by = coalesce(%(blocked_by)b::uuid[], blocked_by), result = coalesce(%(result)s, result),
                started_at = CASE WHEN %(status)s = 'running' THEN coalesce(started_at, now()) ELSE started_at END,
                completed_at = CASE
                    WHEN %(status)s::text IS NULL THEN completed_at
                    WHEN NOT %(ends)s THEN NULL
                    WHEN %(status)s = status THEN coalesce(completed_at, now())
                    ELSE now() END,
                last_seen_at = now()
            WHERE id = %(id)s
            RETURNING id, task_list_id, task_list_id AS task_id, agent_type, agent_id, description, status, blocked_by,
                      created_at, started_at, completed_at, context_snapshot, result
            """,
            {
                "id": subtask_id,
                "status": patch.status,
                "ends": patch.ends,
                "agent_id": patch.agent_id,
                "blocked_by": None if patch.blocked_by is None else list(patch.blocked_by),
                "result": None if patch.result is None else Jsonb(patch.result),
            },
        ).fetchone()
    assert found is not None
    return found


def remove(conn: Conn, subtask_id: uuid.UUID) -> Row | None:
    """Forget a subtask with its tool calls; what it was, None when it is not known."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            DELETE FROM subtasks WHERE id = %(id)s
            RETURNING id, task_list_id, agent_type, agent_id, description, status, completed_at, result
            """,
            {"id": subtask_id},
        ).fetchone()
