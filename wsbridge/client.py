"""A connected client: who it is, what waits to be sent to it, and what it has heard."""

import asyncio
import time
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field

from wsbridge.deliveries import Deliveries
from wsbridge.protocol import ACKNOWLEDGED, Position, Told

QUEUE_LIMIT = 2000
"""Frames that wait for a client before it counts as too slow."""


@dataclass(slots=True)
class Heard:
    """The kept events a client was told on a channel: all of them from the first id to the last."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Missed:
    """What a client wants to be told: all that was kept after an event, on some channels."""

    after: Position
    channels: frozenset[str]


@dataclass(eq=False, slots=True)
class Client:
    """A connected client: who it is, its channels, and the frames that wait to be sent.

    `held` is a list while the client is told what it missed: what happens meanwhile waits there. `held_after` is
    the event told last before that; None when the relay had not begun. `shown` and `signed_at` are what it proves to be
    an agent with: the digests of what its handshake presented, and when the token was signed that it entered with.
    """

    id: str
    queue: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(QUEUE_LIMIT))
    channels: set[str] = field(default_factory=set)
    heard_at: float = field(default_factory=time.monotonic)
    too_slow: asyncio.Event = field(default_factory=asyncio.Event)
    deliveries: Deliveries = field(default_factory=Deliveries)
    agent_id: str = ""
    session_id: str = ""
    authenticated: bool = False
    shown: tuple[bytes, ...] = ()
    signed_at: int | None = None
    missed: deque[Missed] = field(default_factory=deque)
    held: list[tuple[Told, str]] | None = None
    held_after: int | None = None
    heard: dict[str, Heard] = field(default_factory=dict)

    def send(self, text: str) -> None:
        """Queue a frame; a client whose queue is full is marked as too slow and gets no more."""
        if self.too_slow.is_set():
            return
        try:
            self.queue.put_nowait(text)
        except asyncio.QueueFull:
            self.too_slow.set()

    def tell(self, told: Told, text: str) -> None:
        """Queue an event it has not heard, and wait for its acknowledgement where one is expected."""
        if self.held is not None:
            self._hold(told, text)
        elif self._is_new(told):
            self.send(text)
            self._await_ack(told, text)

    def _hold(self, told: Told, text: str) -> None:
        assert self.held is not None
        self.held.append((told, text))
        if len(self.held) > QUEUE_LIMIT:
            self.too_slow.set()

    async def release(self) -> None:
        """Queue what is held by now, and wait where the queue has no room."""
        held, self.held = self.held or [], []
        for told, text in held:
            if told.channel in self.channels and self._is_new(told):
                await self.queue.put(text)
                self._await_ack(told, text)

    def _await_ack(self, told: Told, text: str) -> None:
        if told.event.startswith(ACKNOWLEDGED):
            self.deliveries.sent(told.id, told.channel, text)

    def _is_new(self, told: Told) -> bool:
        """Take note of a kept event; those of a channel come in the order of their ids."""
        if told.event_id is None:
            return True
        heard = self.heard.setdefault(told.channel, Heard(told.event_id, told.event_id - 1))
        if told.event_id <= heard.last:
            return False
        heard.last = told.event_id
        return True

    def lacks(self, channel: str, event_id: int) -> bool:
        """Whether a kept event was not told on a channel: it is older, or so new that it is held."""
        heard = self.heard.get(channel)
        return heard is None or not heard.first <= event_id <= heard.last

    def caught_up(self, channels: Collection[str], after: int, last: int) -> None:
        """Take note that all that was kept after one event, up to another, was told on these channels."""
        for channel in channels:
            heard = self.heard.setdefault(channel, Heard(after + 1, last))
            heard.first, heard.last = min(heard.first, after + 1), max(heard.last, last)

    def left(self, channel: str) -> None:
        """Forget what concerns a channel."""
        self.channels.discard(channel)
        self.heard.pop(channel, None)
        self.deliveries.left(channel)
