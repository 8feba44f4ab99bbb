"""A WebSocket client that counts what it is told, at little cost of its own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import cast

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

TOLD = b'"action.created"'
PING_EVERY = 20.0
"""Seconds between two signs of life: the bridge drops who says nothing for a minute."""


class Listener(asyncio.Protocol):
    """Counts the frames of `action.created`; `actions` of them so far."""

    def __init__(self, url: str) -> None:
        self.actions = 0
        self._protocol = ClientProtocol(parse_uri(url), max_size=None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands."""
        self._transport = cast("asyncio.Transport", transport)
        self._protocol.send_request(self._protocol.connect())
        self._send()

    def data_received(self, data: bytes) -> None:
        """Count the frames that came."""
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self.actions += TOLD in event.data
        self._send()

    def ping(self) -> None:
        """Say that somebody is there."""
        self._protocol.send_text(b'{"type":"ping"}')
        self._send()

    def _send(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)


@contextlib.asynccontextmanager
async def listening(host: str, port: int) -> AsyncIterator[Listener]:
    """A listener on `global`."""
    loop = asyncio.get_running_loop()
    transport, listener = await loop.create_connection(lambda: Listener(f"ws://{host}:{port}/"), host, port)

    async def ping() -> None:
        while True:
            await asyncio.sleep(PING_EVERY)
            listener.ping()

    pings = asyncio.create_task(ping())
    try:
        yield listener
    finally:
        pings.cancel()
        transport.close()
