"""Subscriptions: who wants to hear of which topic, and is called for it (contract, sections 3.12 and 9.2)."""

from typing import Any, Literal
from uuid import UUID

from api.database import Database
from api.fields import Answer, Body, Instant, Name, Query, Text
from api.operations import operation
from api.routes.messages import OwnTopic, Topic
from api.speaking import Speaker
from db import audit, subscriptions
from db.pool import Conn
from dcm.domain import callbacks
from dcm.domain.errors import NotFound
from dcm.settings import Settings


class NewSubscription(Body):
    """A topic an agent wants to hear of; its messages are sent to `callback_url` by POST when one is given."""

    NULLABLE = frozenset({"callback_url"})

    agent_id: Name
    topic: Topic | OwnTopic
    callback_url: Text | None = None


class Subscription(Answer):
    """A subscription, and how the calls to it went."""

    id: UUID
    agent_id: str
    topic: str
    callback_url: str | None
    created_at: Instant
    updated_at: Instant
    last_called_at: Instant | None
    last_status: int | None
    failures: int


class Subscribed(Answer):
    """The subscription is stored."""

    success: Literal[True]
    subscription: Subscription


class SubscriptionFilter(Query):
    """Whose subscriptions, of what."""

    agent_id: Text | None = None
    topic: Text | None = None


class SubscriptionList(Answer):
    """The thousand newest subscriptions."""

    subscriptions: list[Subscription]
    count: int


class AgentSubscriptionList(SubscriptionList):
    """What an agent subscribed to."""

    agent_id: str
    topics: list[str]


class Unsubscription(Body):
    """A topic an agent no longer wants to hear of."""

    agent_id: Name
    topic: Name


class EndedSubscription(Answer):
    """A subscription that was."""

    id: UUID
    agent_id: str
    topic: str


class Unsubscribed(Answer):
    """The subscription is no more."""

    success: Literal[True]
    deleted: EndedSubscription


class Subscribe:
    """/api/subscribe"""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._private = settings.callback_private

    @operation(answer=Subscribed, status=201)
    async def on_post(self, body: NewSubscription, speaker: Speaker) -> dict[str, Any]:
        """Subscribe an agent to a topic; again with another address replaces the address."""
        if body.callback_url:
            callbacks.check(body.callback_url, private=self._private)
        url = body.callback_url or None

        def store(conn: Conn) -> dict[str, Any]:
            speaker.require(conn, body.agent_id)
            return subscriptions.save(conn, body.agent_id, body.topic, url)

        row = await self._database.write(store)
        return {"success": True, "subscription": row}


class Unsubscribe:
    """/api/unsubscribe"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=Unsubscribed, errors=(404,))
    async def on_post(self, body: Unsubscription, speaker: Speaker) -> dict[str, Any]:
        """End an agent's subscription of a topic."""

        def store(conn: Conn) -> dict[str, Any]:
            return _ended(conn, speaker, subscriptions.remove_topic(conn, body.agent_id, body.topic))

        return {"success": True, "deleted": await self._database.write(store)}


def _ended(conn: Conn, speaker: Speaker, row: dict[str, Any] | None) -> dict[str, Any]:
    """What was ended in the name of its agent; the refusal of that takes the ending back."""
    if row is None:
        raise NotFound("Subscription not found")
    speaker.require(conn, row["agent_id"])
    audit.record(conn, speaker.caller, "subscription.ended", row["agent_id"], topic=row["topic"])
    return row


def _shown(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row | {"callback_url": row["callback_url"] and callbacks.shown(row["callback_url"])} for row in rows]


class Subscriptions:
    """/api/subscriptions"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=SubscriptionList)
    async def on_get(self, query: SubscriptionFilter) -> dict[str, Any]:
        """The subscriptions, newest first; of a `callback_url` without its query."""
        rows = _shown(await self._database.read(lambda conn: subscriptions.page(conn, **query.model_dump())))
        return {"subscriptions": rows, "count": len(rows)}


class OneSubscription:
    """/api/subscriptions/{key}: an agent's, or the one of this id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=AgentSubscriptionList)
    async def on_get(self, key: str) -> dict[str, Any]:
        """What the agent of this id subscribed to, by topic; of a `callback_url` without its query."""

        def read(conn: Conn) -> list[dict[str, Any]]:
            return sorted(subscriptions.page(conn, agent_id=key, topic=None), key=lambda row: str(row["topic"]))

        rows = _shown(await self._database.read(read))
        topics = [row["topic"] for row in rows]
        return {"agent_id": key, "subscriptions": rows, "topics": topics, "count": len(rows)}

    @operation(answer=Unsubscribed, errors=(404,))
    async def on_delete(self, key: UUID, speaker: Speaker) -> dict[str, Any]:
        """End the subscription of this id."""
        row = await self._database.write(lambda conn: _ended(conn, speaker, subscriptions.remove(conn, key)))
        return {"success": True, "deleted": row}
