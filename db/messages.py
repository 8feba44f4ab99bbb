"""Messages between agents."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from db import counts
from db.pool import Conn
from dcm.domain.subtasks import Announcement

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """A message as a brief shows it."""

    id: uuid.UUID
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
                %(created_at)s::timestamptz + make_interval(secs => %(ttl)s), %(session)s)
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
    """Unexpired messages of the session's project that nobody of it has read and it did not send, newest first.

    None for a session that has a credential: whoever names it is given its brief, and what stands there counts as read.
    """
    with conn.cursor(row_factory=class_row(Message)) as cursor:
        return cursor.execute(
            """
            SELECT m.id, m.from_agent_id, m.topic, m.payload, m.priority, m.created_at
            FROM agent_messages m JOIN sessions s ON s.id = %(session)s
            WHERE (m.project_id = s.project_id OR m.to_agent_id = s.id)
              AND (m.expires_at IS NULL OR m.expires_at > now())
              AND (m.to_agent_id IS NULL OR m.to_agent_id = s.id)
              AND m.session_id IS DISTINCT FROM s.id
              AND NOT s.id = ANY(m.read_by)
              AND NOT EXISTS (SELECT 1 FROM agent_credentials c WHERE c.agent_id = s.id)
            ORDER BY m.priority DESC, m.created_at DESC LIMIT %(limit)s
            """,
            {"session": session_id, "limit": limit},
        ).fetchall()


@dataclass(frozen=True, slots=True)
class Addressed:
    """A message and an agent at work that it is to: the main conversation of a session, or a subagent of it.

    `proof`: the hash of the credential that the name it is sent to has; None where that has none.
    """

    session_id: str
    agent_id: str
    from_agent_id: str | None
    topic: str | None
    payload: dict[str, Any]
    created_at: datetime
    expires_at: datetime | None
    proof: bytes | None


def addressed(conn: Conn, message_id: str) -> list[Addressed]:
    """The agents at work that a message names, by session, by agent or by type. Not its sender, nor who has read it.

    A type is one of the message's project, else of its sender's; where neither is known, of the only project in which
    such an agent is at work.
    """
    with conn.cursor(row_factory=class_row(Addressed)) as cursor:
        return cursor.execute(
            """
            WITH message AS (
                SELECT m.*, coalesce(m.project_id,
                    (SELECT s.project_id FROM sessions s WHERE s.id = m.from_agent_id),
                    (SELECT s.project_id FROM subtasks t JOIN sessions s ON s.id = t.session_id
                     WHERE t.agent_id = m.from_agent_id ORDER BY t.last_seen_at DESC LIMIT 1)) AS home
                FROM agent_messages m WHERE id = %(id)s::uuid AND to_agent_id IS NOT NULL
            ), subagents AS (
                SELECT t.session_id, t.agent_id, t.agent_id = m.to_agent_id AS named, s.project_id,
                       min(coalesce(s.project_id::text, '')) OVER ()
                           = max(coalesce(s.project_id::text, '')) OVER () AS of_one_project
                FROM message m JOIN subtasks t ON m.to_agent_id IN (t.agent_id, t.agent_type)
                LEFT JOIN sessions s ON s.id = t.session_id
                WHERE t.status = 'running' AND t.session_id IS NOT NULL AND t.agent_id IS NOT NULL
            ), recipients AS (
                SELECT s.id AS session_id, '' AS agent_id, s.id AS reader
                FROM message m JOIN sessions s ON s.id = m.to_agent_id WHERE s.ended_at IS NULL
                UNION ALL
                SELECT a.session_id, a.agent_id, a.agent_id
                FROM subagents a, message m
                WHERE a.named OR a.project_id = m.home OR (m.home IS NULL AND a.of_one_project)
            )
            SELECT r.session_id, r.agent_id, m.from_agent_id, m.topic, m.payload, m.created_at, m.expires_at,
                   c.credential_hash AS proof
            FROM recipients r, message m LEFT JOIN agent_credentials c ON c.agent_id = m.to_agent_id
            WHERE m.from_agent_id IS DISTINCT FROM r.reader AND NOT r.reader = ANY(m.read_by)
            """,
            {"id": message_id},
        ).fetchall()


def at_work(conn: Conn, name: str) -> list[tuple[str, str]]:
    """(session, subagent or empty) of the agents at work that have exactly this id."""
    return conn.execute(
        """
        SELECT id, '' FROM sessions WHERE id = %(name)s AND ended_at IS NULL
        UNION ALL
        SELECT session_id, agent_id FROM subtasks
        WHERE agent_id = %(name)s AND status = 'running' AND session_id IS NOT NULL
        """,
        {"name": name},
    ).fetchall()


def mark_read(conn: Conn, message_ids: Sequence[str], reader: str) -> None:
    """Note that an agent has read these messages."""
    conn.execute(
        """
        WITH held AS MATERIALIZED (
            SELECT id FROM agent_messages WHERE id = ANY(%(ids)b::uuid[]) ORDER BY id FOR NO KEY UPDATE
        )
        UPDATE agent_messages m SET read_by = array_append(m.read_by, %(reader)s)
        FROM held WHERE m.id = held.id AND NOT %(reader)s = ANY(m.read_by)
        """,
        {"ids": list(message_ids), "reader": reader},
    )


def not_for(conn: Conn, message_ids: Sequence[str], reader: str, shown: Sequence[bytes]) -> set[str]:
    """Those of some messages that an agent has read, or that are to one with a credential whose hash was not shown."""
    rows = conn.execute(
        """
        SELECT m.id::text FROM agent_messages m LEFT JOIN agent_credentials c ON c.agent_id = m.to_agent_id
        WHERE m.id = ANY(%(ids)b::uuid[])
          AND (%(reader)s = ANY(m.read_by)
               OR (c.agent_id IS NOT NULL AND c.credential_hash <> ALL(%(shown)s::bytea[])))
        """,
        {"ids": list(message_ids), "reader": reader, "shown": list(shown)},
    ).fetchall()
    return {row[0] for row in rows}


def send(conn: Conn, message: Mapping[str, Any]) -> Row:
    """Store a message of `project_id`, `from_agent`, `to_agent`, `topic`, `content`, `priority`, `ttl_s`."""
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            """
            INSERT INTO agent_messages (project_id, from_agent_id, to_agent_id, message_type, topic, payload, priority,
                                        expires_at)
            VALUES (%(project_id)s, %(from_agent)s, %(to_agent)s, %(topic)s, %(topic)s, %(content)s, %(priority)s,
                    now() + make_interval(secs => %(ttl_s)s))
            RETURNING id, from_agent_id AS from_agent, to_agent_id AS to_agent, topic, priority, created_at,
                      expires_at, to_agent_id IS NULL AS is_broadcast
            """,
            {**message, "content": Jsonb(message["content"])},
        ).fetchone()
    assert found is not None
    return found


def page(conn: Conn, *, limit: int, offset: int, shown: Sequence[bytes] = ()) -> list[Row]:
    """A page of messages, newest first, expired ones that are still stored included.

    What is said to an agent with a credential is left out, unless its hash is among those that were shown.
    """
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, project_id, from_agent_id, to_agent_id, message_type, topic,
                   CASE WHEN EXISTS (SELECT 1 FROM agent_credentials c WHERE c.agent_id = to_agent_id
                                     AND c.credential_hash <> ALL(%(shown)s::bytea[]))
                        THEN '{}' ELSE payload END AS payload,
                   priority, read_by, created_at, expires_at
            FROM agent_messages ORDER BY created_at DESC, id LIMIT %(limit)s OFFSET %(offset)s
            """,
            {"limit": limit, "offset": offset, "shown": list(shown)},
        ).fetchall()


def total(conn: Conn) -> int:
    """How many messages are stored."""
    return counts.of(conn, "agent_messages")["agent_messages"]


POLL = """
WITH direct AS (
    SELECT m.id FROM agent_messages m
    WHERE m.to_agent_id = %(agent)s AND coalesce(m.expires_at, 'infinity') > now()
      AND (%(topic)s::text IS NULL OR m.topic = %(topic)s)
      AND (%(since)s::timestamptz IS NULL OR date_trunc('milliseconds', m.created_at) > %(since)s)
      AND (%(project)s::uuid IS NULL OR m.project_id = %(project)s)
    ORDER BY m.priority DESC, m.created_at, m.id LIMIT %(limit)s
), broadcast AS (
    SELECT m.id FROM agent_messages m
    WHERE %(broadcasts)s AND m.to_agent_id IS NULL AND coalesce(m.expires_at, 'infinity') > now()
      AND (%(topic)s::text IS NULL OR m.topic = %(topic)s)
      AND (%(since)s::timestamptz IS NULL OR date_trunc('milliseconds', m.created_at) > %(since)s)
      AND (%(project)s::uuid IS NULL OR m.project_id = %(project)s)
    ORDER BY m.priority DESC, m.created_at, m.id LIMIT %(limit)s
), found AS (
    SELECT id, from_agent_id AS from_agent, to_agent_id AS to_agent, topic, payload AS content, priority,
           to_agent_id IS NULL AS is_broadcast, %(agent)s = ANY(read_by) AS already_read,
           created_at, expires_at
    FROM agent_messages WHERE id IN (SELECT id FROM direct UNION ALL SELECT id FROM broadcast)
    ORDER BY priority DESC, created_at, id LIMIT %(limit)s
), held AS MATERIALIZED (
    SELECT id FROM agent_messages WHERE id IN (SELECT id FROM found WHERE NOT already_read)
    ORDER BY id FOR NO KEY UPDATE
), read AS (
    UPDATE agent_messages m SET read_by = array_append(m.read_by, %(agent)s)
    FROM held h WHERE m.id = h.id AND NOT %(agent)s = ANY(m.read_by)
)
SELECT * FROM found ORDER BY priority DESC, created_at, id
"""
"""The two kinds are found by an index each; what is new of them is locked by id, and noted as read."""


def poll(
    conn: Conn,
    agent_id: str,
    *,
    since: datetime | None,
    topic: str | None,
    broadcasts: bool,
    project_id: uuid.UUID | None,
    limit: int,
) -> list[Row]:
    """What was sent to an agent, urgent and old ones first; they count as read by it from here on.

    Rows are locked by id, so that agents who poll the same broadcasts at once never wait for one another in a ring.
    """
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            POLL,
            {"agent": agent_id, "since": since, "topic": topic, "broadcasts": broadcasts, "project": project_id,
             "limit": limit},
        ).fetchall()  # fmt: skip


def unread_by(conn: Conn, agent_id: str) -> int:
    """How many messages an agent has not read, broadcasts included."""
    row = conn.execute(
        """
        SELECT (SELECT count(*) FROM agent_messages
                WHERE to_agent_id = %(agent)s AND coalesce(expires_at, 'infinity'::timestamptz) > now())
             + (SELECT count(*) FROM agent_messages
                WHERE to_agent_id IS NULL AND coalesce(expires_at, 'infinity'::timestamptz) > now())
             - (SELECT count(*) FROM agent_messages
                WHERE read_by @> ARRAY[%(agent)s::text] AND (to_agent_id = %(agent)s OR to_agent_id IS NULL)
                  AND coalesce(expires_at, 'infinity'::timestamptz) > now())
        """,
        {"agent": agent_id},
    ).fetchone()
    return int(row[0]) if row else 0


def unread_in(conn: Conn, agent_id: str, project_id: uuid.UUID) -> int:
    """How many messages of a project an agent has not read, broadcasts included."""
    row = conn.execute(
        """
        SELECT count(*) FROM agent_messages
        WHERE project_id = %(project)s AND (to_agent_id = %(agent)s OR to_agent_id IS NULL)
          AND coalesce(expires_at, 'infinity'::timestamptz) > now() AND NOT %(agent)s = ANY(read_by)
        """,
        {"agent": agent_id, "project": project_id},
    ).fetchone()
    return int(row[0]) if row else 0
