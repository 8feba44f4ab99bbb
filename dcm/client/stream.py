"""The WebSocket's client: what happens, as it happens, over lost connections too."""

import asyncio
import contextlib
import itertools
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Literal

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.protocol import OPEN

from dcm.client import frames
from dcm.client.errors import ClientError, Unreachable, is_passing
from dcm.client.frames import GLOBAL, NEWEST, URL, Publishable, Told
from dcm.client.transport import headers

logger = logging.getLogger("dcm.client")

PING_EVERY = 25.0
"""Seconds between two signs of life; the bridge drops who was silent for 60."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds before a lost connection is made again; doubled at each failure, up to the longest."""

REMEMBERED = 4096
"""Ids of events by which a repeated one is known."""

AUTH, LEAVE = "auth", "leave"
"""Ids of frames. The acknowledgement of LEAVE ends what was told before the stream said what it wants."""

State = Literal["disconnected", "connecting", "connected", "authenticated"]
"""How a stream stands. `authenticated` is connected, and the bridge knows its agent."""

TokenSource = Callable[[], Awaitable[str]]


class EventStream:
    """Events of some channels, each once, and those that are kept in the order of their ids over all channels.

        async with EventStream(channels=["sessions/4f1c"]) as events:
            async for told in events:
                print(told.event, told.data)

    A lost connection is made again, with pauses of 1 s, 2 s, 4 s and so on up to 30 s; the channels are subscribed
    again, and what is kept is resumed after the last event seen, `last_event_id`. Where some of it is not kept any
    more, an event named MISSED says so. `token` is a text, or a function that fetches one: it is asked at each
    connection, so that it is never old, and again later when nobody answers it. In development `agent_id` and
    `session_id` are believed without one. `access_token`, else the one in DCM_TOKEN, is shown to a bridge on another
    machine. `after` is the event_id to begin after. `on_wait` is told the seconds
    until the next try and why; without it the log is.
    """

    def __init__(
        self,
        url: str = URL,
        *,
        channels: Sequence[str] = (GLOBAL,),
        token: str | TokenSource | None = None,
        access_token: str | None = None,
        agent_id: str | None = None,
        session_id: str | None = None,
        after: int | None = None,
        first_pause: float = FIRST_PAUSE,
        ping_every: float = PING_EVERY,
        on_wait: Callable[[float, str], None] | None = None,
    ) -> None:
        frames.check_address(url)
        frames.check_position(after)
        self._url, self._channels, self._token = url, dict.fromkeys(channels), token
        self._who = {name: value for name, value in (("agent_id", agent_id), ("session_id", session_id)) if value}
        self._headers = headers(access_token)
        self._first_pause, self._ping_every = first_pause, ping_every
        self._on_wait = on_wait or self._log_wait
        self.last_event_id = after
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._numbers = itertools.count(1)
        self._state: State = "disconnected"
        self._is_known = False
        self._link: ClientConnection | None = None
        self._running: AsyncGenerator[Told, None] | None = None

    @property
    def state(self) -> State:
        """How the stream stands; it connects when it is iterated."""
        return self._state

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels whose events it yields."""
        return tuple(self._channels)

    async def subscribe(self, *channels: str) -> None:
        """Yield the events of these channels too, from now on. One that the bridge refuses ends the stream."""
        self._channels |= dict.fromkeys(channels)
        with contextlib.suppress(ConnectionClosed):  # the next connection says it
            if self._link:
                await self._want(self._link, NEWEST)

    async def unsubscribe(self, *channels: str) -> None:
        """Yield no more events of these channels."""
        for channel in channels:
            self._channels.pop(channel, None)
        with contextlib.suppress(ConnectionClosed):
            if self._link:
                await self._say(self._link, "unsubscribe", channels=list(channels))

    async def publish(self, channel: str, event: Publishable, data: Any = None) -> None:
        """Tell everyone who is on a channel; it is not kept. A refusal by the bridge ends the stream with Refused.

        Raises:
            Unreachable: there is no connection: nobody iterates over the stream, or the bridge is away.
            ClientError: the event is none that may be published, or too large.
        """
        frames.check_publishable(event)
        if not self._link:
            raise Unreachable(f"The stream is {self._state}: publish while it is iterated and connected.", sent=False)
        number = f"publish_{next(self._numbers)}"
        try:
            await self._say(self._link, "publish", id=number, channel=channel, event=event, data=data)
        except ConnectionClosed:
            raise Unreachable(f"The connection to {self._url} was lost while publishing.", sent=True) from None

    async def __aenter__(self) -> "EventStream":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._running:
            await self._running.aclose()

    def __aiter__(self) -> AsyncIterator[Told]:
        self._running = self._run()
        return self._running

    async def _run(self) -> AsyncGenerator[Told, None]:
        pause = self._first_pause
        while True:
            self._state, reason = "connecting", "it closed the connection"
            try:
                token = await self._fetched_token()
                async with self._connect() as link:
                    await self._introduce(link, token)
                    async with self._beating(link):
                        async for text in link:
                            pause = self._first_pause
                            if told := await self._hear(link, text):
                                yield told
            except (OSError, WebSocketException, ClientError, httpx.TransportError) as error:
                reason = self._reason(error)
            finally:
                self._link, self._state = None, "disconnected"
            self._on_wait(pause, reason)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _connect(self) -> connect:
        return connect(
            self._url,
            additional_headers=self._headers,
            compression=None,
            ping_interval=None,
            proxy=None,
            max_size=None,
        )

    def _reason(self, error: Exception) -> str:
        """Why there is no connection; what will not pass is raised."""
        if isinstance(error, InvalidStatus):
            error = frames.other_server(self._url, error.response.status_code)
        if isinstance(error, ClientError) and not is_passing(error):
            raise error from None
        return str(error) or type(error).__name__

    def _log_wait(self, seconds: float, reason: str) -> None:
        logger.warning("no connection to %s (%s), next try in %.1f s", self._url, reason, seconds)

    async def _fetched_token(self) -> str | None:
        return self._token if self._token is None or isinstance(self._token, str) else await self._token()

    async def _introduce(self, link: ClientConnection, token: str | None) -> None:
        """Say who we are, and what we want to hear from where on.

        Every channel is left first: what happens on one before its past is told would come before its past.
        """
        self._is_known = False
        if token or self._who:
            await self._say(link, "auth", id=AUTH, **self._who, **({"token": token} if token else {}))
        await self._say(link, "unsubscribe", id=LEAVE, channels=[*{GLOBAL, *self._channels}])
        self._link = link
        await self._want(link, NEWEST if self.last_event_id is None else self.last_event_id)

    async def _want(self, link: ClientConnection, after: int | str) -> None:
        """Subscribe to all channels in one frame, so that they are told in one order."""
        if self._channels:
            number = f"subscribe_{next(self._numbers)}"
            await self._say(link, "subscribe", id=number, channels=list(self._channels), last_event_id=after)

    async def _say(self, link: ClientConnection, kind: str, **fields: object) -> None:
        await link.send(frames.written(kind, **fields))

    async def _answer(self, link: ClientConnection, kind: str, **fields: object) -> None:
        """Answer what was heard. What still waits to be heard of a connection that ends is heard without answers."""
        if link.state is OPEN:  # else it would wait for an end that comes only when all was heard
            with contextlib.suppress(ConnectionClosed):
                await self._say(link, kind, **fields)

    @contextlib.asynccontextmanager
    async def _beating(self, link: ClientConnection) -> AsyncIterator[None]:
        beat = asyncio.create_task(self._beat(link))
        try:
            yield
        finally:
            beat.cancel()
            await asyncio.gather(beat, return_exceptions=True)

    async def _beat(self, link: ClientConnection) -> None:
        while True:
            await asyncio.sleep(self._ping_every)
            await self._say(link, "ping")

    async def _hear(self, link: ClientConnection, text: str | bytes) -> Told | None:
        frame = frames.parsed(text)
        if frames.is_event(frame):
            return await self._take(link, frames.told(frame)) if self._has_begun else None
        frames.check_accepted(frame)
        if frame.get("type") == "ping":
            await self._answer(link, "pong")
        elif frame.get("type") == "resumed":
            return self._resumed(frame)
        elif frame.get("type") == "ack":
            self._acknowledged(frame.get("id"))
        return None

    @property
    def _has_begun(self) -> bool:
        return self._state in {"connected", "authenticated"}

    def _acknowledged(self, number: object) -> None:
        if number == AUTH:
            self._is_known = True
        elif number == LEAVE:
            self._state = "authenticated" if self._is_known else "connected"

    def _resumed(self, frame: dict[str, Any]) -> Told | None:
        """Go on from where the bridge says; the mark that some was missed, when it was."""
        self.last_event_id = frame["last_event_id"]
        if frame.get("complete", True):
            return None
        self._seen.clear()  # another database gives the same ids to other events
        return frames.missed(frame)

    async def _take(self, link: ClientConnection, told: Told) -> Told | None:
        """Acknowledge an event; None when it was seen before, or comes on a channel nobody asked for."""
        if told.id:
            await self._answer(link, "ack", message_id=told.id)
        if told.channel not in self._channels:
            return None
        if told.event_id is not None:
            self.last_event_id = max(self.last_event_id or 0, told.event_id)
        return told if self._is_new(told.id) else None

    def _is_new(self, frame_id: str) -> bool:
        """Whether an event was not seen: the same one comes by several channels, and again until it is acknowledged."""
        if not frame_id:
            return True
        if frame_id in self._seen:
            return False
        self._seen[frame_id] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return True
