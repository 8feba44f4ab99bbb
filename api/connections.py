"""Connections from other machines: how many there are at once, and for how long one may be silent.

Programs of this machine keep theirs as they like: hooks must find a place whatever comes from elsewhere.
"""

import asyncio
import contextlib
import resource
from collections import Counter
from typing import Any, Protocol

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers import gasgi

from dcm.domain import access

DESCRIPTORS = 65_536
"""Open files, and with them connections, of a process, where the system allows as many."""

MOST_OF_ADDRESS = 512
"""Connections of one address beyond loopback."""

FIRST_S, KEPT_S = 10.0, 75.0
"""Seconds from a connection to the end of its first request's headers, and from an answer to those of the next."""

LOOK_EVERY_S = 1.0


class Silent(Protocol):
    """A connection that may be waiting for its client."""

    def is_waiting(self) -> bool:
        """Whether it has no request to answer."""

    def cut(self) -> None:
        """End it."""


class Strangers:
    """The connections from beyond loopback. `room` is how many there may be in all, the rest is for this machine."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._places: Counter[str] = Counter()
        self._until: dict[Silent, float] = {}

    def enter(self, connection: Silent, place: str, now: float) -> bool:
        """Take a connection in; False when there are too many, of its place or in all."""
        if len(self._until) >= self._room or self._places[place] >= MOST_OF_ADDRESS:
            return False
        self._places[place] += 1
        self._until[connection] = now + FIRST_S
        return True

    def leave(self, connection: Silent, place: str) -> None:
        """Forget a connection that was taken in."""
        del self._until[connection]
        self._places -= Counter([place])

    def look(self, now: float) -> None:
        """Cut those that were silent for too long; one that has a request may be silent anew after it."""
        for connection, until in list(self._until.items()):
            if not connection.is_waiting():
                self._until[connection] = now + KEPT_S
            elif now >= until:
                connection.cut()


class Connection(ASGIProtocol):  # type: ignore[misc] # gunicorn has no types
    """gunicorn's, which takes any number and waits for each for ever."""

    _place: str | None = None
    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin, or end at once where there are too many."""
        peer = transport.get_extra_info("peername")
        address = str(peer[0]) if peer else ""
        if access.is_loopback(address):
            super().connection_made(transport)
            return
        place = access.neighbourhood(address)
        if self.worker.strangers.enter(self, place, self.worker.loop.time()):
            self._place = place
            super().connection_made(transport)
        else:
            self._refused = True
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """End, and make room."""
        if self._place is not None:
            self.worker.strangers.leave(self, self._place)
            self._place = None
        if not self._refused:
            super().connection_lost(exc)

    def is_waiting(self) -> bool:
        """Whether it has no request to answer."""
        return self._current_request is None

    def cut(self) -> None:
        """End it."""
        self.transport.abort()


class Worker(gasgi.ASGIWorker):  # type: ignore[misc] # gunicorn has no types
    """gunicorn's, with bounds to what comes from other machines."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self.strangers = Strangers((DESCRIPTORS if soft == resource.RLIM_INFINITY else soft) // 2)

    async def _serve(self) -> None:
        gasgi.ASGIProtocol = Connection  # the name by which gunicorn makes one for each connection
        looking = asyncio.ensure_future(self._look())
        try:
            await super()._serve()
        finally:
            looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await looking

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.strangers.look(self.loop.time())


def raise_limit() -> None:
    """Let this process, and those it starts, open as many files as the system allows, up to a bound."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
