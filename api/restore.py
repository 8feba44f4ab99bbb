"""Answer a SessionStart that follows a compaction, from the brief that is ready or soon will be."""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Concatenate, ParamSpec, TypeVar

from api.ingest import Door
from api.summaries import beside_summary
from db import briefs, compactions
from db.briefs import Brief
from db.listen import listen
from db.pool import AWAY, Conn, Pool
from dcm.broker import DEFAULT, compacted_key, compaction_key
from dcm.domain.briefs import aged
from dcm.domain.compactions import RESUMED, Subject
from dcm.domain.hook_events import DOUBLE_FIRING, SAME_COMPACTION
from dcm.domain.streams import moment

logger = logging.getLogger("dcm.api")

Result = TypeVar("Result")
Parameters = ParamSpec("Parameters")

PATIENCE, LONGER = 2.0, 4.0
"""Seconds a SessionStart waits for its brief, in all, and a program that asks for one: its call has five."""


class Briefs:
    """Answers who asks for a brief, waiting for the one that is being made.

    - After a compaction (`of`): the brief made for it, once. Announcements close together are of one compaction
      unless it ended between them.
    - After one whose beginning was not seen, or whose brief was given long ago: one made for the question.
    - When that is not ready in time: the newest of the main conversation, with its age.
    - After a compaction that is or may be a subagent's: none; its boundary settles it.
    - A session that goes on (`resumed`): one made for the question, when there is news since the last was given.
    - A program (`fresh`): the same, which is not given to the conversation.
    """

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

    async def of(self, session_id: str, asked_at: datetime, transcript_path: str = "") -> str | None:
        """The brief for the compaction of a session's main conversation that has just ended, else None.

        It is empty for a session of which there is nothing to tell. `transcript_path`: where the client's summary of
        this compaction may stand already.
        """
        return await _unless_away(self._of_compaction(session_id, asked_at, transcript_path))

    async def resumed(self, session_id: str) -> str | None:
        """The brief for a session that goes on; None when nothing happened in it since it was last given one."""
        return await _unless_away(self._of_news(session_id))

    async def fresh(self, session_id: str, trigger: str, patience: float = LONGER) -> Brief | None:
        """A brief, and with it a snapshot, made of a session's events up to this moment; None without one in time."""
        if not await self._query(briefs.has_events, session_id):
            return None
        asked_at = datetime.now(UTC)
        self._door.ask(DEFAULT, "make_brief", session_id, asked_at.isoformat(), trigger)
        found = await self._wait(session_id, asked_at, patience, of_compactions=False)
        return found if found and found.made_for >= asked_at else None

    async def _of_news(self, session_id: str) -> str | None:
        if not await self._query(briefs.has_news, session_id):
            return None
        found = await self.fresh(session_id, RESUMED, PATIENCE)
        if found is None or not await self._query(_give, session_id, found):
            return None
        return found.content or None

    async def _of_compaction(self, session_id: str, asked_at: datetime, transcript_path: str) -> str | None:
        since = await self._since(session_id)
        known = await self._query(briefs.newest, session_id, of_compactions=True) if since else None
        if since and known and known.made_for >= since and known.given_at:
            if asked_at - known.given_at < DOUBLE_FIRING:
                return None
            since = None
        if since is None:
            self._door.ask(DEFAULT, "make_brief", session_id, asked_at.isoformat(), "auto")
        wanted = since or asked_at
        found = await self._wait(session_id, wanted, PATIENCE, of_compactions=True)
        if found is None or found.made_for < wanted:
            return await self._query(_older, session_id, wanted)
        if found.subject != Subject.MAIN or not await self._query(_give, session_id, found):
            return None
        return await self._query(beside_summary, session_id, found, transcript_path)

    async def _since(self, session_id: str) -> datetime | None:
        """The moment from which on a brief is of a session's newest compaction; None when its beginning was not seen.

        It may be announced more than once, but not before the one before it ended.
        """
        began, ended = await self._moment(compaction_key(session_id)), await self._moment(compacted_key(session_id))
        if began is None:
            return None
        announced = began - SAME_COMPACTION
        return max(announced, ended) if ended and ended < began else announced

    async def _moment(self, key: str) -> datetime | None:
        mark = await self._door.mark(key)
        return moment(mark) if mark else None

    async def _query(
        self,
        query: Callable[Concatenate[Conn, Parameters], Result],
        *arguments: Parameters.args,
        **named: Parameters.kwargs,
    ) -> Result:
        def run() -> Result:
            with self._pool.connection() as conn:
                return query(conn, *arguments, **named)

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)

    async def _wait(self, session_id: str, wanted: datetime, patience: float, *, of_compactions: bool) -> Brief | None:
        """The newest brief, as soon as it is not older than is wanted, and at the latest when patience ends."""
        ready = asyncio.Event()
        self._waiting[session_id].add(ready)
        found = None
        try:
            async with asyncio.timeout(patience):
                while True:
                    ready.clear()
                    found = await self._query(briefs.newest, session_id, of_compactions=of_compactions) or found
                    if found and found.made_for >= wanted:
                        return found
                    await ready.wait()
        except TimeoutError:
            return found
        finally:
            self._waiting[session_id].discard(ready)
            if not self._waiting[session_id]:
                del self._waiting[session_id]


async def _unless_away(answer: Awaitable[str | None]) -> str | None:
    try:
        return await answer
    except AWAY as error:
        logger.warning("no brief: the database did not answer: %s", error)
        return None


def _give(conn: Conn, session_id: str, brief: Brief) -> bool:
    """Note that the brief is given; False when it was, or when a compaction that overlaps may be the one meant."""
    running = compactions.running(conn, session_id, brief.made_for)
    if running.others and running.subagents:
        return False
    return compactions.give(conn, session_id, brief.made_for)


def _older(conn: Conn, session_id: str, wanted: datetime) -> str | None:
    """The newest brief of the main conversation, with its age; None when a subagent may be the one that asks."""
    if compactions.running(conn, session_id, wanted).subagents:
        return None
    found = briefs.newest(conn, session_id, main_only=True)
    if found is None or not found.content:
        return None
    compactions.mark_told(conn, session_id, found.made_for)
    return aged(found.content, found.made_for, datetime.now(UTC))
