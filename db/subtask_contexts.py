"""The agent context of a subtask: made with it, gone with its end. A row knows its subtask and is never another's."""

import uuid

from db.pool import Conn


def remember(conn: Conn, subtask_id: uuid.UUID) -> bool:
    """Store who works on a subtask and with what; False where its request has no project or it names no agent."""
    row = conn.execute(
        """
        INSERT INTO agent_contexts AS c (project_id, agent_id, agent_type, role_context, tools_used, progress_summary,
                                         session_id)
        SELECT r.project_id, s.agent_id, s.agent_type,
               jsonb_build_object('session_id', r.session_id, 'subtask_id', s.id, 'task_list_id', s.task_list_id,
                                  'task_description', s.description, 'status', s.status,
                                  'blocked_by', s.blocked_by, 'spawned_at',
                                  to_char(s.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')),
               ARRAY(SELECT DISTINCT a.tool_name FROM actions a WHERE a.session_id = r.session_id ORDER BY 1 LIMIT 20),
               s.description, r.session_id
        FROM subtasks s JOIN task_lists t ON t.id = s.task_list_id JOIN requests r ON r.id = t.request_id
        WHERE s.id = %(id)s AND r.project_id IS NOT NULL AND s.agent_id IS NOT NULL AND s.agent_type IS NOT NULL
        ON CONFLICT (project_id, agent_id) DO UPDATE SET
            agent_type = excluded.agent_type, role_context = excluded.role_context, tools_used = excluded.tools_used,
            progress_summary = excluded.progress_summary, session_id = excluded.session_id
            WHERE c.agent_type <> 'compact-snapshot'
        RETURNING c.id
        """,
        {"id": subtask_id},
    ).fetchone()
    return row is not None


def set_status(conn: Conn, project_id: uuid.UUID, agent_id: str, subtask_id: uuid.UUID, status: str) -> None:
    """Say in the context of a subtask what its status is now."""
    conn.execute(
        """
        UPDATE agent_contexts SET role_context = role_context || jsonb_build_object('status', %(status)s::text)
        WHERE project_id = %(project)s AND agent_id = %(agent)s AND role_context ->> 'subtask_id' = %(subtask)s::text
        """,
        {"project": project_id, "agent": agent_id, "subtask": str(subtask_id), "status": status},
    )


def forget(conn: Conn, project_id: uuid.UUID, agent_id: str, subtask_id: uuid.UUID) -> None:
    """Remove the context of a subtask that is over; contexts of other projects and other subtasks stay."""
    conn.execute(
        """
        DELETE FROM agent_contexts
        WHERE project_id = %(project)s AND agent_id = %(agent)s AND role_context ->> 'subtask_id' = %(subtask)s::text
        """,
        {"project": project_id, "agent": agent_id, "subtask": str(subtask_id)},
    )


def forget_of_task(conn: Conn, task_id: uuid.UUID) -> None:
    """Remove the contexts of all subtasks of a wave that the caller holds; its subtasks are held before they are."""
    conn.execute(
        """
        WITH held AS MATERIALIZED (
            SELECT r.project_id, s.agent_id, s.id
            FROM task_lists t JOIN requests r ON r.id = t.request_id JOIN subtasks s ON s.task_list_id = t.id
            WHERE t.id = %(id)s FOR UPDATE OF s
        )
        DELETE FROM agent_contexts c USING held
        WHERE c.project_id = held.project_id AND c.agent_id = held.agent_id
          AND c.role_context ->> 'subtask_id' = held.id::text
        """,
        {"id": task_id},
    )


def forget_of_request(conn: Conn, request_id: uuid.UUID) -> None:
    """Remove the contexts of all subtasks of a request whose waves the caller holds, as `forget_of_task` does."""
    conn.execute(
        """
        WITH held AS MATERIALIZED (
            SELECT r.project_id, s.agent_id, s.id
            FROM requests r JOIN task_lists t ON t.request_id = r.id JOIN subtasks s ON s.task_list_id = t.id
            WHERE r.id = %(id)s FOR UPDATE OF s
        )
        DELETE FROM agent_contexts c USING held
        WHERE c.project_id = held.project_id AND c.agent_id = held.agent_id
          AND c.role_context ->> 'subtask_id' = held.id::text
        """,
        {"id": request_id},
    )
