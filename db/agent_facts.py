"""What is known of an agent for its brief (contract, section 7.1), within its session and project."""

import uuid

from psycopg.rows import class_row

from db.pool import Conn
from dcm.domain.agent_briefs.facts import AgentMessage, AgentTask, Block, PastAction, ProjectFact, SessionFact

MOST = 20
"""Tasks and messages that are read for a brief."""


def tasks(conn: Conn, agent_id: str, session_id: str, *, everybody: bool) -> list[AgentTask]:
    """The subtasks that are not over of an agent, by its id or type, or of everybody in the session.

    An agent's tasks are those of its session, and of other sessions of the same project.
    """
    with conn.cursor(row_factory=class_row(AgentTask)) as cursor:
        return cursor.execute(
            """
            SELECT s.id, coalesce(s.description, '') AS description, s.status, s.agent_type, s.created_at,
                   s.started_at, s.blocked_by, t.name AS task_name, t.wave_number
            FROM subtasks s
            LEFT JOIN task_lists t ON t.id = s.task_list_id
            LEFT JOIN requests r ON r.id = t.request_id
            WHERE s.status IN ('running', 'blocked', 'paused', 'pending')
              AND CASE WHEN %(everybody)s THEN coalesce(s.session_id, r.session_id) = %(session)s
                  ELSE %(agent)s IN (s.agent_id, s.agent_type)
                       AND (coalesce(s.session_id, r.session_id) = %(session)s
                            OR r.project_id = (SELECT project_id FROM sessions WHERE id = %(session)s)
                            OR r.project_id IN (SELECT project_id FROM requests WHERE session_id = %(session)s))
                  END
            ORDER BY array_position(ARRAY['running', 'blocked', 'paused', 'pending'], s.status), s.created_at, s.id
            LIMIT %(most)s
            """,
            {"agent": agent_id, "session": session_id, "everybody": everybody, "most": MOST},
        ).fetchall()


def completed_tasks(conn: Conn, session_id: str) -> int:
    """How many subtasks of a session were completed."""
    row = conn.execute(
        """
        SELECT count(*) FROM subtasks s
        LEFT JOIN task_lists t ON t.id = s.task_list_id LEFT JOIN requests r ON r.id = t.request_id
        WHERE coalesce(s.session_id, r.session_id) = %(session)s AND s.status = 'completed'
        """,
        {"session": session_id},
    ).fetchone()
    return int(row[0]) if row else 0


def messages(conn: Conn, agent_id: str, project_id: uuid.UUID | None) -> list[AgentMessage]:
    """What was sent to an agent, or to all of its project, and the agent has not read.

    That a brief was made for it is no news in its next brief.
    """
    with conn.cursor(row_factory=class_row(AgentMessage)) as cursor:
        return cursor.execute(
            """
            SELECT id, from_agent_id AS from_agent, topic, payload AS content, priority, created_at,
                   to_agent_id IS NULL AS is_broadcast
            FROM agent_messages
            WHERE (to_agent_id = %(agent)s OR to_agent_id IS NULL) AND NOT %(agent)s = ANY(read_by)
              AND (expires_at IS NULL OR expires_at > now()) AND topic IS DISTINCT FROM 'context.generated'
              AND (project_id IS NULL OR %(project)s::uuid IS NULL OR project_id = %(project)s)
            ORDER BY priority DESC, created_at, id LIMIT %(most)s
            """,
            {"agent": agent_id, "project": project_id, "most": MOST},
        ).fetchall()


def blocks(conn: Conn, agent_id: str) -> list[Block]:
    """Who blocks an agent, newest first."""
    with conn.cursor(row_factory=class_row(Block)) as cursor:
        return cursor.execute(
            """
            SELECT id, blocked_by AS blocked_by_agent, reason, created_at FROM blocked_agents
            WHERE blocked_agent = %(agent)s ORDER BY created_at DESC, id LIMIT 10
            """,
            {"agent": agent_id},
        ).fetchall()


def history(conn: Conn, agent_id: str, session_id: str, limit: int, *, everybody: bool) -> list[PastAction]:
    """The newest tool calls of an agent in a session, or of everybody in it."""
    with conn.cursor(row_factory=class_row(PastAction)) as cursor:
        return cursor.execute(
            """
            WITH in_session AS (
                SELECT id, created_at FROM actions
                WHERE session_id = %(session)s AND (%(everybody)s OR agent_id = %(agent)s)
                ORDER BY created_at DESC, id LIMIT %(limit)s
            ), in_subtasks AS (
                SELECT id, created_at FROM actions
                WHERE subtask_id IN (SELECT id FROM subtasks WHERE agent_id = %(agent)s
                                     UNION ALL SELECT id FROM subtasks WHERE agent_type = %(agent)s)
                ORDER BY created_at DESC, id LIMIT %(limit)s
            )
            SELECT a.id, a.tool_name, a.tool_type, a.exit_code, a.duration_ms, a.file_paths, a.created_at
            FROM (SELECT * FROM in_session UNION SELECT * FROM in_subtasks) AS found
            JOIN actions a USING (id, created_at)
            ORDER BY a.created_at DESC, a.id LIMIT %(limit)s
            """,
            {"agent": agent_id, "session": session_id, "everybody": everybody, "limit": limit},
        ).fetchall()


def session(conn: Conn, session_id: str) -> SessionFact | None:
    """The newest request of a session."""
    with conn.cursor(row_factory=class_row(SessionFact)) as cursor:
        return cursor.execute(
            """
            SELECT id, session_id, status, created_at, prompt FROM requests
            WHERE session_id = %(session)s ORDER BY created_at DESC, id LIMIT 1
            """,
            {"session": session_id},
        ).fetchone()


def project(conn: Conn, session_id: str, project_id: uuid.UUID | None) -> ProjectFact | None:
    """The project of this id, else that of the session."""
    with conn.cursor(row_factory=class_row(ProjectFact)) as cursor:
        return cursor.execute(
            """
            SELECT id, name, path FROM projects WHERE id = coalesce(
                %(project)s::uuid,
                (SELECT project_id FROM requests WHERE session_id = %(session)s AND project_id IS NOT NULL
                 ORDER BY created_at DESC LIMIT 1),
                (SELECT project_id FROM sessions WHERE id = %(session)s))
            """,
            {"session": session_id, "project": project_id},
        ).fetchone()


def session_of(conn: Conn, agent_id: str) -> str | None:
    """The newest session in which an agent has a subtask that is not over, of a request that is not."""
    row = conn.execute(
        """
        SELECT r.session_id FROM subtasks s
        JOIN task_lists t ON t.id = s.task_list_id JOIN requests r ON r.id = t.request_id
        WHERE (s.agent_id = %(agent)s OR s.agent_type = %(agent)s)
          AND s.status IN ('running', 'pending', 'paused') AND r.status <> 'completed'
        ORDER BY r.created_at DESC LIMIT 1
        """,
        {"agent": agent_id},
    ).fetchone()
    return row[0] if row else None
