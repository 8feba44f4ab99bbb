"""Posts over one kept connection, as a client of DCM does; what gets no answer in time is given up."""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Any

PATIENCE = 4.0
"""Seconds for an answer: more than the API takes for a brief."""


class Post:
    """One connection to the API, made anew after each loss."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __call__(self, path: str, payload: Mapping[str, Any]) -> int | None:
        """The status of the answer; None when there was none, and nobody knows what was done."""
        body = json.dumps(payload).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nContent-Type: application/json\r\n"
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._send(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        except (OSError, EOFError, TimeoutError, ValueError):
            self.close()
            return None

    async def _send(self, request: bytes) -> int:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
        await self._reader.readexactly(int(length[15:]))
        return int(head.split(b" ", 2)[1])

    def close(self) -> None:
        """Give the connection up."""
        if self._writer is not None:
            with contextlib.suppress(OSError):
                self._writer.transport.abort()
        self._reader = self._writer = None
