"""The WebSocket server: connections, their frames, and the pages of the same port."""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request as HttpRequest
from websockets.http11 import Response
from websockets.typing import Origin

from dcm.settings import Settings
from wsbridge.hub import Client, Hub, now_ms
from wsbridge.protocol import CHANNEL, Ack, BadFrame, Beat, Connected, Error, Frame, Request, read, write
from wsbridge.relay import Relay

logger = logging.getLogger("dcm.wsbridge")

PING_EVERY, SILENT_FOR = 30.0, 60.0
"""Seconds between pings, and of silence after which a client is dropped (contract, section 10.9)."""

PING_TIMEOUT_CODE = 4000
TOO_SLOW_CODE = 1013

CLOSE_TIMEOUT = 0.5
"""Seconds a client has to say goodbye."""

FRAME_LIMIT = 64 * 1024
"""Bytes of the largest frame taken from a client."""


class Bridge:
    """One WebSocket server with its hub."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.hub = Hub()
        self._relay = Relay(settings.database_url, self.hub)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until told to stop, or until the relay breaks: then it raises what broke it."""
        relay, told = asyncio.create_task(self._relay.run()), asyncio.create_task(stop.wait())
        async with serve(
            self._connected,
            self._settings.host,
            self._settings.ws_port,
            origins=allowed_origins(self._settings),
            process_request=self._page,
            compression=None,
            ping_interval=None,
            max_size=FRAME_LIMIT,
            logger=logging.getLogger("dcm.wsbridge.connections"),
        ) as server:
            await asyncio.wait({relay, told}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.gather(*(_close(each, CloseCode.GOING_AWAY, "") for each in server.connections))
        told.cancel()
        relay.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await relay

    def _page(self, connection: ServerConnection, request: HttpRequest) -> Response | None:
        path = request.path.partition("?")[0]
        if path == "/health":
            return _json({"status": "healthy", "type": "websocket", **self._counters()})
        if path == "/stats":
            return _json(self._counters())
        if path in {"/", "/ws"}:
            return None
        return connection.respond(HTTPStatus.NOT_FOUND, "Not found. The WebSocket is at / and /ws.\n")

    def _counters(self) -> dict[str, object]:
        stats = self.hub.channel_stats()
        return {
            "port": self._settings.ws_port,
            "connectedClients": len(self.hub.clients),
            "activeChannels": len(stats),
            "channelStats": stats,
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }

    async def _connected(self, connection: ServerConnection) -> None:
        client = self.hub.join()
        client.send(write(Connected(client.id, now_ms())))
        tasks = [
            asyncio.create_task(self._send(connection, client)),
            asyncio.create_task(self._beat(connection, client)),
            asyncio.create_task(self._drop_when_slow(connection, client)),
        ]
        try:
            async for text in connection:
                client.heard_at = time.monotonic()
                answer = self._answer(client, text)
                if answer:
                    client.send(write(answer))
        except ConnectionClosed:
            pass
        finally:
            self.hub.leave(client)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, connection: ServerConnection, client: Client) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await connection.send(await client.queue.get())

    async def _beat(self, connection: ServerConnection, client: Client) -> None:
        while True:
            await asyncio.sleep(PING_EVERY)
            if time.monotonic() - client.heard_at > SILENT_FOR:
                await _close(connection, PING_TIMEOUT_CODE, "Ping timeout")
                return
            client.send(write(Beat("ping", now_ms())))

    async def _drop_when_slow(self, connection: ServerConnection, client: Client) -> None:
        await client.too_slow.wait()
        logger.warning("a client read too slowly and was dropped", extra={"client": client.id})
        connection.transport.abort()

    def _answer(self, client: Client, text: str | bytes) -> Frame | None:
        try:
            request = read(text)
        except BadFrame as error:
            return Error(str(error), "PARSE_ERROR", now_ms())
        if request.type == "ping":
            return Beat("pong", now_ms())
        if request.type in {"pong", "ack"}:
            return None
        if request.type in {"subscribe", "unsubscribe"}:
            return self._subscription(client, request)
        return Error(f"Unknown message type: {request.type}", "UNKNOWN_MESSAGE_TYPE", now_ms())

    def _subscription(self, client: Client, request: Request) -> Frame | None:
        wrong = None if CHANNEL.match(request.channel) else f"Invalid channel format: {request.channel}"
        if request.type == "unsubscribe":
            self.hub.unsubscribe(client, request.channel)
            wrong = None
        elif not wrong:
            self.hub.subscribe(client, request.channel)
        return Ack(request.id, not wrong, now_ms(), wrong) if request.id else None


def allowed_origins(settings: Settings) -> Sequence[Origin | None]:
    """Pages that may connect: those of our own ports on the loopback names; programs send no origin."""
    names = ["localhost", "127.0.0.1", "[::1]", settings.host]
    ports = [settings.port, settings.dashboard_port]
    return [None, *(Origin(f"http://{name}:{port}") for name in dict.fromkeys(names) for port in ports)]


async def _close(connection: ServerConnection, code: int, reason: str) -> None:
    """Close a connection; one whose client does not read would never let go and is cut off."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_TIMEOUT):
            await connection.close(code, reason)
    connection.transport.abort()


def _json(body: dict[str, object]) -> Response:
    data = json.dumps(body).encode()
    headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(data))})
    return Response(HTTPStatus.OK, "OK", headers, data)
