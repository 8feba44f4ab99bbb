"""Subtasks: what each subagent was given and what came of it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from db.pool import Conn
from dcm.domain.subagents import ANY_PURPOSE, DESCRIPTION_LIMIT, SubtaskKnown, SubtaskSeen, outcome
from dcm.domain.subtasks import SILENT, SubtaskChange


@dataclass(frozen=True, slots=True)
class SubtaskState:
    """A subtask as a brief shows it."""

    agent_id: str
    agent_type: str | None
    description: str | None
    status: str
    result: str | None
    at: datetime


MERGE = """
WITH merged AS (
    INSERT INTO subtasks AS s (id, task_list_id, session_id, agent_id, agent_type, description, status,
                               created_at, started_at, resumed_at, completed_at, result, tool_use_id,
                               last_seen_at)
    VALUES (%(id)s, %(task_list_id)s, %(session_id)s, %(agent_id)s, %(agent_type)s, %(description)s,
            %(status)s, %(seen_at)s, coalesce(%(started_at)s, %(seen_at)s), %(started_at)s,
            %(completed_at)s,
            CASE WHEN %(result)s::text IS NOT NULL
                 THEN jsonb_build_object('summary', %(result)s::text) END,
            %(tool_use_id)s, %(seen_at)s)
    ON CONFLICT (id) DO UPDATE SET
        agent_type = coalesce(s.agent_type, excluded.agent_type),
        description = coalesce(excluded.description, s.description),
        created_at = least(s.created_at, excluded.created_at),
        started_at = least(s.started_at, excluded.started_at),
        resumed_at = greatest(s.resumed_at, excluded.resumed_at),
        completed_at = CASE
            WHEN greatest(s.completed_at, excluded.completed_at)
                 >= coalesce(greatest(s.resumed_at, excluded.resumed_at), '-infinity')
            THEN greatest(s.completed_at, excluded.completed_at) END,
        status = excluded.status,
        result = CASE WHEN %(takes_result)s THEN excluded.result ELSE s.result END,
        tool_use_id = coalesce(excluded.tool_use_id, s.tool_use_id),
        last_seen_at = greatest(s.last_seen_at, excluded.last_seen_at)
    RETURNING s.*
)
SELECT m.id, m.task_list_id, m.session_id, r.project_id, m.agent_id, m.agent_type, m.description,
       m.status, %(was)s::text AS was, m.result ->> 'summary' AS result, m.completed_at
FROM merged m
LEFT JOIN task_lists t ON t.id = m.task_list_id
LEFT JOIN requests r ON r.id = t.request_id
"""
"""What is known stays; `status` and `takes_result` are decided before."""


def merge(conn: Conn, seen: SubtaskSeen) -> SubtaskChange | None:
    """Merge what one event tells of a subagent; None when it is of an agent nobody saw before.

    A later start reopens it, a later end closes it; what is known is not forgotten.
    """
    values = {field: getattr(seen, field) for field in seen.__dataclass_fields__}
    known = _known(conn, seen.id)
    if seen.known_only and known is None:
        return None
    status, takes_result = outcome(known, seen) if known else (seen.status, True)
    with conn.cursor(row_factory=class_row(SubtaskChange)) as cursor:
        return cursor.execute(
            MERGE,
            values | {"status": status, "takes_result": takes_result, "was": known.status if known else None},
        ).fetchone()


def _known(conn: Conn, subtask_id: uuid.UUID) -> SubtaskKnown | None:
    """How a subtask stands; until commit nobody else changes it."""
    with conn.cursor(row_factory=class_row(SubtaskKnown)) as cursor:
        return cursor.execute(
            """
            SELECT status, resumed_at, completed_at, result ->> 'summary' AS result
            FROM subtasks WHERE id = %(id)s FOR UPDATE
            """,
            {"id": subtask_id},
        ).fetchone()


def describe_unnamed(conn: Conn, session_ids: Sequence[str]) -> None:
    """Name running subagents after the Agent calls that are still open, in the order both began.

    A call without an end in a turn that was over before the last of them began was refused.
    """
    conn.execute(
        """
        WITH unnamed AS (
            SELECT s.id, s.session_id, s.agent_type, s.started_at,
                   row_number() OVER (PARTITION BY s.session_id, s.agent_type ORDER BY s.started_at) AS place
            FROM subtasks s
            WHERE s.session_id = ANY(%(sessions)s) AND s.status = 'running' AND s.description IS NULL
        ), open AS (
            SELECT h.session_id, h.tool_use_id, h.created_at,
                   coalesce(h.payload -> 'tool_input' ->> 'subagent_type', %(any_purpose)s) AS agent_type,
                   h.payload -> 'tool_input' ->> 'description' AS description
            FROM hook_events h
            WHERE h.session_id = ANY(%(sessions)s) AND h.event = 'PreToolUse'
              AND h.payload ->> 'tool_name' IN ('Agent', 'Task')
              AND NOT EXISTS (SELECT FROM subtasks s WHERE s.tool_use_id = h.tool_use_id)
              AND NOT EXISTS (SELECT FROM hook_events turn
                              WHERE turn.session_id = h.session_id AND turn.event IN ('UserPromptSubmit', 'Stop')
                                AND turn.created_at > h.created_at
                                AND turn.created_at < (SELECT max(started_at) FROM unnamed u
                                                       WHERE u.session_id = h.session_id))
        ), calls AS (
            SELECT *, row_number() OVER (PARTITION BY session_id, agent_type ORDER BY created_at) AS place FROM open
        )
        UPDATE subtasks AS s SET tool_use_id = calls.tool_use_id, description =
            CASE WHEN length(calls.description) <= %(limit)s THEN calls.description
                 ELSE left(calls.description, %(limit)s - 3) || '...' END
        FROM unnamed JOIN calls ON calls.session_id = unnamed.session_id
             AND calls.agent_type = unnamed.agent_type AND calls.place = unnamed.place
        WHERE s.id = unnamed.id
        """,
        {"sessions": list(session_ids), "limit": DESCRIPTION_LIMIT, "any_purpose": ANY_PURPOSE},
    )


def close_silent(conn: Conn, silent_minutes: int) -> list[SubtaskChange]:
    """Fail the running subagents of hooks that were not heard of for so long, or whose session has ended."""
    with conn.cursor(row_factory=class_row(SubtaskChange)) as cursor:
        return cursor.execute(
            """
            UPDATE subtasks AS s SET
                status = 'failed', completed_at = now(),
                result = coalesce(s.result, jsonb_build_object('summary', %(silent)s::text))
            FROM sessions e
            WHERE s.session_id = e.id AND s.status = 'running'
              AND s.last_seen_at < now() - make_interval(secs => 60)
              AND (e.ended_at IS NOT NULL OR s.last_seen_at < now() - make_interval(mins => %(minutes)s))
            RETURNING s.id, s.task_list_id, s.session_id, e.project_id, s.agent_id, s.agent_type, s.description,
                      s.status, 'running' AS was, s.result ->> 'summary' AS result, s.completed_at
            """,
            {"minutes": silent_minutes, "silent": SILENT},
        ).fetchall()


def of_session(conn: Conn, session_id: str, until: datetime, limit: int) -> list[SubtaskState]:
    """The subtasks of a session that began before a moment, newest first, whoever made them: a hook or a caller."""
    with conn.cursor(row_factory=class_row(SubtaskState)) as cursor:
        return cursor.execute(
            """
            SELECT coalesce(agent_id, id::text) AS agent_id, agent_type, description, status,
                   coalesce(result ->> 'summary', result::text) AS result, coalesce(completed_at, last_seen_at) AS at
            FROM (
                SELECT * FROM subtasks WHERE session_id = %(session)s
                UNION ALL
                SELECT s.* FROM requests r JOIN task_lists t ON t.request_id = r.id
                JOIN subtasks s ON s.task_list_id = t.id
                WHERE r.session_id = %(session)s AND s.session_id IS NULL
            ) s WHERE created_at <= %(until)s
            ORDER BY created_at DESC LIMIT %(limit)s
            """,
            {"session": session_id, "until": until, "limit": limit},
        ).fetchall()
