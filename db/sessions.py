"""Sessions: one row a conversation of an agent."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from db.columns import columns
from db.pool import Conn
from dcm.domain.sessions import SessionSeen


@dataclass(frozen=True, slots=True)
class SessionPlace:
    """Where a session runs: the project it began in, and the root of the working tree it is in, where known."""

    session_id: str
    project_id: uuid.UUID
    worktree: str | None


@dataclass(frozen=True, slots=True)
class SessionChange:
    """What an upsert did to a session: made it, ended it, or neither."""

    id: str
    project_id: uuid.UUID | None
    created: bool
    ended: bool


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What a brief and the context watch need of a session."""

    id: str
    project_id: uuid.UUID | None
    project_path: str | None
    cwd: str | None
    worktree: str | None
    transcript_path: str | None
    started_at: datetime
    last_seen_at: datetime
    model: str | None
    total_tools_used: int
    total_errors: int


UPSERT = """
INSERT INTO sessions AS s (id, started_at, last_seen_at, last_active_at, ended_at, cwd, cwd_at,
                           transcript_path, transcript_path_at, model, model_at, source, source_at,
                           end_reason, end_reason_at, project_id, worktree)
SELECT id, first_at, last_at, active_at,
       CASE WHEN ended_at >= coalesce(active_at, ended_at) THEN ended_at END,
       cwd, cwd_at, transcript_path, transcript_path_at, model, model_at, source, source_at,
       end_reason, end_reason_at, project_id, worktree
FROM unnest(%(id)b::text[], %(first_at)b::timestamptz[], %(last_at)b::timestamptz[],
            %(active_at)b::timestamptz[], %(ended_at)b::timestamptz[], %(cwd)b::text[],
            %(cwd_at)b::timestamptz[], %(transcript_path)b::text[], %(transcript_path_at)b::timestamptz[],
            %(model)b::text[], %(model_at)b::timestamptz[], %(source)b::text[],
            %(source_at)b::timestamptz[], %(end_reason)b::text[], %(end_reason_at)b::timestamptz[],
            %(project_id)b::uuid[], %(worktree)b::text[])
    AS e (id, first_at, last_at, active_at, ended_at, cwd, cwd_at, transcript_path, transcript_path_at,
          model, model_at, source, source_at, end_reason, end_reason_at, project_id, worktree)
ON CONFLICT (id) DO UPDATE SET
    started_at = least(s.started_at, excluded.started_at),
    last_seen_at = greatest(s.last_seen_at, excluded.last_seen_at),
    last_active_at = greatest(s.last_active_at, excluded.last_active_at),
    ended_at = CASE WHEN greatest(s.ended_at, excluded.ended_at)
                         >= coalesce(greatest(s.last_active_at, excluded.last_active_at), '-infinity')
                    THEN greatest(s.ended_at, excluded.ended_at) END,
    cwd = later(s.cwd, s.cwd_at, excluded.cwd, excluded.cwd_at),
    cwd_at = greatest(s.cwd_at, excluded.cwd_at),
    worktree = later(s.worktree, s.cwd_at, excluded.worktree, excluded.cwd_at),
    transcript_path = later(s.transcript_path, s.transcript_path_at,
                            excluded.transcript_path, excluded.transcript_path_at),
    transcript_path_at = greatest(s.transcript_path_at, excluded.transcript_path_at),
    model = later(s.model, s.model_at, excluded.model, excluded.model_at),
    model_at = greatest(s.model_at, excluded.model_at),
    source = later(s.source, s.source_at, excluded.source, excluded.source_at),
    source_at = greatest(s.source_at, excluded.source_at),
    end_reason = later(s.end_reason, s.end_reason_at, excluded.end_reason, excluded.end_reason_at),
    end_reason_at = greatest(s.end_reason_at, excluded.end_reason_at),
    project_id = CASE WHEN excluded.started_at < s.started_at
                      THEN coalesce(excluded.project_id, s.project_id)
                      ELSE coalesce(s.project_id, excluded.project_id) END
RETURNING s.id, s.project_id, (xmax = 0) AS created,
          coalesce(s.ended_at = ANY(%(ended_at)b::timestamptz[]), false) AS ended
"""
"""Of two tellings the later one counts, field by field; a project is that of the earlier start."""


def upsert(conn: Conn, seen: Sequence[SessionSeen], places: Mapping[str, SessionPlace]) -> list[SessionChange]:
    """Merge what a batch tells of its sessions; an ended session with later activity is open again."""
    if not seen:
        return []
    values = columns(seen) | {
        "project_id": [places[row.id].project_id if row.id in places else None for row in seen],
        "worktree": [places[row.id].worktree if row.id in places else None for row in seen],
    }
    with conn.cursor(row_factory=class_row(SessionChange)) as cursor:
        return cursor.execute(
            UPSERT,
            values,
        ).fetchall()


def count_tools(conn: Conn, counts: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    """Add (successes, errors) to each session's counters; returns its tools used so far."""
    ids = sorted(counts)
    rows = conn.execute(
        """
        UPDATE sessions AS s SET
            total_tools_used = total_tools_used + e.successes + e.errors,
            total_success = total_success + e.successes,
            total_errors = total_errors + e.errors
        FROM unnest(%(ids)b::text[], %(successes)b::int[], %(errors)b::int[]) AS e (id, successes, errors)
        WHERE s.id = e.id
        RETURNING s.id, s.total_tools_used
        """,
        {
            "ids": ids,
            "successes": [counts[session_id][0] for session_id in ids],
            "errors": [counts[session_id][1] for session_id in ids],
        },
    ).fetchall()
    return {row[0]: row[1] for row in rows}


def facts(conn: Conn, session_id: str) -> SessionFacts | None:
    """The session, or None when it is not known."""
    with conn.cursor(row_factory=class_row(SessionFacts)) as cursor:
        return cursor.execute(
            """
            SELECT s.id, s.project_id, p.path AS project_path, s.cwd, s.worktree, s.transcript_path, s.started_at,
                   s.last_seen_at, s.model, s.total_tools_used, s.total_errors
            FROM sessions s LEFT JOIN projects p ON p.id = s.project_id
            WHERE s.id = %(id)s
            """,
            {"id": session_id},
        ).fetchone()


def record_context(conn: Conn, session_id: str, context_bytes: int, cooldown_s: int, *, red: bool) -> bool:
    """Keep the size of a session's transcript; True when a proactive snapshot is due and is claimed by this call.

    `red`: the conversation is so large that one is wanted.
    """
    row = conn.execute(
        """
        WITH before AS (
            SELECT id, proactive_snapshot_at FROM sessions WHERE id = %(id)s FOR UPDATE
        )
        UPDATE sessions AS s SET
            context_bytes = %(bytes)s,
            proactive_snapshot_at = CASE
                WHEN %(red)s AND coalesce(before.proactive_snapshot_at, '-infinity')
                     <= now() - make_interval(secs => %(cooldown)s) THEN now()
                ELSE before.proactive_snapshot_at END
        FROM before WHERE s.id = before.id
        RETURNING s.proactive_snapshot_at IS DISTINCT FROM before.proactive_snapshot_at
        """,
        {"id": session_id, "bytes": context_bytes, "cooldown": cooldown_s, "red": red},
    ).fetchone()
    return bool(row and row[0])
