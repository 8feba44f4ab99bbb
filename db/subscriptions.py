"""Who wants to hear of which topic, and where they are called (contract, section 9.2)."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row, dict_row

from db.pool import Conn

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A message that a subscriber is to be told, and where."""

    subscription_id: uuid.UUID
    agent_id: str
    callback_url: str
    message_id: uuid.UUID
    from_agent: str | None
    to_agent: str | None
    topic: str
    content: dict[str, Any]
    priority: int
    created_at: datetime


def save(conn: Conn, agent_id: str, topic: str, callback_url: str | None) -> Row:
    """Store a subscription; the one there is gets the new address."""
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            """
            INSERT INTO subscriptions (agent_id, topic, callback_url) VALUES (%(agent)s, %(topic)s, %(url)s)
            ON CONFLICT (agent_id, topic) DO UPDATE SET callback_url = excluded.callback_url, failures = 0
            RETURNING id, agent_id, topic, callback_url, created_at, updated_at, last_called_at, last_status, failures
            """,
            {"agent": agent_id, "topic": topic, "url": callback_url},
        ).fetchone()
    assert found is not None
    return found


def page(conn: Conn, *, agent_id: str | None, topic: str | None) -> list[Row]:
    """The thousand newest subscriptions."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, agent_id, topic, callback_url, created_at, updated_at, last_called_at, last_status, failures
            FROM subscriptions
            WHERE (%(agent)s::text IS NULL OR agent_id = %(agent)s) AND (%(topic)s::text IS NULL OR topic = %(topic)s)
            ORDER BY created_at DESC, id LIMIT 1000
            """,
            {"agent": agent_id, "topic": topic},
        ).fetchall()


def remove(conn: Conn, subscription_id: uuid.UUID) -> Row | None:
    """Forget a subscription; None when it is not known."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "DELETE FROM subscriptions WHERE id = %(id)s RETURNING id, agent_id, topic", {"id": subscription_id}
        ).fetchone()


def remove_topic(conn: Conn, agent_id: str, topic: str) -> Row | None:
    """Forget an agent's subscription of a topic; None when it has none."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "DELETE FROM subscriptions WHERE agent_id = %(agent)s AND topic = %(topic)s RETURNING id, agent_id, topic",
            {"agent": agent_id, "topic": topic},
        ).fetchone()


def to_call(conn: Conn, message_id: uuid.UUID) -> list[uuid.UUID]:
    """The subscriptions a message is to be told to."""
    rows = conn.execute(
        """
        SELECT s.id FROM agent_messages m
        JOIN subscriptions s ON s.topic = m.topic AND s.callback_url IS NOT NULL
        WHERE m.id = %(message)s AND (m.to_agent_id IS NULL OR m.to_agent_id = s.agent_id)
        ORDER BY s.created_at, s.id
        """,
        {"message": message_id},
    ).fetchall()
    return [row[0] for row in rows]


def call(conn: Conn, subscription_id: uuid.UUID, message_id: uuid.UUID) -> Call | None:
    """What is to be told where; None when message or subscription are gone."""
    with conn.cursor(row_factory=class_row(Call)) as cursor:
        return cursor.execute(
            """
            SELECT s.id AS subscription_id, s.agent_id, s.callback_url, m.id AS message_id,
                   m.from_agent_id AS from_agent, m.to_agent_id AS to_agent, m.topic, m.payload AS content,
                   m.priority, m.created_at
            FROM subscriptions s, agent_messages m
            WHERE s.id = %(subscription)s AND m.id = %(message)s AND s.callback_url IS NOT NULL
            """,
            {"subscription": subscription_id, "message": message_id},
        ).fetchone()


def called(conn: Conn, subscription_id: uuid.UUID, status: int | None, *, good: bool) -> None:
    """Note how a call ended."""
    conn.execute(
        """
        UPDATE subscriptions SET last_called_at = now(), last_status = %(status)s,
               failures = CASE WHEN %(good)s THEN 0 ELSE failures + 1 END
        WHERE id = %(id)s
        """,
        {"id": subscription_id, "status": status, "good": good},
    )
