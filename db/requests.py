"""Requests and their waves: what the user asked."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from db.columns import columns
from db.pool import Conn
from dcm.domain.ids import wave_id
from dcm.domain.requests import RequestSeen

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt of the user, when it was given, its place among those of its session from 1, and its status."""

    text: str
    at: datetime
    number: int
    status: str


def upsert(conn: Conn, seen: Sequence[RequestSeen]) -> set[str]:
    """Store prompts; a placeholder takes the prompt it stood for. Returns the ids of the prompts told first here."""
    if not seen:
        return set()
    values = columns(seen) | {"wave_id": [wave_id(row.id) for row in seen]}
    rows = conn.execute(
        """
        INSERT INTO requests AS r (id, project_id, session_id, prompt, prompt_id, created_at, metadata)
        SELECT e.id, s.project_id, e.session_id, e.prompt, e.prompt_id, e.created_at,
               CASE WHEN e.seen THEN '{}' ELSE '{"placeholder": true}' END::jsonb
        FROM unnest(%(id)b::uuid[], %(session_id)b::text[], %(prompt)b::text[], %(prompt_id)b::text[],
                    %(created_at)b::timestamptz[], %(seen)b::boolean[])
            AS e (id, session_id, prompt, prompt_id, created_at, seen)
        LEFT JOIN sessions s ON s.id = e.session_id
        ON CONFLICT (id) DO UPDATE SET
            prompt = excluded.prompt, created_at = excluded.created_at,
            metadata = CASE WHEN excluded.metadata ? 'placeholder' THEN r.metadata
                            ELSE r.metadata - 'placeholder' END,
            project_id = coalesce(r.project_id, excluded.project_id)
            WHERE r.metadata ? 'placeholder'
              AND (NOT excluded.metadata ? 'placeholder' OR excluded.created_at < r.created_at)
        RETURNING r.id, NOT r.metadata ? 'placeholder'
        """,
        values,
    ).fetchall()
    conn.execute(
        """
        INSERT INTO task_lists (id, request_id, name, wave_number, status, created_at)
        SELECT e.wave_id, e.id, 'Wave 0', 0, 'running', e.created_at
        FROM unnest(%(wave_id)b::uuid[], %(id)b::uuid[], %(created_at)b::timestamptz[]) AS e (wave_id, id, created_at)
        ON CONFLICT (id) DO NOTHING
        """,
        values,
    )
    return {str(row[0]) for row in rows if row[1]}


def settle(conn: Conn, session_ids: Sequence[str]) -> None:
    """Complete or fail the open requests whose turn has ended, whatever order its events came in."""
    conn.execute(
        """
        WITH ended AS (
            SELECT r.id, e.event, e.created_at
            FROM requests r
            JOIN LATERAL (
                SELECT h.event, h.created_at FROM hook_events h
                WHERE h.session_id = r.session_id AND h.event IN ('Stop', 'StopFailure')
                  AND (h.prompt_id = r.prompt_id
                       OR h.prompt_id IS NULL AND h.created_at >= r.created_at AND NOT EXISTS (
                           SELECT FROM requests later
                           WHERE later.session_id = r.session_id AND later.prompt_id IS NOT NULL
                             AND later.created_at > r.created_at AND later.created_at <= h.created_at
                             AND NOT later.metadata ? 'placeholder'))
                ORDER BY h.created_at DESC LIMIT 1
            ) e ON true
            WHERE r.session_id = ANY(%(sessions)s) AND r.status = 'active'
        ), closed AS (
            UPDATE requests AS r SET
                status = CASE ended.event WHEN 'Stop' THEN 'completed' ELSE 'failed' END,
                completed_at = ended.created_at
            FROM ended WHERE r.id = ended.id
            RETURNING r.id, r.status, r.completed_at
        )
        UPDATE task_lists AS t SET status = closed.status, completed_at = closed.completed_at
        FROM closed WHERE t.request_id = closed.id
        """,
        {"sessions": sorted(session_ids)},
    )


def reopen(conn: Conn, session_ids: Sequence[str]) -> None:
    """Make requests active again whose turn was ended by what belongs to a later prompt, which came to be known."""
    conn.execute(
        """
        WITH opened AS (
            UPDATE requests r SET status = 'active', completed_at = NULL
            FROM requests later, hook_events h
            WHERE r.session_id = ANY(%(sessions)s) AND r.completed_at IS NOT NULL AND r.prompt_id IS NOT NULL
              AND later.session_id = r.session_id AND later.prompt_id IS NOT NULL
              AND later.created_at > r.created_at AND later.created_at <= r.completed_at
              AND NOT later.metadata ? 'placeholder'
              AND h.session_id = r.session_id AND h.event IN ('Stop', 'StopFailure') AND h.prompt_id IS NULL
              AND h.created_at = r.completed_at
            RETURNING r.id
        )
        UPDATE task_lists t SET status = 'running', completed_at = NULL FROM opened WHERE t.request_id = opened.id
        """,
        {"sessions": sorted(session_ids)},
    )


def newest_at(conn: Conn, moments: Sequence[tuple[str, datetime]]) -> list[uuid.UUID | None]:
    """The newest prompt of each session up to each moment (session, moment), None where there was none yet."""
    rows = conn.execute(
        """
        SELECT (SELECT r.id FROM requests r
                WHERE r.session_id = e.session_id AND r.created_at <= e.at AND r.prompt_id IS NOT NULL
                  AND NOT r.metadata ? 'placeholder'
                ORDER BY r.created_at DESC, r.id LIMIT 1)
        FROM unnest(%(sessions)b::text[], %(moments)b::timestamptz[]) WITH ORDINALITY AS e (session_id, at, place)
        ORDER BY e.place
        """,
        {"sessions": [session_id for session_id, _ in moments], "moments": [moment for _, moment in moments]},
    ).fetchall()
    return [row[0] for row in rows]


def forget_idle_placeholders(conn: Conn, ids: Sequence[uuid.UUID]) -> None:
    """Forget those of these requests that stand for prompts and that no subtask belongs to."""
    conn.execute(
        """
        DELETE FROM requests r WHERE id = ANY(%(ids)b) AND metadata = '{"placeholder": true}'
          AND NOT EXISTS (SELECT FROM task_lists t JOIN subtasks s ON s.task_list_id = t.id WHERE t.request_id = r.id)
        """,
        {"ids": list(ids)},
    )


def prompts(conn: Conn, session_id: str, until: datetime, limit: int) -> list[Prompt]:
    """The prompts of a session up to a moment, oldest first: the first one and the newest `limit`."""
    with conn.cursor(row_factory=class_row(Prompt)) as cursor:
        return cursor.execute(
            """
            SELECT prompt AS text, created_at AS at, number, status FROM (
                SELECT *, row_number() OVER (ORDER BY created_at) AS number, count(*) OVER () AS all
                FROM requests
                WHERE session_id = %(session)s AND created_at <= %(until)s AND NOT metadata ? 'placeholder'
            ) r WHERE number = 1 OR number > r.all - %(limit)s ORDER BY number
            """,
            {"session": session_id, "until": until, "limit": limit},
        ).fetchall()


def newest_of_project(conn: Conn, project_id: uuid.UUID, limit: int, offset: int = 0) -> list[Row]:
    """The newest requests of a project."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, session_id, prompt, prompt_type, status, created_at, completed_at, metadata FROM requests
            WHERE project_id = %(project)s ORDER BY created_at DESC, id LIMIT %(limit)s OFFSET %(offset)s
            """,
            {"project": project_id, "limit": limit, "offset": offset},
        ).fetchall()


def create(conn: Conn, request: Mapping[str, Any]) -> Row | None:
    """Store a request of `project_id`, `session_id`, `prompt`, `prompt_type`, `status` and `metadata`.

    None when the project is not known.
    """
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            INSERT INTO requests (project_id, session_id, prompt, prompt_type, status, metadata)
            SELECT p.id, %(session_id)s, %(prompt)s, %(prompt_type)s, %(status)s, %(metadata)s
            FROM projects p WHERE p.id = %(project_id)s FOR KEY SHARE
            RETURNING id, project_id, session_id, prompt, prompt_type, status, created_at, completed_at, metadata
            """,
            {**request, "metadata": Jsonb(request["metadata"])},
        ).fetchone()


def page(
    conn: Conn, *, project_id: uuid.UUID | None, session_id: str | None, status: str | None, limit: int, offset: int
) -> list[Row]:
    """A page of requests for which all that is given holds, newest first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, project_id, session_id, prompt, prompt_type, status, created_at, completed_at, metadata
            FROM requests
            WHERE (%(project)s::uuid IS NULL OR project_id = %(project)s)
              AND (%(session)s::text IS NULL OR session_id = %(session)s)
              AND (%(status)s::text IS NULL OR status = %(status)s)
            ORDER BY created_at DESC, id LIMIT %(limit)s OFFSET %(offset)s
            """,
            {"project": project_id, "session": session_id, "status": status, "limit": limit, "offset": offset},
        ).fetchall()


def one(conn: Conn, request_id: uuid.UUID) -> Row | None:
    """A request, None when it is not known."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, project_id, session_id, prompt, prompt_type, status, created_at, completed_at, metadata
            FROM requests WHERE id = %(id)s
            """,
            {"id": request_id},
        ).fetchone()


def change(conn: Conn, request_id: uuid.UUID, status: str | None, metadata: Mapping[str, Any]) -> Row | None:
    """Set the status if one is given, and merge the metadata; None when the request is not known.

    It is completed now unless it was before; one that is active again is not completed.
    """
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            UPDATE requests SET
                status = coalesce(%(status)s, status), metadata = metadata || %(metadata)s,
                completed_at = CASE %(status)s::text
                    WHEN 'completed' THEN CASE status WHEN 'completed' THEN coalesce(completed_at, now()) ELSE now() END
                    WHEN 'active' THEN NULL
                    ELSE completed_at END
            WHERE id = %(id)s
            RETURNING id, project_id, session_id, prompt, prompt_type, status, created_at, completed_at, metadata
            """,
            {"id": request_id, "status": status, "metadata": Jsonb(metadata)},
        ).fetchone()


def hold(conn: Conn, request_id: uuid.UUID) -> str | None:
    """The session of a request; until commit nobody else holds it or adds a wave. None when it is not known."""
    row = conn.execute("SELECT session_id FROM requests WHERE id = %(id)s FOR UPDATE", {"id": request_id}).fetchone()
    return row[0] if row else None


def remove(conn: Conn, request_id: uuid.UUID) -> None:
    """Forget a request with its waves and their subtasks."""
    conn.execute("DELETE FROM requests WHERE id = %(id)s", {"id": request_id})
