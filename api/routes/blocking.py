"""Blocking: one agent says that another must not go on (contract, sections 3.12 and 9.3)."""

import time
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from api.database import Database
from api.fields import Answer, Body, Instant, Name, Query, Text, Words
from api.ingest import Door
from api.operations import operation
from api.speaking import Speaker
from db import audit, blocking
from db.pool import Conn
from db.publish import publish
from dcm.broker import DEFAULT
from dcm.domain import mail
from dcm.domain.errors import InvalidInput, NotFound
from dcm.domain.events import Event


class NewBlock(Body):
    """Who blocks whom, and why."""

    NULLABLE = frozenset({"reason"})

    blocked_by: Name
    blocked_agent: Name
    reason: Annotated[Text, Field(max_length=500)] | None = None


class Block(Answer):
    """A block."""

    id: UUID
    blocked_by: str
    blocked_agent: str
    reason: str | None


class StoredBlock(Block):
    """A block and since when it holds."""

    created_at: Instant


class Blocked(Answer):
    """The block holds."""

    success: Literal[True]
    blocking: StoredBlock


class Unblocked(Answer):
    """The block has ended."""

    success: Literal[True]
    unblocked: Block


class Pair(Body):
    """Who blocked whom."""

    blocked_by: Name
    blocked_agent: Name


class PairAsked(Query):
    """Whether one blocks the other."""

    blocker: Words
    blocked: Words


class PairState(Answer):
    """Whether one blocks the other."""

    blocker: str
    blocked: str
    is_blocked: bool


class BlockBy(Answer):
    """Who blocks."""

    id: UUID
    by_agent: str
    reason: str | None
    since: Instant


class BlockOf(Answer):
    """Who is blocked."""

    id: UUID
    agent: str
    reason: str | None
    since: Instant


class BlockSummary(Answer):
    """How many blocks, both ways."""

    blocked_by_count: int
    blocking_count: int


class AgentBlocks(Answer):
    """Who blocks an agent, and whom it blocks."""

    agent_id: str
    is_blocked: bool
    blocked_by: list[BlockBy]
    is_blocking: bool
    blocking: list[BlockOf]
    summary: BlockSummary


class Blocking:
    """/api/blocking"""

    def __init__(self, database: Database, door: Door) -> None:
        self._database = database
        self._door = door

    @operation(answer=Blocked, status=201)
    async def on_post(self, body: NewBlock, speaker: Speaker) -> dict[str, Any]:
        """Block an agent; it is told when it is at work, and its briefs say so.

        Again with another reason replaces the reason.
        """
        if body.blocked_by == body.blocked_agent:
            said = "an agent cannot block itself"
            raise InvalidInput("Validation failed: an agent cannot block itself", {"blocked_agent": [said]})

        def store(conn: Conn) -> dict[str, Any]:
            speaker.require(conn, body.blocked_by)
            row = blocking.save(conn, body.blocked_by, body.blocked_agent, body.reason)
            data = {"by": body.blocked_by, "reason": body.reason}
            publish(conn, [Event("agent.blocked", data, channel=f"agents/{body.blocked_agent}")])
            return row

        row = await self._database.write(store)
        if row.pop("is_news"):
            _tell(self._door, body.blocked_agent, mail.blocked(body.blocked_by, body.reason))
        return {"success": True, "blocking": row}


class BlockingCheck:
    """/api/blocking/check"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=PairState)
    async def on_get(self, query: PairAsked) -> dict[str, Any]:
        """Whether one agent blocks another."""
        found = await self._database.read(lambda conn: blocking.exists(conn, query.blocker, query.blocked))
        return {"blocker": query.blocker, "blocked": query.blocked, "is_blocked": found}


def _ended(conn: Conn, speaker: Speaker, row: dict[str, Any] | None) -> dict[str, Any]:
    """What was ended in the name of who blocked; the refusal of that takes the ending back."""
    if row is None:
        raise NotFound("Blocking not found")
    speaker.require(conn, row["blocked_by"])
    audit.record(conn, speaker.caller, "block.ended", row["blocked_agent"], by=row["blocked_by"])
    publish(conn, [Event("agent.unblocked", {"by": row["blocked_by"]}, channel=f"agents/{row['blocked_agent']}")])
    return row


def _tell(door: Door, agent_id: str, text: str) -> None:
    door.ask(DEFAULT, "tell_agent", agent_id, text, time.time())


class OneBlocking:
    """/api/blocking/{key}: an agent's blocks, or the block of this id."""

    def __init__(self, database: Database, door: Door) -> None:
        self._database = database
        self._door = door

    @operation(answer=AgentBlocks)
    async def on_get(self, key: str) -> dict[str, Any]:
        """Who blocks the agent of this id, and whom it blocks."""
        by, of = await self._database.read(lambda conn: (blocking.of(conn, key), blocking.by(conn, key)))
        return {
            "agent_id": key,
            "is_blocked": bool(by),
            "blocked_by": by,
            "is_blocking": bool(of),
            "blocking": of,
            "summary": {"blocked_by_count": len(by), "blocking_count": len(of)},
        }

    @operation(answer=Unblocked, errors=(404,))
    async def on_delete(self, key: UUID, speaker: Speaker) -> dict[str, Any]:
        """End the block of this id; the agent is told when it is at work."""
        row = await self._database.write(lambda conn: _ended(conn, speaker, blocking.remove(conn, key)))
        _tell(self._door, row["blocked_agent"], mail.unblocked(row["blocked_by"]))
        return {"success": True, "unblocked": row}


class Unblock:
    """/api/unblock"""

    def __init__(self, database: Database, door: Door) -> None:
        self._database = database
        self._door = door

    @operation(answer=Unblocked, errors=(404,))
    async def on_post(self, body: Pair, speaker: Speaker) -> dict[str, Any]:
        """End the block of one agent by another; the agent is told when it is at work."""

        def store(conn: Conn) -> dict[str, Any]:
            return _ended(conn, speaker, blocking.remove_pair(conn, body.blocked_by, body.blocked_agent))

        row = await self._database.write(store)
        _tell(self._door, body.blocked_agent, mail.unblocked(body.blocked_by))
        return {"success": True, "unblocked": row}
