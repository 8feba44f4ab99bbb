"""Messages between agents (contract, sections 3.12 and 9.1)."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AliasChoices, Field, JsonValue

from api.database import Database
from api.fields import Answer, Body, Instant, Name, Offset, Query, Text, UpTo1000
from api.ingest import Door
from api.operations import operation
from api.routes.projects import require_project
from api.speaking import Speaker
from db import messages
from db.pool import Conn
from db.publish import publish
from dcm.broker import DEFAULT
from dcm.domain.events import Event
from dcm.settings import Settings

Topic = Literal[
    "task.created",
    "task.completed",
    "task.failed",
    "context.request",
    "context.response",
    "alert.blocking",
    "agent.heartbeat",
    "workflow.progress",
]
"""Topics of agents."""

OwnTopic = Literal["agent.completed", "agent.failed", "context.generated"]
"""Topics DCM itself sends on."""


class NewMessage(Body):
    """A message to one agent, or to all when `to_agent` is left out or null; `content` may be text.

    The names `from_agent_id`, `to_agent_id`, `message_type` and `payload` mean the same.
    """

    NULLABLE = frozenset({"to_agent"})

    from_agent: Annotated[Name, Field(validation_alias=AliasChoices("from_agent", "from_agent_id"))]
    to_agent: Annotated[Name | None, Field(validation_alias=AliasChoices("to_agent", "to_agent_id"))] = None
    topic: Annotated[Topic | OwnTopic, Field(validation_alias=AliasChoices("topic", "message_type"))]
    content: Annotated[dict[str, JsonValue] | Text, Field(validation_alias=AliasChoices("content", "payload"))]
    priority: Annotated[int, Field(ge=0, le=10)] = 0
    ttl_seconds: Annotated[int, Field(ge=1, le=86_400)] | None = None
    project_id: UUID | None = None


class SentMessage(Answer):
    """A message that was stored."""

    id: UUID
    from_agent: str
    to_agent: str | None
    topic: str
    priority: int
    created_at: Instant
    expires_at: Instant | None
    is_broadcast: bool


class MessageSent(Answer):
    """The message is stored."""

    success: Literal[True]
    message: SentMessage


class MessageList(Query):
    """Which page."""

    limit: UpTo1000 = 100
    offset: Offset = 0


class StoredMessage(Answer):
    """A message as it is stored; `read_by` names the agents that polled it."""

    id: UUID
    project_id: UUID | None
    from_agent_id: str | None
    to_agent_id: str | None
    message_type: str
    topic: str | None
    payload: dict[str, JsonValue]
    priority: int
    read_by: list[str]
    created_at: Instant
    expires_at: Instant | None


class MessagePage(Answer):
    """A page of messages, newest first; `count` is how many are stored in all."""

    messages: list[StoredMessage]
    count: int
    limit: int
    offset: int


class Poll(Query):
    """Which messages of an agent."""

    since: Instant | None = None
    topic: Text | None = None
    include_broadcasts: bool = True
    project_id: UUID | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class PolledMessage(Answer):
    """A message for an agent; `already_read` tells whether it was polled before."""

    id: UUID
    from_agent: str | None
    to_agent: str | None
    topic: str | None
    content: dict[str, JsonValue]
    priority: int
    is_broadcast: bool
    already_read: bool
    created_at: Instant
    expires_at: Instant | None


class Polled(Answer):
    """An agent's messages, urgent and old ones first; `unread_remaining` were not among them."""

    agent_id: str
    messages: list[PolledMessage]
    count: int
    unread_remaining: int


class Messages:
    """/api/messages"""

    def __init__(self, database: Database, door: Door, settings: Settings) -> None:
        self._database = database
        self._door = door
        self._usual_ttl = settings.message_ttl_ms / 1000

    @operation(answer=MessageSent, status=201, errors=(404,))
    async def on_post(self, body: NewMessage, speaker: Speaker) -> dict[str, Any]:
        """Send a message to an agent, or to all; subscribers of its topic are called."""
        content = {"message": body.content} if isinstance(body.content, str) else body.content
        ttl_s = body.ttl_seconds or self._usual_ttl

        def store(conn: Conn) -> dict[str, Any]:
            speaker.require(conn, body.from_agent)
            if body.project_id:
                require_project(conn, body.project_id)
            row = messages.send(conn, body.model_dump(exclude={"content"}) | {"content": content, "ttl_s": ttl_s})
            publish(conn, [_announcement(row)])
            return row

        row = await self._database.write(store)
        self._door.ask(DEFAULT, "call_subscribers", str(row["id"]))
        if row["to_agent"]:
            self._door.ask(DEFAULT, "deliver_message", str(row["id"]))
        return {"success": True, "message": row}

    @operation(answer=MessagePage)
    async def on_get(self, query: MessageList, speaker: Speaker) -> dict[str, Any]:
        """A page of messages, newest first.

        The `payload` of one to an agent with a credential is empty for who does not show it.
        """

        def read(conn: Conn) -> dict[str, Any]:
            found = messages.page(conn, **query.model_dump(), shown=speaker.shown)
            return {"messages": found, "count": messages.total(conn)}

        return {**await self._database.read(read), "limit": query.limit, "offset": query.offset}


def _announcement(row: dict[str, Any]) -> Event:
    to_agent = row["to_agent"]
    data = {"id": str(row["id"]), "from": row["from_agent"], "to": to_agent, "topic": row["topic"]}
    data["priority"] = row["priority"]
    return Event("message.new", data, channel=f"agents/{to_agent}" if to_agent else "global")


class AgentMessages:
    """/api/messages/{agent_id}"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=Polled)
    async def on_get(self, agent_id: str, query: Poll, speaker: Speaker) -> dict[str, Any]:
        """What was sent to an agent; what is answered counts as read by it."""

        def read(conn: Conn) -> dict[str, Any]:
            speaker.require(conn, agent_id)
            found = messages.poll(
                conn,
                agent_id,
                since=query.since,  # type: ignore[arg-type]
                topic=query.topic,
                broadcasts=query.include_broadcasts,
                project_id=query.project_id,
                limit=query.limit,
            )
            project = query.project_id
            unread = messages.unread_in(conn, agent_id, project) if project else messages.unread_by(conn, agent_id)
            return {"messages": found, "count": len(found), "unread_remaining": unread}

        return {"agent_id": agent_id, **await self._database.write(read)}
