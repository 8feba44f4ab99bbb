"""Whether DCM is well, and how much it holds (contract, section 3.1)."""

import asyncio
import time
from typing import Any, Literal

from api.database import Database
from api.fields import Answer, Instant, now
from api.operations import operation
from db import health
from dcm import __version__
from dcm.domain.access import Caller
from dcm.settings import STORE_PATIENCE, Settings

FEATURES = {
    "phase1": "database",
    "phase2": "routing",
    "phase3": "hierarchy",
    "phase4": "pubsub",
    "phase5": "context",
    "phase6": "sessions",
    "phase7": "tools-summary",
    "phase8": "websocket-auth",
}
"""What the contract names the parts of the system."""


class DatabaseHealth(Answer):
    """Whether the database answers, and after how many milliseconds."""

    healthy: bool
    latencyMs: int  # noqa: N815 - the contract's word
    error: str | None = None


class Healthy(Answer):
    """The state of DCM."""

    status: Literal["healthy", "unhealthy"]
    timestamp: Instant
    version: str
    database: DatabaseHealth
    features: dict[str, str]


class Alive(Answer):
    """The state of DCM in short; `uptime` in seconds."""

    status: Literal["healthy", "unhealthy"]
    timestamp: Instant
    version: str
    uptime: float


AWAY = "no answer"
"""What is said of a database to who has no business with the reason."""


class Totals(Answer):
    """How much is stored."""

    projectCount: int  # noqa: N815
    requestCount: int  # noqa: N815
    actionCount: int  # noqa: N815
    messageCount: int  # noqa: N815
    timestamp: Instant


class Configuration(Answer):
    """What the dashboard must know before it can ask anything else."""

    version: str
    ws_port: int
    ws_needs_token: bool


async def _database_health(database: Database, caller: Caller) -> dict[str, Any]:
    """Whether it answers, and to who owns this DCM why not: the reason may name its address and user."""
    try:
        async with asyncio.timeout(STORE_PATIENCE):
            return {"healthy": True, "latencyMs": await database.probe(health.latency_ms)}
    except Exception as error:  # noqa: BLE001 - whatever it is, the database did not answer
        return {
            "healthy": False,
            "latencyMs": 0,
            "error": (str(error) or f"no answer within {STORE_PATIENCE:.0f} s") if caller.owns_files else AWAY,
        }


class Health:
    """/health"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=Healthy, others={503: Healthy}, scope="any")
    async def on_get(self, caller: Caller) -> tuple[int, dict[str, Any]]:
        """Whether the database answers: 200 when it does, 503 when it does not.

        Why it does not is told to programs of this machine, and with the token file.
        """
        database = await _database_health(self._database, caller)
        return 200 if database["healthy"] else 503, {
            "status": "healthy" if database["healthy"] else "unhealthy",
            "timestamp": now(),
            "version": __version__,
            "database": database,
            "features": FEATURES,
        }


class ShortHealth:
    """/api/health"""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._began = time.monotonic()

    @operation(answer=Alive, others={503: Alive})
    async def on_get(self, caller: Caller) -> tuple[int, dict[str, Any]]:
        """Whether DCM is well, and for how many seconds this process has served."""
        database = await _database_health(self._database, caller)
        return 200 if database["healthy"] else 503, {
            "status": "healthy" if database["healthy"] else "unhealthy",
            "timestamp": now(),
            "version": __version__,
            "uptime": round(time.monotonic() - self._began, 1),
        }


class Stats:
    """/stats"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=Totals)
    async def on_get(self) -> dict[str, Any]:
        """How many projects, requests, actions and messages are stored."""
        counts = await self._database.read(health.counts)
        return {
            "projectCount": counts.projects,
            "requestCount": counts.requests,
            "actionCount": counts.actions,
            "messageCount": counts.messages,
            "timestamp": now(),
        }


class Config:
    """/config.json"""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @operation(answer=Configuration)
    async def on_get(self, caller: Caller) -> dict[str, Any]:
        """Version, the port of the WebSocket bridge, and whether it asks this caller for a token."""
        asked = caller.kind != "local"
        return {"version": __version__, "ws_port": self._settings.ws_port, "ws_needs_token": asked}
