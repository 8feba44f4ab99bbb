"""From Postgres to the hub: what is notified, and after a lost connection what was kept meanwhile."""

import asyncio
import json
import logging
from datetime import datetime

from db.listen import listen
from db.pool import connect
from db.publish import CHANNEL, kept_after, newest_kept
from dcm.domain.errors import Unavailable
from dcm.domain.events import Event
from wsbridge.hub import Hub
from wsbridge.protocol import Told

logger = logging.getLogger("dcm.wsbridge")


class Relay:
    """Tells the hub each event once, in the order of commit."""

    def __init__(self, database_url: str, hub: Hub) -> None:
        self._database_url = database_url
        self._hub = hub
        self._last_id: int | None = None

    async def run(self) -> None:
        """Relay for ever."""
        async for payload in listen(self._database_url, CHANNEL, self._catch_up):
            self._tell(payload)

    def _tell(self, payload: str) -> None:
        try:
            frame = json.loads(payload)
            event_id = frame.get("event_id")
            told = Told(
                id=self._hub.next_id(event_id),
                channel=frame["channel"],
                event=frame["event"],
                data=frame["data"],
                timestamp=frame["timestamp"],
                event_id=event_id,
                session_id=frame.get("session_id"),
            )
        except (ValueError, KeyError, AttributeError):
            logger.warning("a notification could not be read: %.200s", payload)
            return
        if event_id is not None:
            if self._last_id is not None and event_id <= self._last_id:
                return
            self._last_id = event_id
        self._hub.tell(told)

    async def _catch_up(self) -> None:
        """Tell what was kept since the last event told; at the first connection, only learn where to begin."""
        try:
            missed = await asyncio.to_thread(self._read_missed)
        except Unavailable as error:
            logger.warning("what was missed could not be read: %s", error)
            return
        for event_id, event, at in missed:
            self._last_id = event_id
            self._hub.tell(self._kept(event_id, event, at))

    def _kept(self, event_id: int, event: Event, at: datetime) -> Told:
        timestamp = int(at.timestamp() * 1000)
        name = self._hub.next_id(event_id)
        return Told(name, event.channel, event.name, event.data, timestamp, event_id, event.session_id)

    def _read_missed(self) -> list[tuple[int, Event, datetime]]:
        with connect(self._database_url, "wsbridge") as conn:
            if self._last_id is None:
                self._last_id = newest_kept(conn)
                return []
            return kept_after(conn, self._last_id)
