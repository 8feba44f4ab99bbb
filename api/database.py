"""Reads and writes on a connection in a thread, so that a slow page never delays a hook."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from api.ingest import Door
from db.pool import Conn, Pool

Result = TypeVar("Result")


class Database:
    """Runs functions of a connection."""

    def __init__(self, pool: Pool, threads: ThreadPoolExecutor, door: Door) -> None:
        self._pool = pool
        self._threads = threads
        self._door = door

    async def read(self, query: Callable[[Conn], Result]) -> Result:
        """What the query gives; a tool call that was accepted a moment ago is waited for."""
        await self._door.settled()
        return await self._in_thread(self._run, query)

    async def probe(self, query: Callable[[Conn], Result]) -> Result:
        """What the query gives, whatever waits to be written."""
        return await self._in_thread(self._run, query)

    async def write(self, change: Callable[[Conn], Result]) -> Result:
        """What the change gives, once it is committed; an error takes all of it back."""
        await self._door.settled()
        return await self._in_thread(self._run_in_transaction, change)

    async def _in_thread(self, work: Callable[..., Result], *arguments: object) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    def _run(self, query: Callable[[Conn], Result]) -> Result:
        with self._pool.connection() as conn:
            return query(conn)

    def _run_in_transaction(self, change: Callable[[Conn], Result]) -> Result:
        with self._pool.connection() as conn, conn.transaction():
            return change(conn)
