"""The real bridge on a free loopback port, inside the test's own event loop, and clients of it."""

import asyncio
import contextlib
import dataclasses
import http.client
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from websockets.asyncio.client import ClientConnection, connect

from db import publish
from db.pool import Conn
from dcm.client import MISSED, EventStream, Told
from dcm.domain.events import Event
from dcm.settings import Settings
from wsbridge.server import Bridge


@dataclass(frozen=True, slots=True)
class Running:
    """A bridge that serves and listens."""

    bridge: Bridge
    settings: Settings
    serving: asyncio.Task[None]
    stop: asyncio.Event

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.settings.ws_port}"

    def break_all(self) -> None:
        """Break every connection, as a network does."""
        for client in self.bridge.hub.clients:
            client.too_slow.set()

    async def page(self, path: str) -> tuple[int, str, str]:
        """Status, content type and text of a page of the same port."""
        status, headers, text = await self.ask("GET", path)
        return status, headers.get_content_type(), text

    async def ask(self, method: str, path: str, **headers: str) -> tuple[int, http.client.HTTPMessage, str]:
        """Status, headers and text of the answer to a plain request."""

        def answer() -> tuple[int, http.client.HTTPMessage, str]:
            connection = http.client.HTTPConnection("127.0.0.1", self.settings.ws_port, timeout=5)
            with contextlib.closing(connection):
                connection.request(method, path, headers=headers)
                answer = connection.getresponse()
                return answer.status, answer.headers, answer.read().decode()

        return await asyncio.to_thread(answer)

    @contextlib.asynccontextmanager
    async def client(self, path: str = "/ws", **options: Any) -> AsyncIterator[ClientConnection]:
        """A client that has been welcomed."""
        async with connect(f"{self.url}{path}", **options) as client:
            assert (await heard(client))["type"] == "connected"
            yield client


@contextlib.asynccontextmanager
async def serving(settings: Settings, port: int = 0) -> AsyncIterator[Running]:
    """A bridge until the block ends, on the given port or on a free one."""
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))
        settings = dataclasses.replace(settings, ws_port=free.getsockname()[1])
    bridge, stop = Bridge(settings), asyncio.Event()
    running = Running(bridge, settings, asyncio.create_task(bridge.run(stop)), stop)
    try:
        await until(lambda: listens(settings), "the bridge's LISTEN")
        await until(bridge._relay.listening.is_set, "the event after which it tells")
        yield running
    finally:
        stop.set()
        await asyncio.wait_for(running.serving, 10)


class Reader:
    """What a stream yields, read by a task."""

    def __init__(self, stream: EventStream) -> None:
        self.stream = stream
        self.found: list[Told] = []
        self.breaks: dict[int, Callable[[], None]] = {}

    async def read(self) -> None:
        async for told in self.stream:
            self.found.append(told)
            self.breaks.get(len(self.found), lambda: None)()

    @property
    def numbers(self) -> list[int]:
        return [told.data["number"] for told in self.found if told.event != MISSED]


@contextlib.asynccontextmanager
async def reading(stream: EventStream) -> AsyncIterator[Reader]:
    """A reader until the block ends."""
    async with stream:
        reader = Reader(stream)
        task = asyncio.create_task(reader.read())
        try:
            yield reader
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def subtask(number: int, session: str | None = None) -> Event:
    """An event that is kept, of a session or of none."""
    return Event("subtask.updated", {"id": str(number), "number": number}, session_id=session)


async def resumed(client: ClientConnection) -> tuple[list[int], Any]:
    """The numbers heard before the frame that ends the past, and that frame."""
    numbers = []
    while (frame := await heard(client)).get("type") != "resumed":
        if "number" in (frame.get("data") or {}):
            numbers.append(frame["data"]["number"])
    return numbers, frame


def listens(settings: Settings) -> bool:
    """Whether the bridge's LISTEN is in effect and its port is open."""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", settings.ws_port), 1),
        psycopg.connect(settings.database_url, autocommit=True) as conn,
    ):
        return bool(listeners(conn))
    return False


def listeners(conn: Conn) -> list[int]:
    """The backends that hold the bridge's LISTEN and wait."""
    rows = conn.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name = 'dcm listen dcm_events' "
        "AND (query = 'SELECT 1' OR query LIKE 'LISTEN%%' AND state = 'idle')"
    ).fetchall()
    return [row[0] for row in rows]


async def until(condition: Callable[[], Any], what: str, seconds: float = 10.0) -> Any:
    """What the condition gives as soon as it is true; the condition may block."""
    deadline = time.monotonic() + seconds
    while not (found := await asyncio.to_thread(condition)):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        await asyncio.sleep(0.01)
    return found


async def heard(client: ClientConnection, seconds: float = 5.0) -> Any:
    """The next frame a client hears."""
    return json.loads(await asyncio.wait_for(client.recv(), seconds))


async def say(client: ClientConnection, **frame: Any) -> Any:
    """Send a frame and give the next one heard."""
    await client.send(json.dumps(frame))
    return await heard(client)


async def events_until(client: ClientConnection, last: str) -> list[tuple[str, str, Any]]:
    """(channel, event, data) of all that is heard up to the event named `last` on global."""
    found = []
    while not found or found[-1][:2] != ("global", last):
        frame = await heard(client)
        found.append((frame["channel"], frame["event"], frame["data"]))
    return found


async def tell(conn: Conn, *events: Event) -> None:
    """Publish events in one transaction."""

    def run() -> None:
        with conn.transaction():
            publish.publish(conn, list(events))

    await asyncio.to_thread(run)
