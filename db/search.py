"""Full text search over prompts, results, messages and tool calls."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from db.columns import columns
from db.pool import Conn

RANKED = 2000
"""How many of the newest that match are put in order by how well they do."""


@dataclass(frozen=True, slots=True)
class ActionEntry:
    """What a tool call is found by."""

    ref: uuid.UUID
    session_id: str | None
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that was found, with its text; `text` of a tool call lacks what its `input` says."""

    kind: str
    ref: uuid.UUID
    session_id: str | None
    project_name: str | None
    at: datetime
    rank: float
    text: str
    input: bytes | None


def keep(conn: Conn, entries: Sequence[ActionEntry]) -> None:
    """Make tool calls findable."""
    if not entries:
        return
    conn.execute(
        """
        INSERT INTO search_entries (kind, ref, session_id, at, words)
        SELECT 'action', ref, session_id, at, search_words(text)
        FROM unnest(%(ref)b::uuid[], %(session_id)b::text[], %(at)b::timestamptz[], %(text)b::text[])
            AS e (ref, session_id, at, text)
        """,
        columns(entries),
    )


FIND = """
WITH newest AS (
    SELECT e.kind, e.ref, e.session_id, e.at, e.words FROM search_entries e
    WHERE e.words @@ to_tsquery('simple', %(query)s)
      AND (%(kind)s::text IS NULL OR e.kind = %(kind)s)
      AND (%(session)s::text IS NULL OR e.session_id = %(session)s)
      AND (%(project_id)s::uuid IS NULL
           OR e.session_id IN (SELECT id FROM sessions WHERE project_id = %(project_id)s)
           OR e.session_id IN (SELECT session_id FROM requests WHERE project_id = %(project_id)s))
      AND (%(project)s::text IS NULL
           OR e.session_id IN (SELECT s.id FROM sessions s JOIN projects p ON p.id = s.project_id
                               WHERE p.path = %(project)s)
           OR e.session_id IN (SELECT q.session_id FROM requests q JOIN projects p ON p.id = q.project_id
                               WHERE p.path = %(project)s))
      AND e.at >= coalesce(%(since)s::timestamptz, '-infinity')
      AND e.at <= coalesce(%(until)s::timestamptz, 'infinity')
      AND (e.kind <> 'message' OR NOT EXISTS (
           SELECT 1 FROM agent_messages m JOIN agent_credentials c ON c.agent_id = m.to_agent_id
           WHERE m.id = e.ref AND c.credential_hash <> ALL(%(shown)s::bytea[])))
    ORDER BY e.at DESC LIMIT %(ranked)s
), best AS (
    SELECT kind, ref, session_id, at, ts_rank(words, to_tsquery('simple', %(query)s), 1)::float8 AS rank
    FROM newest ORDER BY rank DESC, at DESC, ref LIMIT %(limit)s OFFSET %(offset)s
)
SELECT b.kind, b.ref, b.session_id, p.name AS project_name, b.at, b.rank, a.input,
       coalesce(r.prompt, nullif(concat_ws(': ', t.description, t.result::text), ''), m.payload::text,
                concat_ws(' ', a.tool_name, a.summary, array_to_string(a.file_paths, ' '), a.error)) AS text
FROM best b
LEFT JOIN requests r ON b.kind = 'prompt' AND r.id = b.ref
LEFT JOIN subtasks t ON b.kind = 'result' AND t.id = b.ref
LEFT JOIN agent_messages m ON b.kind = 'message' AND m.id = b.ref
LEFT JOIN actions a ON b.kind = 'action' AND a.id = b.ref AND a.created_at = b.at
LEFT JOIN sessions s ON s.id = b.session_id
LEFT JOIN projects p ON p.id = coalesce(
    s.project_id, r.project_id,
    (SELECT q.project_id FROM requests q WHERE q.session_id = b.session_id AND q.project_id IS NOT NULL
     LIMIT 1))
WHERE coalesce(r.id, t.id, m.id, a.id) IS NOT NULL
ORDER BY b.rank DESC, b.at DESC, b.ref
"""
"""The newest rows that match and hold to every filter that is given; the best of them with their text."""


def find(
    conn: Conn,
    query: str,
    *,
    kind: str | None,
    project_id: uuid.UUID | None,
    project: str | None,
    session_id: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    offset: int,
    shown: Sequence[bytes] = (),
) -> list[Hit]:
    """What matches a tsquery, best first, of the newest that match.

    Messages to an agent with a credential are not found, unless its hash is among those that were shown.
    """
    with conn.cursor(row_factory=class_row(Hit)) as cursor:
        return cursor.execute(
            FIND,
            {"query": query, "kind": kind, "project_id": project_id, "project": project,
             "session": session_id, "since": since,
             "until": until, "limit": limit, "offset": offset, "ranked": RANKED, "shown": list(shown)},
        ).fetchall()  # fmt: skip
