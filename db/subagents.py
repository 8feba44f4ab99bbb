"""Which subagent an Agent call started, where the call's end does not say so."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg.rows import class_row

from db.pool import Conn
from dcm.domain.subagents import SubtaskSeen
from dcm.domain.subtasks import SubtaskChange


@dataclass(frozen=True, slots=True)
class Unnumbered:
    """A subtask that no event named a prompt for."""

    id: uuid.UUID
    session_id: str
    task_list_id: uuid.UUID
    created_at: datetime


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


@dataclass(frozen=True, slots=True)
class Call:
    """What an Agent call asks for: as its start told it while it is open, and packed since it ended."""

    asked: dict[str, Any] | None
    packed: bytes | None


def call_of(conn: Conn, subagent_id: uuid.UUID) -> Call | None:
    """The Agent call that is known to be a subagent's own, None when none is."""
    with conn.cursor(row_factory=class_row(Call)) as cursor:
        return cursor.execute(
            """
            SELECT h.payload -> 'tool_input' AS asked, a.input AS packed
            FROM subtasks s
            LEFT JOIN hook_events h ON h.session_id = s.session_id AND h.tool_use_id = s.tool_use_id
                                   AND h.event = 'PreToolUse'
            LEFT JOIN actions a ON a.session_id = s.session_id AND a.tool_use_id = s.tool_use_id
            WHERE s.id = %(id)s AND s.tool_use_id IS NOT NULL LIMIT 1
            """,
            {"id": subagent_id},
        ).fetchone()


def unnumbered(conn: Conn, since: Mapping[str, datetime]) -> list[Unnumbered]:
    """The subtasks of sessions that began at these moments or later, and that no event named a prompt for."""
    with conn.cursor(row_factory=class_row(Unnumbered)) as cursor:
        return cursor.execute(
            """
            SELECT s.id, s.session_id, s.task_list_id, s.created_at
            FROM unnest(%(sessions)b::text[], %(moments)b::timestamptz[]) AS e (session_id, since)
            JOIN subtasks s ON s.session_id = e.session_id AND s.created_at >= e.since
            WHERE NOT EXISTS (SELECT FROM hook_events h
                              WHERE h.session_id = s.session_id AND h.event IN ('SubagentStart', 'SubagentStop')
                                AND h.agent_id = s.agent_id AND h.prompt_id IS NOT NULL)
              AND NOT EXISTS (SELECT FROM actions a WHERE a.subtask_id = s.id AND a.prompt_id IS NOT NULL)
              AND NOT EXISTS (SELECT FROM actions a
                              WHERE a.tool_use_id = s.tool_use_id AND a.session_id = s.session_id
                                AND a.prompt_id IS NOT NULL)
            """,
            {"sessions": list(since), "moments": list(since.values())},
        ).fetchall()


def move(conn: Conn, waves: Mapping[uuid.UUID, uuid.UUID]) -> None:
    """File subtasks under other waves: {subtask: wave}."""
    conn.execute(
        """
        UPDATE subtasks s SET task_list_id = e.wave
        FROM unnest(%(ids)b::uuid[], %(waves)b::uuid[]) AS e (id, wave) WHERE s.id = e.id
        """,
        {"ids": list(waves), "waves": list(waves.values())},
    )


def forget_message(conn: Conn, message_id: uuid.UUID) -> None:
    """Take back the broadcast of an end that is told of another subtask."""
    conn.execute("DELETE FROM agent_messages WHERE id = %(id)s", {"id": message_id})
