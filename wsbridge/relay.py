"""From Postgres to the hub: what is notified, and after a lost connection what was kept meanwhile."""

import asyncio
import logging
from datetime import datetime

import orjson

from db.listen import listen
from db.pool import connect
from db.publish import CHANNEL, kept_after, kept_span, newest_given
from dcm.domain.errors import StartError
from dcm.domain.events import Event
from wsbridge.hub import Hub
from wsbridge.protocol import Told

logger = logging.getLogger("dcm.wsbridge")


PAGE = 500
"""Kept events told in one go while catching up: the clients' queues take several of them."""


class Relay:
    """Tells the hub each event once, in the order of commit."""

    def __init__(self, database_url: str, hub: Hub) -> None:
        self.database_url = database_url
        self.listening = asyncio.Event()
        self.began: int | None = None
        self.hub = hub
        self._last_id: int | None = None

    @property
    def position(self) -> int | None:
        """The kept event told last, or the one after which telling begins; None until the relay listens."""
        return self.began if self._last_id is None else self._last_id

    async def run(self) -> None:
        """Relay for ever."""
        async for payload in listen(self.database_url, CHANNEL, self._catch_up):
            await self._tell(payload)
            await asyncio.sleep(0)  # the clients' senders get their turn

    async def _tell(self, payload: str) -> None:
        try:
            told = self._told(payload)
        except (ValueError, TypeError, KeyError, AttributeError):
            logger.warning("a notification could not be read: %.200s", payload)
            return
        if told.event_id is not None and self._last_id is not None and told.event_id <= self._last_id:
            return
        await self.hub.knows([told])
        if told.event_id is not None:
            self._last_id = told.event_id
        self.hub.tell(told)

    def _told(self, payload: str) -> Told:
        frame = orjson.loads(payload)
        event_id, channel = frame.get("event_id"), frame["channel"]
        if not isinstance(event_id, int | None) or not isinstance(channel, str):
            raise TypeError(payload)
        name = self.hub.next_id(event_id)
        return Told(name, channel, frame["event"], frame["data"], frame["timestamp"], event_id, frame.get("session_id"))

    async def _catch_up(self) -> None:
        """Tell what was kept since the last event told; at the first connection, only learn where to begin."""
        while missed := await asyncio.to_thread(self._read_missed):
            await self.hub.knows(told := [self.kept(*each) for each in missed])
            for each in told:
                self._last_id = each.event_id
                self.hub.tell(each)
        self.listening.set()

    def kept(self, event_id: int, event: Event, at: datetime) -> Told:
        """A kept event as it is told."""
        timestamp = int(at.timestamp() * 1000)
        name = self.hub.next_id(event_id)
        return Told(name, event.channel, event.name, event.data, timestamp, event_id, event.session_id)

    def _read_missed(self) -> list[tuple[int, Event, datetime]]:
        after = self.position
        with connect(self.database_url, "wsbridge") as conn:
            if after is None:
                self.began = kept_span(conn)[1]
                return []
            if newest_given(conn) < after:
                raise StartError("The events of the database begin anew: the bridge starts again to tell them.")
            return kept_after(conn, after, PAGE)
