"""What the clock cleans away (contract, section 3.13)."""

from typing import Any

from api.database import Database
from api.fields import Answer, Instant, now
from api.operations import operation
from db import cleanup
from db.pool import Conn


class LastCleanup(Answer):
    """What the last cleaning did."""

    deletedMessages: int  # noqa: N815 - the contract's word
    deletedAt: Instant  # noqa: N815
    durationMs: int  # noqa: N815


class MessageFigures(Answer):
    """Messages: all, those whose time is over, and those nobody has read."""

    total: int
    expired: int
    unread: int
    byTopic: dict[str, int]  # noqa: N815


class CleanupStats(Answer):
    """The last cleaning, and what there is to clean."""

    last_cleanup: LastCleanup | None
    messages: MessageFigures
    timestamp: Instant


class CleanupStatistics:
    """/api/cleanup/stats"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=CleanupStats)
    async def on_get(self) -> dict[str, Any]:
        """What the last cleaning did, and how many messages there are."""

        def read(conn: Conn) -> dict[str, Any]:
            last = cleanup.last(conn)
            named = {"deleted_messages": "deletedMessages", "deleted_at": "deletedAt", "duration_ms": "durationMs"}
            return {
                "last_cleanup": {named[name]: value for name, value in last.items()} if last else None,
                "messages": {**cleanup.messages(conn), "byTopic": cleanup.by_topic(conn)},
            }

        return {**await self._database.read(read), "timestamp": now()}
