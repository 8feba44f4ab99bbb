"""The WebSocket's client: what happens, as it happens, over lost connections too."""

import asyncio
import contextlib
import itertools
import json
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.uri import parse_uri

from dcm.client.errors import ClientError, Refused, is_passing

logger = logging.getLogger("dcm.client")

URL = "ws://127.0.0.1:3849"
"""Where the bridge listens when nobody chose otherwise."""

NOT_THE_BRIDGE = f"it is not DCM's WebSocket bridge. Give its address, like {URL}, not that of the API."

PING_EVERY = 25.0
"""Seconds between two signs of life; the bridge drops who was silent for 60."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds before a lost connection is made again; doubled at each failure, up to the longest."""

REMEMBERED = 4096
"""Ids of events by which a repeated one is known."""

GLOBAL = "global"
"""The channel the bridge puts everyone on."""

NEWEST = "newest"
"""Stands for the event told last, whatever it is: after it begins a stream that was not told where to begin."""

LEAVE = "leave"
"""Id of the frame whose acknowledgement ends what a connection was told before it said what it wants."""

MISSED = "events.missed"
"""Name of what a stream tells of itself: events before this are not kept any more, and were not told."""

AUTH_ERRORS = frozenset({"4001", "4002", "4003"})
"""Codes of the error frames after which a connection will never be authenticated."""

TokenSource = Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Told:
    """Something that happened. `event_id` is set for what is kept: a later stream can begin after it.

    One whose `event` is MISSED was told by nobody: it stands where events are missing. Its data has the `channels`.
    """

    id: str
    channel: str
    event: str
    data: Any
    timestamp: int
    event_id: int | None


class EventStream:
    """Events of some channels, each once, and those that are kept in the order of their ids over all channels.

        async with EventStream(channels=["sessions/4f1c"]) as events:
            async for told in events:
                print(told.event, told.data)

    A lost connection is made again, with pauses of 1 s, 2 s, 4 s and so on up to 30 s; the channels are subscribed
    again, and what is kept is resumed after the last event seen, `last_event_id`. Where some of it is not kept any
    more, an event named MISSED says so. `token` is a text, or a function that fetches one: it is asked at each
    connection, so that it is never old, and again later when nobody answers it. `after` is the event_id to begin
    after.
    """

    def __init__(
        self,
        url: str = URL,
        *,
        channels: Sequence[str] = ("global",),
        token: str | TokenSource | None = None,
        after: int | None = None,
        first_pause: float = FIRST_PAUSE,
        ping_every: float = PING_EVERY,
        on_wait: Callable[[float, str], None] | None = None,
    ) -> None:
        _check(url, after)
        self._url, self._channels, self._token = url, tuple(channels), token
        self._first_pause, self._ping_every = first_pause, ping_every
        self._on_wait = on_wait or self._log_wait
        self.last_event_id = after
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._has_begun = False
        self._numbers = itertools.count(1)
        self._running: AsyncGenerator[Told, None] | None = None

    def _log_wait(self, seconds: float, reason: str) -> None:
        logger.warning("no connection to %s (%s), next try in %.1f s", self._url, reason, seconds)

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
            reason = "it closed the connection"
            try:
                token = await self._fetched_token()
                async with connect(self._url, compression=None, ping_interval=None, proxy=None, max_size=None) as link:
                    await self._introduce(link, token)
                    async with self._beating(link):
                        async for text in link:
                            pause = self._first_pause
                            if told := await self._hear(link, text):
                                yield told
            except InvalidStatus as error:
                status = error.response.status_code
                refused = Refused(f"{self._url} answers HTTP {status}: {NOT_THE_BRIDGE}", status)
                if not is_passing(refused):
                    raise refused from None
                reason = str(refused)
            except (OSError, ConnectionClosed, InvalidHandshake, ClientError, httpx.TransportError) as error:
                if isinstance(error, ClientError) and not is_passing(error):
                    raise
                reason = str(error) or type(error).__name__
            self._on_wait(pause, reason)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _fetched_token(self) -> str | None:
        return self._token if self._token is None or isinstance(self._token, str) else await self._token()

    async def _introduce(self, link: ClientConnection, token: str | None) -> None:
        """Say who we are, and what we want to hear from where on."""
        if token:
            await self._say(link, "auth", id="auth", token=token)
        self._has_begun = False  # what comes before we left every channel would come before the past, too
        await self._say(link, "unsubscribe", id=LEAVE, channels=[*{GLOBAL, *self._channels}])
        after = NEWEST if self.last_event_id is None else self.last_event_id
        number = f"subscribe_{next(self._numbers)}"
        await self._say(link, "subscribe", id=number, channels=list(self._channels), last_event_id=after)

    async def _say(self, link: ClientConnection, kind: str, **fields: object) -> None:
        await link.send(json.dumps({"type": kind, **fields, "timestamp": time.time_ns() // 1_000_000}))

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
        frame = _parsed(text)
        if "event" in frame and "channel" in frame:
            return await self._take(link, frame)
        if frame.get("type") == "ping":
            await self._say(link, "pong")
        elif frame.get("type") == "resumed":
            return self._resumed(frame)
        elif frame.get("type") == "ack" and frame.get("id") == LEAVE:
            self._has_begun = True
        elif frame.get("type") == "ack" and not frame.get("success", True):
            raise Refused(f"The WebSocket bridge refused a channel: {_sentence(frame)}", 400)
        elif str(frame.get("code")) in AUTH_ERRORS:
            raise Refused(f"The WebSocket bridge refused the token: {_sentence(frame)}", 401)
        elif frame.get("type") == "error":
            raise Refused(f"The WebSocket bridge refused a frame: {_sentence(frame)}", 400)
        return None

    def _resumed(self, frame: dict[str, Any]) -> Told | None:
        """Go on from where the bridge says; the mark that some was missed, when it was."""
        self.last_event_id = frame["last_event_id"]
        if frame.get("complete", True):
            return None
        self._seen.clear()  # another database gives the same ids to other events
        return Told("", "", MISSED, {"channels": frame.get("channels", [])}, frame.get("timestamp", 0), None)

    async def _take(self, link: ClientConnection, frame: dict[str, Any]) -> Told | None:
        """The event of a frame, acknowledged; None when it was seen before, or on a channel nobody asked for."""
        if not self._has_begun:
            return None
        told = Told(
            id=str(frame.get("id", "")),
            channel=frame["channel"],
            event=frame["event"],
            data=frame.get("data"),
            timestamp=frame.get("timestamp", 0),
            event_id=frame.get("event_id"),
        )
        if told.id:
            with contextlib.suppress(ConnectionClosed):  # what was heard before the end is told all the same
                await self._say(link, "ack", message_id=told.id)
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


def _check(url: str, after: int | None) -> None:
    try:
        parse_uri(url)
    except (InvalidURI, ValueError):
        raise ClientError(f"{url!r} is not the address of a WebSocket: give one like {URL}.") from None
    if after is not None and not 0 <= after < 10**18:
        raise ClientError(f"after is {after}: give the event_id of an event, a whole number of at most 18 digits.")


def _sentence(frame: dict[str, Any]) -> str:
    return f"{str(frame.get('error')).rstrip('.')}."


def _parsed(text: str | bytes) -> dict[str, Any]:
    """The object of a frame; what is none says nothing."""
    try:
        frame = json.loads(text)
    except ValueError:
        return {}
    return frame if isinstance(frame, dict) else {}
