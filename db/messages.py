"""Messages between agents."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from psycopg.rows import class_row

from db.pool import Conn
from dcm.domain.subtasks import Announcement


@dataclass(frozen=True, slots=True)
class Message:
    """A message as a brief shows it."""

    from_agent_id: str | None
    topic: str | None
    payload: dict[str, Any]
    priority: int
    created_at: datetime


def announce(conn: Conn, announcement: Announcement, ttl_ms: int) -> bool:
    """Broadcast that a subagent is done; False when that was told before."""
    row = conn.execute(
        """
        INSERT INTO agent_messages (id, project_id, from_agent_id, to_agent_id, message_type, topic, payload,
                                    created_at, expires_at, session_id)
        VALUES (%(id)s, %(project_id)s, %(from)s, NULL, 'notification', %(topic)s, %(payload)s::jsonb, %(created_at)s,
                now() + make_interval(secs => %(ttl)s), %(session)s)
        ON CONFLICT (id) DO NOTHING RETURNING id
        """,
        {
            "id": announcement.id,
            "project_id": announcement.project_id,
            "from": announcement.from_agent_id,
            "topic": announcement.topic,
            "payload": orjson.dumps(announcement.payload, default=str).decode(),
            "created_at": announcement.created_at,
            "ttl": ttl_ms / 1000,
            "session": announcement.session_id,
        },
    ).fetchone()
    return row is not None


def unread(conn: Conn, session_id: str, limit: int) -> list[Message]:
    """Unexpired messages of the session's project that nobody of it has read and it did not send, newest first."""
    with conn.cursor(row_factory=class_row(Message)) as cursor:
        return cursor.execute(
            """
            SELECT m.from_agent_id, m.topic, m.payload, m.priority, m.created_at
            FROM agent_messages m JOIN sessions s ON s.id = %(session)s
            WHERE (m.project_id = s.project_id OR m.to_agent_id = s.id)
              AND (m.expires_at IS NULL OR m.expires_at > now())
              AND (m.to_agent_id IS NULL OR m.to_agent_id = s.id)
              AND m.session_id IS DISTINCT FROM s.id
              AND NOT s.id = ANY(m.read_by)
            ORDER BY m.priority DESC, m.created_at DESC LIMIT %(limit)s
            """,
            {"session": session_id, "limit": limit},
        ).fetchall()
