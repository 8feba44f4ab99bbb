"""Answer a SessionStart that follows a compaction, from the brief that is ready or soon will be."""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar

from api.ingest import Door
from db import briefs, compactions
from db.briefs import Brief
from db.listen import listen
from db.pool import AWAY, Pool
from dcm.broker import DEFAULT, compaction_key
from dcm.domain.briefs import aged
from dcm.domain.compactions import RESUMED, Subject
from dcm.domain.hook_events import DOUBLE_FIRING, SAME_COMPACTION
from dcm.domain.streams import moment

logger = logging.getLogger("dcm.api")

Result = TypeVar("Result")

PATIENCE, LONGER = 2.0, 4.0
"""Seconds a SessionStart waits for its brief, in all, and a program that asks for one: its call has five."""


class Briefs:
    """The briefs of compactions that are under way."""

    def __init__(self, database_url: str, pool: Pool, door: Door, threads: ThreadPoolExecutor) -> None:
        self._database_url = database_url
        self._pool = pool
        self._door = door
        self._threads = threads
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._listener: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to hear of briefs that get ready."""
        self._listener = asyncio.create_task(self._listen())

    async def stop(self) -> None:
        """Stop hearing."""
        if self._listener:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener

    async def _listen(self) -> None:
        async for session_id in listen(self._database_url, briefs.READY, self._look_again):
            for event in self._waiting.get(session_id, ()):
                event.set()

    async def _look_again(self) -> None:
        for events in self._waiting.values():
            for event in events:
                event.set()

    async def of(self, session_id: str, asked_at: datetime) -> str | None:
        """The brief for the compaction of a session's main conversation that has just ended, else None.

        It is empty for a session of which there is nothing to tell.

        It waits for the one being made; when time is up it gives the newest there is and says its age.
        A subagent's compaction, or one that may be, gets none here: its boundary settles it.
        """
        try:
            return await self._answer(session_id, asked_at)
        except AWAY as error:
            logger.warning("no brief: the database did not answer: %s", error)
            return None

    async def resumed(self, session_id: str, asked_at: datetime) -> str | None:
        """The brief for a session that goes on; None when nothing happened in it since it was last given one."""
        try:
            if not await self._in_thread(self._has_news, session_id) or not await self.fresh(
                session_id, RESUMED, PATIENCE
            ):
                return None
            found = await self._in_thread(self._read, session_id)
            if found is None or found.made_for < asked_at or not await self._in_thread(self._give, session_id, found):
                return None
        except AWAY as error:
            logger.warning("no brief: the database did not answer: %s", error)
            return None
        return found.content or None

    async def fresh(self, session_id: str, trigger: str, patience: float = LONGER) -> bool:
        """Have a brief and a snapshot made of a session's events up to this moment; False when it has none in time."""
        if not await self._in_thread(self._has_events, session_id):
            return False
        asked_at = datetime.now(UTC)
        self._door.ask(DEFAULT, "make_brief", session_id, asked_at.isoformat(), trigger)
        found = await self._wait(session_id, asked_at, self._read, patience)
        return found is not None and found.made_for >= asked_at

    def _has_news(self, session_id: str) -> bool:
        with self._pool.connection() as conn:
            return briefs.has_news(conn, session_id)

    def _has_events(self, session_id: str) -> bool:
        with self._pool.connection() as conn:
            return briefs.has_events(conn, session_id)

    async def _answer(self, session_id: str, asked_at: datetime) -> str | None:
        began = await self._began(session_id)
        known = await self._in_thread(self._of_compaction, session_id) if began else None
        if began and known and known.made_for >= began - SAME_COMPACTION and known.given_at:
            if asked_at - known.given_at < DOUBLE_FIRING:
                return None
            began = None
        if began is None:
            self._door.ask(DEFAULT, "make_brief", session_id, asked_at.isoformat(), "auto")
        wanted = began - SAME_COMPACTION if began else asked_at
        found = await self._wait(session_id, wanted, self._of_compaction)
        if found is None or found.made_for < wanted:
            return await self._in_thread(self._older, session_id, wanted)
        if found.subject != Subject.MAIN or not await self._in_thread(self._give, session_id, found):
            return None
        return found.content

    async def _began(self, session_id: str) -> datetime | None:
        """When the session's newest compaction began, as its PreCompact was stamped."""
        mark = await self._door.mark(compaction_key(session_id))
        return moment(mark) if mark else None

    def _give(self, session_id: str, brief: Brief) -> bool:
        """Note that the brief is given; False when it was, or when a compaction that overlaps may be the one meant."""
        with self._pool.connection() as conn:
            running = compactions.running(conn, session_id, brief.made_for)
            if running.others and running.subagents:
                return False
            return compactions.give(conn, session_id, brief.made_for)

    def _older(self, session_id: str, wanted: datetime) -> str | None:
        """The newest brief of the main conversation, with its age; None when a subagent may be the one that asks."""
        with self._pool.connection() as conn:
            if compactions.running(conn, session_id, wanted).subagents:
                return None
            found = briefs.newest(conn, session_id, main_only=True)
            if found:
                compactions.mark_told(conn, session_id, found.made_for)
        return aged(found.content, found.made_for, datetime.now(UTC)) if found and found.content else None

    async def _in_thread(self, work: Callable[..., Result], *arguments: object) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    async def _wait(
        self, session_id: str, wanted: datetime, read: Callable[[str], Brief | None], patience: float = PATIENCE
    ) -> Brief | None:
        ready = asyncio.Event()
        self._waiting[session_id].add(ready)
        found = None
        try:
            async with asyncio.timeout(patience):
                while True:
                    ready.clear()
                    found = await self._in_thread(read, session_id) or found
                    if found and found.made_for >= wanted:
                        return found
                    await ready.wait()
        except TimeoutError:
            return found
        finally:
            self._waiting[session_id].discard(ready)
            if not self._waiting[session_id]:
                del self._waiting[session_id]

    def _read(self, session_id: str) -> Brief | None:
        with self._pool.connection() as conn:
            return briefs.newest(conn, session_id)

    def _of_compaction(self, session_id: str) -> Brief | None:
        with self._pool.connection() as conn:
            return briefs.newest(conn, session_id, of_compactions=True)
