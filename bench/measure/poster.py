"""Connections that post one request after the other, each when the last is answered."""

import asyncio
import time
from collections.abc import Iterator
from typing import cast

DONE = b"HTTP/1.1 200"


class BadAnswer(Exception):
    """An answer that is not 200: the figures would mean nothing."""


class Poster(asyncio.Protocol):
    """One connection, until its bodies or its time are over.

    `seconds` are those each request took, `tools` how many of them were tool calls. A protocol, and not streams,
    because the load's own time is taken from the system under load.
    """

    def __init__(self, host: str, path: str, bodies: Iterator[tuple[bytes, bool]], deadline: float) -> None:
        self.seconds: list[float] = []
        self.tools = 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: "
        self._bodies, self._deadline = bodies, deadline
        self._began, self._tool, self._got = 0.0, False, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._post()

    def _post(self) -> None:
        body, self._tool = next(self._bodies, (b"", False))
        if not body:
            self._end(None)
            return
        self._began = time.perf_counter()
        self._transport.write(f"{self._head}{len(body)}\r\n\r\n".encode() + body)

    def data_received(self, data: bytes) -> None:
        """Read on to the end of an answer, then post the next."""
        self._got += data
        head, found, content = self._got.partition(b"\r\n\r\n")
        if not found or len(content) < _length(head):
            return
        if not head.startswith(DONE):
            self._end(BadAnswer(f"{head.splitlines()[0].decode()}: {content.decode('utf-8', 'replace')[:200]}"))
            return
        now = time.perf_counter()
        self.seconds.append(now - self._began)
        self.tools += self._tool
        self._got = b""
        if now < self._deadline:
            self._post()
        else:
            self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """The server hung up."""
        self._end(BadAnswer(f"The server closed the connection ({exc}).") if not self.ended.done() else None)

    def _end(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(error) if error else self.ended.set_result(None)
        self._transport.close()


def _length(head: bytes) -> int:
    at = head.lower().find(b"content-length:")
    return int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def post(
    address: tuple[str, int], path: str, bodies: list[Iterator[tuple[bytes, bool]]], seconds: float
) -> list[Poster]:
    """Post for so many seconds on as many connections as there are bodies."""
    host, port = address
    deadline, loop = time.perf_counter() + seconds, asyncio.get_running_loop()
    posters = [
        (await loop.create_connection(lambda one=one: Poster(f"{host}:{port}", path, one, deadline), host, port))[1]
        for one in bodies
    ]
    await asyncio.gather(*(poster.ended for poster in posters))
    return posters
