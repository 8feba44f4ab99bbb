"""Who wants which channel, and a bounded queue for each client, so that a slow one never slows another."""

import asyncio
import itertools
import secrets
import time
from collections import defaultdict
from dataclasses import dataclass, field

from wsbridge.protocol import Told, write

QUEUE_LIMIT = 2000
"""Frames that wait for a client before it counts as too slow."""

GLOBAL = "global"


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


@dataclass(eq=False, slots=True)
class Client:
    """A connected client: its channels, and the frames that wait to be sent."""

    id: str
    queue: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(QUEUE_LIMIT))
    channels: set[str] = field(default_factory=set)
    heard_at: float = field(default_factory=time.monotonic)
    too_slow: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, text: str) -> None:
        """Queue a frame; a client whose queue is full is marked as too slow and gets no more."""
        if self.too_slow.is_set():
            return
        try:
            self.queue.put_nowait(text)
        except asyncio.QueueFull:
            self.too_slow.set()


class Hub:
    """All connected clients by channel."""

    def __init__(self) -> None:
        self.clients: set[Client] = set()
        self._by_channel: defaultdict[str, set[Client]] = defaultdict(set)
        self._numbers = itertools.count(1)
        self._run = secrets.token_hex(3)

    def join(self) -> Client:
        """A new client, on the channel `global`."""
        client = Client(f"ws_{now_ms():x}_{secrets.token_hex(3)}")
        self.clients.add(client)
        self.subscribe(client, GLOBAL)
        return client

    def leave(self, client: Client) -> None:
        """Forget a client."""
        self.clients.discard(client)
        for channel in list(client.channels):
            self.unsubscribe(client, channel)

    def subscribe(self, client: Client, channel: str) -> None:
        """Send a client what is told on a channel."""
        client.channels.add(channel)
        self._by_channel[channel].add(client)

    def unsubscribe(self, client: Client, channel: str) -> None:
        """Stop sending it."""
        client.channels.discard(channel)
        self._by_channel[channel].discard(client)
        if not self._by_channel[channel]:
            del self._by_channel[channel]

    def channel_stats(self) -> dict[str, int]:
        """{channel: clients}."""
        return {channel: len(clients) for channel, clients in sorted(self._by_channel.items())}

    def tell(self, told: Told) -> None:
        """Send to everybody on the event's channel, on `global` and on its session's, each client once per channel."""
        channels = [told.channel]
        if told.channel != GLOBAL:
            channels.append(GLOBAL)
        if told.session_id:
            channels.append(f"sessions/{told.session_id}")
        for channel in dict.fromkeys(channels):
            clients = self._by_channel.get(channel)
            if clients:
                text = write(self._on(told, channel))
                for client in clients:
                    client.send(text)

    def _on(self, told: Told, channel: str) -> Told:
        return Told(told.id, channel, told.event, told.data, told.timestamp, told.event_id)

    def next_id(self, event_id: int | None) -> str:
        """The id of a frame: the same for a kept event whoever sends it, else one of this run."""
        return f"msg_{event_id}" if event_id is not None else f"msg_{self._run}_{next(self._numbers)}"
