"""What POST /api/compact/... stores and finds (contract, section 8)."""

import uuid
from collections.abc import Mapping
from typing import Any

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from db.pool import Conn
from dcm.domain.restored import merged

Row = dict[str, Any]


def save(conn: Conn, session_id: str, facts: Mapping[str, Any], empty: Mapping[str, Any] | None = None) -> Row:
    """Store the snapshot of a session over the one there is: `facts` replace, `empty` is what a first one lacks."""
    with conn.cursor(row_factory=dict_row) as cursor:
        before = cursor.execute(
            "SELECT role_context FROM agent_contexts WHERE agent_id = 'compact-snapshot-' || %(session)s FOR UPDATE",
            {"session": session_id},
        ).fetchone()
        context = merged(before["role_context"] if before else empty or {}, facts)
        found = cursor.execute(
            """
            INSERT INTO agent_contexts (project_id, agent_id, agent_type, role_context, progress_summary, tools_used,
                                        session_id)
            VALUES ((SELECT project_id FROM sessions WHERE id = %(session)s), 'compact-snapshot-' || %(session)s,
                    'compact-snapshot', %(context)s, %(summary)s, %(files)s, %(session)s)
            ON CONFLICT (project_id, agent_id) DO UPDATE SET
                role_context = excluded.role_context, progress_summary = excluded.progress_summary,
                tools_used = excluded.tools_used, session_id = excluded.session_id
            RETURNING role_context, last_updated
            """,
            {
                "session": session_id,
                "context": Jsonb(context),
                "summary": context.get("context_summary") or "Pre-compact snapshot",
                "files": context.get("modified_files", []),
            },
        ).fetchone()
    assert found is not None
    conn.execute(
        """
        UPDATE requests SET metadata = metadata || jsonb_build_object(
            'compact_snapshot_at', %(at)s::text, 'compact_trigger', %(trigger)s::text)
        WHERE session_id = %(session)s
        """,
        {"session": session_id, "at": facts["saved_at"], "trigger": facts["trigger"]},
    )
    return found


def snapshot(conn: Conn, session_id: str) -> Row | None:
    """The newest snapshot of a session, None when it has none."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT role_context AS snapshot, progress_summary AS summary, tools_used AS modified_files,
                   last_updated AS saved_at
            FROM agent_contexts WHERE agent_id = 'compact-snapshot-' || %(session)s
            ORDER BY last_updated DESC, id LIMIT 1
            """,
            {"session": session_id},
        ).fetchone()


def mark(conn: Conn, session_id: str, marks: Mapping[str, Any]) -> bool:
    """Note on the requests of a session that it was compacted; False when it has none."""
    return bool(
        conn.execute(
            "UPDATE requests SET metadata = metadata || %(marks)s WHERE session_id = %(session)s",
            {"session": session_id, "marks": Jsonb(marks)},
        ).rowcount
    )


def marks(conn: Conn, session_id: str) -> Mapping[str, Any] | None:
    """What the requests of a session say of its last compaction, None when it has no request.

    Those that came after it say nothing: it is the newest mark of any.
    """
    row = conn.execute(
        """
        SELECT metadata FROM requests WHERE session_id = %(session)s
        ORDER BY metadata ->> 'compacted_at' COLLATE "C" DESC NULLS LAST, created_at DESC, id LIMIT 1
        """,
        {"session": session_id},
    ).fetchone()
    return row[0] if row else None


def tell(conn: Conn, agent_id: str, project_id: uuid.UUID | None, payload: Mapping[str, Any], ttl_s: int) -> uuid.UUID:
    """Leave a message that a context was generated for an agent; its id."""
    row = conn.execute(
        """
        INSERT INTO agent_messages (project_id, from_agent_id, to_agent_id, message_type, topic, payload, priority,
                                    session_id, expires_at)
        VALUES (%(project)s, 'context-manager', %(agent)s, 'context.generated', 'context.generated', %(payload)s, 5,
                %(session)s, now() + make_interval(secs => %(ttl)s))
        RETURNING id
        """,
        {"project": project_id, "agent": agent_id, "payload": Jsonb(payload), "session": payload["session_id"],
         "ttl": ttl_s},
    ).fetchone()  # fmt: skip
    assert row is not None
    message_id: uuid.UUID = row[0]
    return message_id
