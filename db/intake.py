"""What is on its way in: which past events are stored already, and what the database refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from db.columns import columns
from db.pool import Conn


@dataclass(frozen=True, slots=True)
class PastEvent:
    """What tells a past event from others; empty strings mean it has no such field."""

    position: int
    session_id: str
    event: str
    tool_use_id: str
    prompt_id: str
    agent_id: str
    prompt: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Refusals:
    """The events that were set aside."""

    total: int
    last_day: int
    newest_reason: str | None
    newest_at: datetime | None


def stored(conn: Conn, events: Sequence[PastEvent]) -> set[int]:
    """The positions of those events that are stored, whoever reported them.

    A hook reports the same event with other fields and a moment earlier or later, so its content does not tell:
    a tool call is known by its id, a prompt and the end of its answer by the prompt's id (whichever way it ended), a
    subagent by its own, a start by any start before it. What has no id is known by its prompt's text, or its kind,
    within a minute.
    """
    if not events:
        return set()
    rows = conn.execute(
        """
        SELECT e.position
        FROM unnest(%(position)b::int[], %(session_id)b::text[], %(event)b::text[], %(tool_use_id)b::text[],
                    %(prompt_id)b::text[], %(agent_id)b::text[], %(prompt)b::text[], %(at)b::timestamptz[])
            AS e (position, session_id, event, tool_use_id, prompt_id, agent_id, prompt, at)
        WHERE CASE WHEN e.tool_use_id <> ''
            THEN EXISTS (SELECT FROM actions a WHERE a.tool_use_id = e.tool_use_id AND a.session_id = e.session_id)
            ELSE EXISTS (
                SELECT FROM hook_events h
                WHERE h.session_id = e.session_id
                  AND h.event IN (e.event, CASE e.event WHEN 'Stop' THEN 'StopFailure' ELSE e.event END)
                  AND coalesce(h.agent_id, '') = e.agent_id
                  AND CASE e.event
                      WHEN 'SubagentStart' THEN true
                      WHEN 'SubagentStop' THEN h.created_at > e.at - interval '1 minute'
                      WHEN 'SessionStart' THEN h.created_at < e.at + interval '1 minute'
                      WHEN 'SessionEnd' THEN h.created_at > e.at - interval '1 minute'
                      ELSE CASE WHEN e.prompt_id <> '' AND h.prompt_id IS NOT NULL THEN h.prompt_id = e.prompt_id
                          ELSE coalesce(h.payload ->> 'prompt', '') = e.prompt
                               AND h.created_at BETWEEN e.at - interval '1 minute' AND e.at + interval '1 minute' END
                      END)
            END
        """,
        columns(events),
    ).fetchall()
    return {row[0] for row in rows}


def refusals(conn: Conn) -> Refusals:
    """How many events were set aside, and why the newest was."""
    with conn.cursor(row_factory=class_row(Refusals)) as cursor:
        found = cursor.execute(
            """
            SELECT count(*) AS total, count(*) FILTER (WHERE refused_at > now() - interval '1 day') AS last_day,
                   (array_agg(reason ORDER BY refused_at DESC))[1] AS newest_reason, max(refused_at) AS newest_at
            FROM rejected_events
            """
        ).fetchone()
    assert found is not None
    return found
