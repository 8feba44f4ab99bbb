"""How the system is: GET /api/system for people, GET /metrics for Prometheus."""

import asyncio
from typing import Any

from falcon.asgi import Request, Response

from api import system
from api.database import Database
from api.fields import Answer, Instant, now
from api.operations import documented, operation
from api.scrape import families
from dcm import figures
from dcm.settings import Settings


class QueueFigures(Answer):
    """Events that wait in the streams and how long the oldest has; messages by Dramatiq's queue, delayed ones apart."""

    depth: int
    lag_seconds: float
    messages: dict[str, int]
    later: dict[str, int]


class FailureFigures(Answer):
    """Events the database refused, and messages that failed for good; null when their store is away."""

    rejected: int | None
    rejected_last_day: int | None
    dead: int | None


class DiskFigures(Answer):
    """Bytes of the database and of Valkey's memory, null when they are away; of the disk of DCM_HOME."""

    database_bytes: int | None
    valkey_bytes: int | None
    free_bytes: int
    total_bytes: int


class SystemState(Answer):
    """What waits, what failed, how much room there is. `away` says of each store that does not answer why."""

    queue: QueueFigures | None
    failures: FailureFigures
    disk: DiskFigures
    away: dict[str, str]
    timestamp: Instant


class SystemFigures:
    """/api/system"""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database

    @operation(answer=SystemState)
    async def on_get(self) -> dict[str, Any]:
        """What waits to be stored, what failed, and how much room there is."""
        return _said(await system.read(self._settings, self._database))


class Metrics:
    """/metrics"""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database

    @documented(media="text/plain")
    async def on_get(self, req: Request, resp: Response) -> None:  # noqa: ARG002 - falcon's signature
        """The figures of every process of this DCM_HOME, of the queue and of the stores, as Prometheus reads them."""
        state = await system.read(self._settings, self._database)
        together = figures.Together(self._settings.home, families(state))
        resp.content_type = figures.CONTENT_TYPE
        resp.data = await asyncio.to_thread(figures.text_of, together)


def _said(state: system.System) -> dict[str, Any]:
    queue, store = state.queue, state.store
    return {
        "queue": queue
        and {"depth": queue.depth, "lag_seconds": queue.lag, "messages": queue.messages, "later": queue.later},
        "failures": {
            "rejected": store and store.refusals.total,
            "rejected_last_day": store and store.refusals.last_day,
            "dead": queue and sum(queue.dead.values()),
        },
        "disk": {
            "database_bytes": store and store.used_bytes,
            "valkey_bytes": queue and queue.used_bytes,
            "free_bytes": state.free_bytes,
            "total_bytes": state.disk_bytes,
        },
        "away": state.away,
        "timestamp": now(),
    }
