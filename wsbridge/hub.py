"""Who wants which channel, and a bounded queue for each client, so that a slow one never slows another."""

import asyncio
import itertools
import secrets
import time
from collections import OrderedDict, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from wsbridge.deliveries import Deliveries
from wsbridge.protocol import ACKNOWLEDGED, SESSION_CHANNEL, Told, write

QUEUE_LIMIT = 2000
"""Frames that wait for a client before it counts as too slow."""

REMEMBERED_AGENTS = 10_000
"""Agents whose channels are remembered for when they come back; the longest unseen are forgotten first."""

GLOBAL = "global"


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


@dataclass(eq=False, slots=True)
class Client:
    """A connected client: who it is, its channels, and the frames that wait to be sent.

    `held` is a list while the client is told what it missed: what happens meanwhile waits there.
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
    held: list[tuple[Told, str]] | None = None

    def send(self, text: str) -> None:
        """Queue a frame; a client whose queue is full is marked as too slow and gets no more."""
        if self.too_slow.is_set():
            return
        try:
            self.queue.put_nowait(text)
        except asyncio.QueueFull:
            self.too_slow.set()

    def tell(self, told: Told, text: str) -> None:
        """Queue an event, and wait for its acknowledgement where one is expected."""
        if self.held is not None:
            self._hold(told, text)
            return
        self.send(text)
        if told.event.startswith(ACKNOWLEDGED):
            self.deliveries.sent(told.id, told.channel, text)

    def _hold(self, told: Told, text: str) -> None:
        assert self.held is not None
        self.held.append((told, text))
        if len(self.held) > QUEUE_LIMIT:
            self.too_slow.set()


class Hub:
    """All connected clients by channel."""

    def __init__(self) -> None:
        self.clients: set[Client] = set()
        self._by_channel: defaultdict[str, set[Client]] = defaultdict(set)
        self._remembered: OrderedDict[str, set[str]] = OrderedDict()
        self._numbers = itertools.count(1)
        self._run = secrets.token_hex(3)

    def join(self) -> Client:
        """A new client, on the channel `global`."""
        client = Client(f"ws_{now_ms():x}_{secrets.token_hex(3)}")
        self.clients.add(client)
        self.subscribe(client, GLOBAL)
        return client

    def leave(self, client: Client) -> None:
        """Forget a client; the channels of its agent are remembered."""
        self.clients.discard(client)
        for channel in list(client.channels):
            self._drop(client, channel)

    def subscribe(self, client: Client, channel: str) -> None:
        """Send a client what is told on a channel."""
        client.channels.add(channel)
        self._by_channel[channel].add(client)
        if client.agent_id:
            self._remember(client.agent_id, client.channels)

    def unsubscribe(self, client: Client, channel: str) -> None:
        """Stop sending it."""
        self._drop(client, channel)
        if client.agent_id:
            self._remember(client.agent_id, client.channels)

    def remembered(self, agent_id: str) -> Collection[str]:
        """The channels an agent had."""
        return set(self._remembered.get(agent_id, ()))

    def _remember(self, agent_id: str, channels: Collection[str]) -> None:
        self._remembered[agent_id] = set(channels)
        self._remembered.move_to_end(agent_id)
        if len(self._remembered) > REMEMBERED_AGENTS:
            self._remembered.popitem(last=False)

    def _drop(self, client: Client, channel: str) -> None:
        client.channels.discard(channel)
        self._by_channel[channel].discard(client)
        if not self._by_channel[channel]:
            del self._by_channel[channel]

    def channel_stats(self) -> dict[str, int]:
        """{channel: clients}."""
        return {channel: len(clients) for channel, clients in sorted(self._by_channel.items())}

    def wanted(self, channel: str) -> bool:
        """Whether anybody is on a channel."""
        return bool(self._by_channel.get(channel))

    def pending_deliveries(self) -> int:
        """Frames that are not acknowledged."""
        return sum(len(client.deliveries.waiting) for client in self.clients)

    def tell(self, told: Told) -> None:
        """Send to everybody on the event's channel, on `global` and on its session's, each client once per channel."""
        for channel in channels_of(told):
            self.tell_channel(replace(told, channel=channel))

    def tell_channel(self, told: Told) -> int:
        """Send to everybody on the event's channel and nowhere else; to how many."""
        clients = self._by_channel.get(told.channel)
        if not clients:
            return 0
        text = written(told)
        for client in clients:
            client.tell(told, text)
        return len(clients)

    def next_id(self, event_id: int | None) -> str:
        """The id of a frame: the same for a kept event whoever sends it, else one of this run."""
        return f"msg_{event_id}" if event_id is not None else f"msg_{self._run}_{next(self._numbers)}"


def channels_of(told: Told) -> list[str]:
    """The channels an event is told on, each once."""
    channels = [told.channel, GLOBAL, *([f"{SESSION_CHANNEL}{told.session_id}"] if told.session_id else [])]
    return list(dict.fromkeys(channels))


def written(told: Told) -> str:
    """The text of an event; whose session it is of stands in its data."""
    return write(replace(told, session_id=None))
