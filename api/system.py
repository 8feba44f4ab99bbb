"""How the system is: what waits, what failed, how full its disks are. Read when somebody asks, never before."""

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from redis.exceptions import RedisError

from api.database import Database
from db import health, intake
from db.health import Counts
from db.intake import Refusals
from db.pool import Conn
from dcm import dead_messages
from dcm.broker import NAMESPACE, accepted_streams, redis_client
from dcm.settings import STORE_PATIENCE, Settings


@dataclass(frozen=True, slots=True)
class QueueState:
    """Valkey: events and exports in its streams, seconds the oldest has waited, messages by queue, bytes."""

    depth: int
    lag: float
    messages: Mapping[str, int]
    later: Mapping[str, int]
    dead: Mapping[str, int]
    used_bytes: int


@dataclass(frozen=True, slots=True)
class StoreState:
    """Postgres: what it holds, what it refused, bytes."""

    counts: Counts
    refusals: Refusals
    used_bytes: int


@dataclass(frozen=True, slots=True)
class System:
    """All of it; None for a store that is away."""

    queue: QueueState | None
    store: StoreState | None
    free_bytes: int
    disk_bytes: int
    away: Mapping[str, str] = field(default_factory=dict)


async def read(settings: Settings, database: Database) -> System:
    """Look at both stores and the disk at once."""
    away: dict[str, str] = {}
    queue, store, disk = await asyncio.gather(
        asyncio.to_thread(_queue, settings, away), _store(database, away), asyncio.to_thread(_disk, settings)
    )
    return System(queue, store, disk.free, disk.total, away)


def _queue(settings: Settings, away: dict[str, str]) -> QueueState | None:
    streams = accepted_streams(settings)
    queues = dead_messages.QUEUES
    try:
        with redis_client(settings, timeout=STORE_PATIENCE) as client:
            pipeline = client.pipeline(transaction=False)
            pipeline.time()
            pipeline.info("memory")
            for queue in queues:
                pipeline.hlen(f"{NAMESPACE}:{queue}.msgs")
                pipeline.hlen(f"{NAMESPACE}:{queue}.DQ.msgs")
            for stream in streams:
                pipeline.xlen(stream)
                pipeline.xrange(stream, count=1)
            (seconds, micros), memory, *rest = pipeline.execute()
            dead = dead_messages.count(client)
    except (RedisError, OSError) as error:
        away["valkey"] = str(error) or "no answer in time"
        return None
    counts, waiting = rest[: 2 * len(queues)], rest[2 * len(queues) :]
    now = seconds + micros / 1e6
    return QueueState(
        sum(waiting[::2]),
        max((_age(oldest, now) for oldest in waiting[1::2]), default=0.0),
        dict(zip(queues, counts[::2], strict=True)),
        dict(zip(queues, counts[1::2], strict=True)),
        dead,
        memory["used_memory"],
    )


def _age(oldest: list[tuple[bytes, Any]], now: float) -> float:
    """Seconds since the first entry of a stream was put there: Valkey numbers entries by its clock."""
    return max(0.0, round(now - int(oldest[0][0].partition(b"-")[0]) / 1000, 3)) if oldest else 0.0


async def _store(database: Database, away: dict[str, str]) -> StoreState | None:
    try:
        async with asyncio.timeout(STORE_PATIENCE):
            return await database.probe(_read_store)
    except Exception as error:  # noqa: BLE001 - whatever it is, the database did not answer
        away["postgres"] = str(error) or "no answer in time"
        return None


def _read_store(conn: Conn) -> StoreState:
    return StoreState(health.counts(conn), intake.refusals(conn), health.size_bytes(conn))


def _disk(settings: Settings) -> Any:
    """The disk of DCM_HOME, or of the folder it will be in."""
    home = settings.home
    return shutil.disk_usage(next(folder for folder in (home, *home.parents) if folder.exists()))
