"""What becomes of an event: sent at once where the server is there, kept where it is not, sent later in order.

An event that was answered is at the server or in the spool. It goes with the time it came, so the server knows one that
it is sent twice. The events of a session keep their order: while any of them waits, the next waits behind it.
"""

import asyncio
import logging
import math
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from dcm.domain.claude_settings import ENDPOINT
from dcm.domain.errors import Unavailable
from dcm.domain.hook_answers import JSON, complaint, passed_on
from dcm.domain.relayed import NO_ANSWER, TIME_HEADER, Record, patience
from dcm.relay.spool import Segment, Spool, sync
from dcm.relay.upstream import Away, Reply, Upstream

logger = logging.getLogger("dcm.relay")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
"""Seconds without a try after one that failed: doubling, at most."""

LATE_SECONDS = 10.0
"""Seconds for which the answer to an event that waited is waited for; nobody else does."""

AT_ONCE = 8
"""Sessions whose events are sent at the same time."""

SYNC_SECONDS = 1.0
"""What was kept is on the disk after this long."""

REFUSED = frozenset({400, 413, 422})
"""Answers to what the server will never take; to send it again is no use."""

NOTHING = Reply(200, JSON, b"{}")
"""The answer to a hook whose event is kept for later."""


@dataclass(slots=True)
class _Lane:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class Forwarding:
    """Takes events and sees that the server gets them."""

    def __init__(self, upstream: Upstream, spool: Spool, note: Callable[[Mapping[str, Any]], None]) -> None:
        self.upstream, self.spool, self._note = upstream, spool, note
        self.forwarded = self.refused = 0
        self.away_since: float | None = None
        self.reason = ""
        self._pause = FIRST_PAUSE
        self._next_try = 0.0
        self._lanes: defaultdict[str, _Lane] = defaultdict(_Lane)
        self._kept = asyncio.Event()
        if spool.count:
            self._kept.set()

    async def take(self, payload: Mapping[str, Any], body: bytes) -> Reply:
        """Take a checked payload; answers what the server says, or nothing where it does not say it in time.

        Raises:
            Unavailable: neither the server nor the spool took it.
        """
        until = time.monotonic() + patience(payload)
        self._note(payload)
        record = Record(time.time_ns() // 1000, payload["session_id"], payload["hook_event_name"], body)
        async with self._lane(record.session_id):
            if self.away_since is None and not self.spool.holds(record.session_id):
                try:
                    return _passed_on(record.event, await self._send(record, until - time.monotonic()))
                except Away as error:
                    self._note_away(error)
            if not self.spool.append(record):
                raise Unavailable(f"The server is away, and the event could not be kept: {self.spool.dropped_why}.")
            self._kept.set()
        return NOTHING

    async def run(self) -> None:
        """Send what is kept, whenever there is some and the server may be there; for ever."""
        while True:
            await self._kept.wait()
            await asyncio.sleep(max(0.0, self._next_try - time.monotonic()))
            found = self.spool.oldest()
            if found is None:
                self._kept.clear()
                continue
            await self._send_all(*found)

    async def sync(self) -> None:
        """Bring what is kept to the disk, every second; for ever."""
        while True:
            await asyncio.sleep(SYNC_SECONDS)
            if descriptors := self.spool.unsynced():
                await asyncio.to_thread(sync, descriptors)

    async def _send_all(self, segment: Segment, records: Sequence[Record]) -> None:
        """Send all of a file, a session's events one after the other, until it is done; then forget it."""
        left: dict[str, list[Record]] = {}
        for record in reversed(records):
            left.setdefault(record.session_id, []).append(record)
        places = asyncio.Semaphore(AT_ONCE)
        while left:
            await asyncio.sleep(max(0.0, self._next_try - time.monotonic()))
            first = next(reversed(left))
            if await self._send_late(left[first][-1]):
                left[first].pop()
                await asyncio.gather(*(self._send_session(rest, places) for rest in left.values()))
                left = {session_id: rest for session_id, rest in left.items() if rest}
        self.spool.forget(segment)

    async def _send_session(self, records: list[Record], places: asyncio.Semaphore) -> None:
        """Send the last of these, then the one before it; what is left stays in the list."""
        async with places:
            while records and self.away_since is None and await self._send_late(records[-1]):
                records.pop()

    async def _send_late(self, record: Record) -> bool:
        try:
            reply = await self._send(record, LATE_SECONDS, NO_ANSWER)
        except Away as error:
            self._note_away(error)
            return False
        if reply.status in REFUSED:
            logger.error("the server refused an event that waited: %s", reply.body[:300].decode("utf-8", "replace"))
        self.spool.sent(record)
        return True

    async def _send(self, record: Record, seconds: float, *headers: tuple[str, str]) -> Reply:
        """Send one; the answer is of a server that took it, or will never take it.

        Raises:
            Away: the server did not take it.
        """
        told = [("Content-Type", "application/json"), (TIME_HEADER, record.time), *headers]
        reply = await self.upstream.ask("POST", ENDPOINT, told, record.body, max(seconds, 0.0))
        if reply.status in REFUSED:
            self.refused += 1
        elif reply.status != 200:
            raise Away(_said(reply), _pause(reply))
        else:
            self.forwarded += 1
        if self.reason:
            logger.warning("%s takes events again; %d wait", self.upstream.server, self.spool.count)
        self.away_since, self.reason, self._pause = None, "", FIRST_PAUSE
        return reply

    def _note_away(self, error: Away) -> None:
        """Send nothing for a moment; a server that only asks for that is not said to be away."""
        now = time.monotonic()
        self.away_since = self.away_since or time.time()
        if error.pause is not None:
            self._next_try = now + error.pause
            return
        if not self.reason:
            logger.error("%s does not take events: %s. They are kept here and sent later.", self.upstream.server, error)
        self.reason = str(error)
        self._next_try = now + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    @asynccontextmanager
    async def _lane(self, session_id: str) -> AsyncIterator[None]:
        """One event of a session at a time, in the order in which they came."""
        lane = self._lanes[session_id]
        lane.users += 1
        try:
            async with lane.lock:
                yield
        finally:
            lane.users -= 1
            if not lane.users:
                del self._lanes[session_id]


def _passed_on(event: str, reply: Reply) -> Reply:
    """What of an answer reaches Claude Code."""
    if reply.status != 200:
        return Reply(reply.status, JSON, complaint(reply.body))
    return Reply(200, *passed_on(event, reply.content_type, reply.body))


def _said(reply: Reply) -> str:
    if reply.status in {401, 403}:
        return f"it refuses our token ({reply.status}): give another by DCM_TOKEN, or in the file of DCM_TOKEN_FILE"
    if reply.status == 404:
        return "there is no DCM at that address (404)"
    return f"it answers {reply.status}: {reply.body[:200].decode('utf-8', 'replace')}"


def _pause(reply: Reply) -> float | None:
    """Seconds after which a server that is asked too often wants to be asked again."""
    if reply.status != 429:
        return None
    try:
        seconds = float(reply.retry_after)
    except ValueError:
        return FIRST_PAUSE
    return FIRST_PAUSE if math.isnan(seconds) else min(max(seconds, 0.05), LONGEST_PAUSE)
