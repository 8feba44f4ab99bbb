"""Hear what Postgres tells: one asynchronous connection that comes back by itself."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import psycopg

from dcm.domain.errors import Unavailable

logger = logging.getLogger(__name__)

QUIET_CHECK = 15.0
"""Seconds of silence after which the connection is asked whether it lives."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between tries to reconnect: doubling from the first to the longest."""


async def listen(
    database_url: str, channel: str, ready: Callable[[], Awaitable[None]] | None = None
) -> AsyncIterator[str]:
    """The payloads notified on a channel, for ever.

    `ready` runs on every (re)connect, after LISTEN took effect: there a caller reads what it missed. When
    it finds Postgres away, the connection is made anew.
    """
    pause = FIRST_PAUSE
    while True:
        try:
            connection = await psycopg.AsyncConnection.connect(
                database_url, autocommit=True, connect_timeout=5, application_name=f"dcm listen {channel}"
            )
            async with connection:
                await connection.execute(f'LISTEN "{channel}"')
                if ready is not None:
                    await ready()
                pause = FIRST_PAUSE
                async for payload in _heard(connection):
                    yield payload
        except (psycopg.OperationalError, Unavailable) as error:
            logger.warning("listen: lost Postgres (%s), next try in %.1f s", _first_line(error), pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


async def _heard(connection: psycopg.AsyncConnection[tuple[object, ...]]) -> AsyncIterator[str]:
    while True:
        async with contextlib.aclosing(connection.notifies(timeout=QUIET_CHECK)) as notifications:
            async for notification in notifications:
                yield notification.payload
        await connection.execute("SELECT 1")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
