"""Who wants which channel, and what is remembered of agents that come back."""

import itertools
import secrets
import time
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace

from wsbridge.claims import Claims
from wsbridge.client import Client
from wsbridge.protocol import AGENT_CHANNEL, MAIL, SESSION_CHANNEL, Told, write

MOST_CHANNELS = 500
"""Channels of one client, and of one agent that are remembered."""

REMEMBERED_AGENTS = 1000
"""Agents whose channels are remembered for when they come back; the longest unseen are forgotten first."""

GLOBAL = "global"


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class Hub:
    """All connected clients by channel; without `claims` no agent has a credential."""

    def __init__(self, claims: Claims | None = None) -> None:
        self._claims = claims
        self.clients: set[Client] = set()
        self._by_channel: defaultdict[str, set[Client]] = defaultdict(set)
        self._remembered: OrderedDict[str, dict[str, None]] = OrderedDict()
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

    def has_room(self, client: Client, channels: Collection[str]) -> bool:
        """Whether a client may be on these channels too."""
        return len(client.channels.union(channels)) <= MOST_CHANNELS

    def subscribe(self, client: Client, channel: str) -> bool:
        """Send a client what is told on a channel; False when it has too many channels already."""
        if not self.has_room(client, [channel]):
            return False
        client.channels.add(channel)
        self._by_channel[channel].add(client)
        if client.agent_id:
            self._remember(client.agent_id, channel)
        return True

    def unsubscribe(self, client: Client, channel: str) -> None:
        """Stop sending it, and forget it for the client's agent."""
        self._drop(client, channel)
        self._remembered.get(client.agent_id, {}).pop(channel, None)

    def remembered(self, agent_id: str) -> Collection[str]:
        """The channels an agent had."""
        return list(self._remembered.get(agent_id, ()))

    def _remember(self, agent_id: str, channel: str) -> None:
        channels = self._remembered.setdefault(agent_id, {})
        channels[channel] = None
        if len(channels) > MOST_CHANNELS:
            del channels[next(iter(channels))]
        self._remembered.move_to_end(agent_id)
        if len(self._remembered) > REMEMBERED_AGENTS:
            self._remembered.popitem(last=False)

    def _drop(self, client: Client, channel: str) -> None:
        client.left(channel)
        if channel in self._by_channel:
            self._by_channel[channel].discard(client)
            if not self._by_channel[channel]:
                del self._by_channel[channel]

    def channel_stats(self) -> dict[str, int]:
        """{channel: clients}."""
        return {channel: len(clients) for channel, clients in sorted(self._by_channel.items())}

    def wanted(self, channel: str) -> bool:
        """Whether anybody is on a channel."""
        return channel in self._by_channel

    def pending_deliveries(self) -> int:
        """Messages that are not acknowledged, counted for each client."""
        return sum(len(client.deliveries.waiting) for client in self.clients)

    def tell(self, told: Told) -> None:
        """Send to everybody on the channels of an event, each client once per channel. Await `knows` first."""
        for channel in self.channels_of(told):
            self.tell_channel(replace(told, channel=channel))

    async def knows(self, told: Sequence[Told]) -> None:
        """Learn which agents have a credential, where that decides who hears something of this."""
        if self._claims and any(map(_is_mail, told)):
            await self._claims.fresh()

    def channels_of(self, told: Told) -> list[str]:
        """The channels an event is told on, each once: its own, `global` and its session's; mail may be its agent's."""
        its_agent = told.channel.removeprefix(AGENT_CHANNEL)
        if self._claims and _is_mail(told) and self._claims.protects(its_agent):
            return [told.channel]
        session = [f"{SESSION_CHANNEL}{told.session_id}"] if told.session_id else []
        return list(dict.fromkeys([told.channel, GLOBAL, *session]))

    def tell_channel(self, told: Told) -> None:
        """Send to everybody on the event's channel and nowhere else; the text is written once for all."""
        clients = self._by_channel.get(told.channel)
        if clients:
            text = written(told)
            for client in clients:
                if self.hears(client, told):
                    client.tell(told, text)

    def hears(self, client: Client, told: Told) -> bool:
        """Whether an event is for a client on its channel: mail may be for who proves to be its agent alone."""
        if self._claims is None or not _is_mail(told):
            return True
        its_agent = told.channel.removeprefix(AGENT_CHANNEL)
        signed_at = client.signed_at if client.agent_id == its_agent else None
        return not self._claims.protects(its_agent) or self._claims.allow(its_agent, client.shown, signed_at)

    def next_id(self, event_id: int | None) -> str:
        """The id of a frame: the same for a kept event whoever sends it, else one of this run."""
        return f"msg_{event_id}" if event_id is not None else f"msg_{self._run}_{next(self._numbers)}"


def _is_mail(told: Told) -> bool:
    return told.channel.startswith(AGENT_CHANNEL) and told.event.startswith(MAIL)


def written(told: Told) -> str:
    """The text of an event; whose session it is of stands in its data."""
    return write(replace(told, session_id=None))
