"""What the dashboard's first page reads."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from falcon.asgi import Request, Response

from api.bodies import integer, text
from db import actions, health, kpis, sessions
from db.pool import Conn, Pool
from dcm import __version__
from dcm.domain.errors import InvalidInput
from dcm.settings import Settings

Result = TypeVar("Result")


class Reader:
    """Runs a read on a connection in a thread, so that a slow one never delays a hook."""

    def __init__(self, pool: Pool, threads: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._threads = threads

    async def read(self, query: Callable[[Conn], Result]) -> Result:
        """What the query gives."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, query)

    def _run(self, query: Callable[[Conn], Result]) -> Result:
        with self._pool.connection() as conn:
            return query(conn)


def _now() -> str:
    return instant(datetime.now(UTC))


def instant(moment: datetime) -> str:
    """A moment as the contract writes it: ISO 8601, UTC, milliseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Config:
    """GET /config.json: what the dashboard must know before it can ask anything else."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def on_get(self, req: Request, resp: Response) -> None:  # noqa: ARG002 - falcon's signature
        """Version and the port of the WebSocket bridge."""
        resp.media = {"version": __version__, "ws_port": self._settings.ws_port}


class Health:
    """GET /health: whether the database answers (contract, section 3.1)."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def on_get(self, req: Request, resp: Response) -> None:  # noqa: ARG002
        """200 when it does, 503 when it does not."""
        try:
            async with asyncio.timeout(2.0):
                latency = await self._reader.read(health.latency_ms)
            database: dict[str, Any] = {"healthy": True, "latencyMs": latency}
        except Exception as error:  # noqa: BLE001 - whatever it is, the database did not answer
            database = {"healthy": False, "latencyMs": 0, "error": str(error) or "no answer within 2 s"}
        resp.status = 200 if database["healthy"] else 503
        resp.media = {
            "status": "healthy" if database["healthy"] else "unhealthy",
            "timestamp": _now(),
            "version": __version__,
            "database": database,
        }


class Stats:
    """GET /stats: how much is stored (contract, section 3.1)."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def on_get(self, req: Request, resp: Response) -> None:  # noqa: ARG002
        """Projects, requests, actions and messages."""
        counts = await self._reader.read(health.counts)
        resp.media = {
            "projectCount": counts.projects,
            "requestCount": counts.requests,
            "actionCount": counts.actions,
            "messageCount": counts.messages,
            "timestamp": _now(),
        }


class Sessions:
    """GET /api/sessions: a page of sessions (contract, section 3.11)."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def on_get(self, req: Request, resp: Response) -> None:
        """`project_id`, `active_only=true`, `limit` 1 to 100, `offset`; `total` counts what the filters match."""
        limit, offset = integer(req, "limit", 50, 1, 100), integer(req, "offset", 0, 0, 10**9)
        project_id, active_only = _uuid(req, "project_id"), req.get_param("active_only") == "true"
        rows, total = await self._reader.read(
            lambda conn: sessions.page(conn, project_id=project_id, active_only=active_only, limit=limit, offset=offset)
        )
        resp.media = {"sessions": rows, "total": total, "limit": limit, "offset": offset}


class Actions:
    """GET /api/actions: a page of tool calls, newest first (contract, section 3.6)."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def on_get(self, req: Request, resp: Response) -> None:
        """`tool_type`, `tool_name`, `session_id`, `limit` 1 to 5000, `offset`; `count` is of the whole table."""
        limit, offset = integer(req, "limit", 100, 1, 5000), integer(req, "offset", 0, 0, 10**9)
        filters = {name: text(req, name) for name in ("tool_type", "tool_name", "session_id")}

        def query(conn: Conn) -> tuple[list[dict[str, Any]], int]:
            rows = actions.page(
                conn,
                limit=limit,
                offset=offset,
                **filters,
            )
            return rows, actions.total(conn)

        rows, count = await self._reader.read(query)
        resp.media = {"actions": rows, "count": count, "limit": limit, "offset": offset}


class Hourly:
    """GET /api/actions/hourly: tool calls an hour over the last day (contract, section 3.6)."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def on_get(self, req: Request, resp: Response) -> None:  # noqa: ARG002
        """Oldest hour first, hours without any left out."""
        rows = await self._reader.read(actions.hourly)
        resp.media = {"data": [{"hour": hour, "count": count} for hour, count in rows], "period": "24h"}


class Kpis:
    """GET /api/dashboard/kpis: the figures people look at first (contract, section 3.1)."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def on_get(self, req: Request, resp: Response) -> None:  # noqa: ARG002
        """Blocks of figures by subject."""
        blocks = await self._reader.read(kpis.blocks)
        resp.media = {**blocks, "timestamp": _now()}


def _uuid(req: Request, name: str) -> UUID | None:
    text = req.get_param(name)
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput("Invalid query parameters", {name: ["give a UUID"]}) from None
