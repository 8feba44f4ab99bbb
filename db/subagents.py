"""Which subagent an Agent call started, where the call's end does not say so."""

import uuid
from dataclasses import replace

from psycopg.rows import class_row

from db.pool import Conn
from dcm.domain.subagents import SubtaskSeen
from dcm.domain.subtasks import SubtaskChange


def placed(conn: Conn, call: SubtaskSeen) -> SubtaskSeen:
    """What the end of a call tells, as of the subagent that was started for it; unchanged when none was reported.

    It is the one known to be the call's own, else the last of its kind that was started before and is nobody's.
    """
    row = conn.execute(
        """
        SELECT id, agent_id FROM subtasks
        WHERE session_id = %(session)s AND agent_id IS NOT NULL
          AND (tool_use_id = %(call)s
               OR tool_use_id IS NULL AND created_at <= %(at)s
                  AND (agent_type = %(kind)s OR agent_type IS NULL OR %(kind)s::text IS NULL))
        ORDER BY tool_use_id NULLS LAST, created_at DESC, id LIMIT 1
        """,
        {"session": call.session_id, "call": call.tool_use_id, "kind": call.agent_type, "at": call.seen_at},
    ).fetchone()
    return replace(call, id=row[0], agent_id=row[1]) if row else call


def claim(conn: Conn, call: SubtaskSeen) -> None:
    """Make way for the end of a call that names its subagent: what was taken for that one has what this one had."""
    conn.execute(
        """
        UPDATE subtasks SET tool_use_id = (SELECT tool_use_id FROM subtasks WHERE id = %(id)s),
                            description = (SELECT description FROM subtasks WHERE id = %(id)s)
        WHERE session_id = %(session)s AND tool_use_id = %(call)s AND id <> %(id)s
        """,
        {"session": call.session_id, "call": call.tool_use_id, "id": call.id},
    )


def take_call(conn: Conn, subagent: SubtaskSeen) -> tuple[SubtaskSeen, SubtaskChange] | None:
    """The end of a call that was a subtask of its own until its subagent was heard of: (of the subagent, what is gone).

    None when there is no such call, of the subagent's kind and over after that was seen, or it has its call already.
    """
    values = {"session": subagent.session_id, "kind": subagent.agent_type, "at": subagent.seen_at, "id": subagent.id}
    with conn.cursor(row_factory=class_row(SubtaskChange)) as cursor:
        gone = cursor.execute(
            """
            DELETE FROM subtasks s USING (
                SELECT id FROM subtasks
                WHERE session_id = %(session)s AND agent_id IS NULL AND tool_use_id IS NOT NULL
                  AND last_seen_at >= %(at)s AND (agent_type = %(kind)s OR agent_type IS NULL)
                  AND NOT EXISTS (SELECT FROM subtasks WHERE id = %(id)s AND tool_use_id IS NOT NULL)
                ORDER BY last_seen_at, id LIMIT 1
            ) AS found
            WHERE s.id = found.id
            RETURNING s.id, s.task_list_id, s.session_id, NULL::uuid AS project_id, s.tool_use_id AS agent_id,
                      s.agent_type, s.description, s.status, s.status AS was, s.result ->> 'summary' AS result,
                      s.completed_at
            """,
            values,
        ).fetchone()
    if gone is None:
        return None
    call = replace(subagent, agent_type=gone.agent_type, description=gone.description, started_at=None,
                   completed_at=gone.completed_at, status=gone.status, result=gone.result, tool_use_id=gone.agent_id,
                   known_only=False)  # fmt: skip
    return call, replace(gone, agent_id=None)


def forget_message(conn: Conn, message_id: uuid.UUID) -> None:
    """Take back the broadcast of an end that is told of another subtask."""
    conn.execute("DELETE FROM agent_messages WHERE id = %(id)s", {"id": message_id})
