"""Actions: finished tool calls, partitioned by month."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row, dict_row

from db import counts
from db.columns import columns
from db.pool import Conn
from dcm.domain.actions import Action

PATH_SEPARATOR = "\x1f"
"""Joins the file paths of a row for the way to Postgres, whose unnest takes no arrays of arrays."""


@dataclass(frozen=True, slots=True)
class Trace:
    """A finished tool call as a brief reads it; `input` and `output` as stored; `interrupted` by the user."""

    tool_name: str
    tool: str
    file_paths: list[str]
    success: bool
    exit_code: int
    error: str | None
    summary: str
    at: datetime
    agent_id: str | None
    input: bytes | None
    output: bytes | None
    interrupted: bool


def known(conn: Conn, tool_use_ids: Iterable[str]) -> set[tuple[str, str]]:
    """(session, tool call) of those tool calls that are stored already."""
    rows = conn.execute(
        "SELECT coalesce(session_id, ''), tool_use_id FROM actions WHERE tool_use_id = ANY(%(ids)b)",
        {"ids": list(tool_use_ids)},
    ).fetchall()
    return {(row[0], row[1]) for row in rows}


def insert(conn: Conn, actions: Sequence[Action]) -> None:
    """Store finished tool calls; the caller knows that none of them is stored.

    A subtask that is not known is left out; one that a program named itself is noted in the metadata.
    """
    if not actions:
        return
    values = columns(actions)
    values["file_paths"] = [PATH_SEPARATOR.join(action.file_paths) for action in actions]
    conn.execute(
        """
        INSERT INTO actions (id, subtask_id, tool_name, tool_type, input, output, file_paths, exit_code, duration_ms,
                             created_at, metadata, session_id, tool_use_id, prompt_id, agent_id, success, error,
                             summary)
        SELECT e.id, s.id, e.tool_name, e.tool_type, e.input, e.output,
               CASE e.file_paths WHEN '' THEN '{}' ELSE string_to_array(e.file_paths, chr(31)) END,
               e.exit_code, e.duration_ms, e.created_at,
               CASE WHEN s.id IS NULL AND e.subtask_id IS NOT NULL AND e.agent_id IS NULL
                   THEN e.metadata::jsonb || jsonb_build_object('unknown_subtask_id', e.subtask_id)
                   ELSE e.metadata::jsonb END,
               e.session_id, e.tool_use_id, e.prompt_id,
               e.agent_id, e.success, e.error, e.summary
        FROM unnest(%(id)b::uuid[], %(subtask_id)b::uuid[], %(tool_name)b::text[], %(tool_type)b::text[],
                    %(input)b::bytea[], %(output)b::bytea[], %(file_paths)b::text[], %(exit_code)b::int[],
                    %(duration_ms)b::int[], %(created_at)b::timestamptz[], %(metadata)b::text[],
                    %(session_id)b::text[], %(tool_use_id)b::text[], %(prompt_id)b::text[], %(agent_id)b::text[],
                    %(success)b::boolean[], %(error)b::text[], %(summary)b::text[])
            AS e (id, subtask_id, tool_name, tool_type, input, output, file_paths, exit_code, duration_ms, created_at,
                  metadata, session_id, tool_use_id, prompt_id, agent_id, success, error, summary)
        LEFT JOIN subtasks s ON s.id = e.subtask_id
        """,
        values,
    )


def traces(
    conn: Conn,
    session_id: str,
    until: datetime,
    limit: int,
    *,
    always: Collection[str] = (),
    with_output: Collection[str] = (),
) -> list[Trace]:
    """The newest tool calls of a session up to a moment, oldest first, subagents' included.

    `always`: tools of which every call is read, however old. `with_output`: tools whose output is read.
    """
    with conn.cursor(row_factory=class_row(Trace)) as cursor:
        return cursor.execute(
            """
            SELECT tool_name, coalesce(metadata ->> 'tool', tool_name) AS tool, file_paths, success, exit_code,
                   error, summary, created_at AS at, agent_id, input,
                   CASE WHEN coalesce(metadata ->> 'tool', tool_name) = ANY(%(with_output)s) THEN output END AS output,
                   coalesce(metadata ->> 'is_interrupt', '') = 'true' AS interrupted
            FROM actions
            WHERE session_id = %(session)s AND created_at <= %(until)s
              AND (tool_name = ANY(%(always)s)
                   OR created_at > coalesce(
                       (SELECT created_at FROM actions WHERE session_id = %(session)s AND created_at <= %(until)s
                        ORDER BY created_at DESC OFFSET %(limit)s LIMIT 1), '-infinity'))
            ORDER BY created_at, id
            """,
            {
                "session": session_id,
                "until": until,
                "limit": limit,
                "always": list(always),
                "with_output": list(with_output),
            },
        ).fetchall()


def page(
    conn: Conn, *, tool_type: str | None, tool_name: str | None, session_id: str | None, limit: int, offset: int
) -> list[dict[str, Any]]:
    """A page of actions, newest first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, tool_name, tool_type, exit_code, success, duration_ms, file_paths, created_at, session_id,
                   agent_id, summary
            FROM actions
            WHERE (%(tool_type)s::text IS NULL OR tool_type = %(tool_type)s)
              AND (%(tool_name)s::text IS NULL OR tool_name = %(tool_name)s)
              AND (%(session_id)s::text IS NULL OR session_id = %(session_id)s)
            ORDER BY created_at DESC LIMIT %(limit)s OFFSET %(offset)s
            """,
            {"tool_type": tool_type, "tool_name": tool_name, "session_id": session_id, "limit": limit,
             "offset": offset},
        ).fetchall()  # fmt: skip


def remove(conn: Conn, action_id: uuid.UUID) -> bool:
    """Forget a tool call; False when it is not known."""
    return bool(conn.execute("DELETE FROM actions WHERE id = %(id)s", {"id": action_id}).rowcount)


def remove_of_session(conn: Conn, session_id: str) -> int:
    """Forget the tool calls of a session; how many there were."""
    return conn.execute("DELETE FROM actions WHERE session_id = %(session)s", {"session": session_id}).rowcount


def matching(conn: Conn, *, tool_type: str | None, tool_name: str | None, session_id: str | None) -> int:
    """How many actions there are for which all that is given holds: counted in a session, else known from figures."""
    if session_id is not None:
        return _of_session(conn, session_id, tool_type, tool_name)
    if tool_type is None and tool_name is None:
        return counts.of(conn, "actions")["actions"]
    return counts.of_tools(conn, tool_type, tool_name)


def _of_session(conn: Conn, session_id: str, tool_type: str | None, tool_name: str | None) -> int:
    row = conn.execute(
        """
        SELECT count(*) FROM actions
        WHERE session_id = %(session_id)s AND (%(tool_type)s::text IS NULL OR tool_type = %(tool_type)s)
          AND (%(tool_name)s::text IS NULL OR tool_name = %(tool_name)s)
        """,
        {"session_id": session_id, "tool_type": tool_type, "tool_name": tool_name},
    ).fetchone()
    return int(row[0]) if row else 0


def hourly(conn: Conn) -> list[tuple[datetime, int]]:
    """(hour, actions) of the last 24 hours, oldest first, hours without any left out."""
    return [
        (row[0], row[1])
        for row in conn.execute(
            """
            SELECT hour, sum(total)::bigint FROM actions_of_day GROUP BY 1 HAVING sum(total) > 0 ORDER BY 1
            """
        ).fetchall()
    ]
