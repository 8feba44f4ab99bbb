"""The server as the relay sees it: requests over connections that are kept, with the token, bounded in time."""

import asyncio
import contextlib
import email.utils
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import h11

from dcm.domain.server_urls import ServerUrl, is_near, needs_encryption, refusal

KEPT = 16
"""Connections kept for the next request."""

LARGEST_ANSWER = 1 << 20

Headers = Iterable[tuple[str, str]]


class Away(Exception):
    """The server did not take what was sent; it may be sent again, after `pause` seconds where it says so."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.pause = pause


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server said. `retry_after`: seconds it wants us to wait, as its header says."""

    status: int
    content_type: str
    body: bytes
    retry_after: str = ""


class Link:
    """One connection to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._http = h11.Connection(h11.CLIENT)
        self.clock_off = 0.0

    async def ask(self, request: h11.Request, body: bytes) -> Reply:
        """Send one request and read its answer."""
        sent = [self._http.send(request), self._http.send(h11.Data(data=body)), self._http.send(h11.EndOfMessage())]
        self._writer.write(b"".join(part for part in sent if part))
        await self._writer.drain()
        head, said = None, b""
        while not isinstance(event := await self._next(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                said += event.data
            if isinstance(event, h11.ConnectionClosed) or len(said) > LARGEST_ANSWER:
                raise Away("its answer was not whole")
        assert head is not None
        told = {bytes(name).decode("ascii"): bytes(value).decode("latin-1") for name, value in head.headers}
        self.clock_off = _clock_off(told.get("date", ""))
        return Reply(head.status_code, told.get("content-type", ""), said, told.get("retry-after", ""))

    async def _next(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(65536))
        return event

    def reusable(self) -> bool:
        """Whether another request can go over it; it is made ready for that."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    def lost(self) -> bool:
        """Whether the server has closed it."""
        return self._reader.at_eof() or self._writer.is_closing()

    def close(self) -> None:
        """Let it go, without waiting for the other side."""
        self._writer.transport.abort()


class Upstream:
    """The server. `token` is asked for with every request, so that a new one counts at once."""

    def __init__(self, server: ServerUrl, token: Callable[[], str], *, insecure: bool = False) -> None:
        self.server, self._token, self._insecure = server, token, insecure
        self._idle: list[Link] = []
        self._tls = ssl.create_default_context() if server.secure else None
        self.clock_off = 0.0
        """Seconds by which the server's clock is ahead of ours; it tells whole seconds."""

    async def ask(
        self, method: str, path: str, headers: Headers = (), body: bytes = b"", seconds: float = 5.0
    ) -> Reply:
        """One request and its answer.

        Raises:
            Away: there was no whole answer in time; the message says why.
        """
        try:
            async with asyncio.timeout(seconds):
                return await self._ask(self._request(method, path, headers, body), body)
        except TimeoutError:
            raise Away(f"it did not answer within {seconds:.1f} s") from None
        except (OSError, h11.ProtocolError) as error:
            raise Away(_reason(error)) from error

    async def _ask(self, request: h11.Request, body: bytes) -> Reply:
        """On a connection that was kept, or else on a new one: the server may have closed what it kept."""
        while self._idle:
            link = self._idle.pop()
            if link.lost():
                link.close()
                continue
            with contextlib.suppress(OSError, h11.ProtocolError, Away):
                return await self._over(link, request, body)
            break
        return await self._over(await self._connect(), request, body)

    async def _over(self, link: Link, request: h11.Request, body: bytes) -> Reply:
        keep = False
        try:
            reply = await link.ask(request, body)
            self.clock_off = link.clock_off
            keep = link.reusable() and len(self._idle) < KEPT
        finally:
            if keep:
                self._idle.append(link)
            else:
                link.close()
        return reply

    async def _connect(self) -> Link:
        """A new connection; one in plain text that leads out of the private network is given up at once."""
        if needs_encryption(self.server) and not self._insecure:
            raise Away(refusal(self.server))
        reader, writer = await asyncio.open_connection(self.server.host, self.server.port, ssl=self._tls)
        peer = writer.get_extra_info("peername")
        if not self.server.secure and not self._insecure and not is_near(str(peer[0])):
            writer.transport.abort()
            raise Away(refusal(self.server))
        return Link(reader, writer)

    def _request(self, method: str, path: str, headers: Headers, body: bytes) -> h11.Request:
        token = self._token()
        told = [("Host", self.server.authority), ("Content-Length", str(len(body))), *headers]
        told += [("Authorization", f"Bearer {token}")] if token else []
        return h11.Request(method=method, target=self.server.path + path, headers=told)

    def close(self) -> None:
        """Close the connections."""
        for link in self._idle:
            link.close()
        self._idle.clear()


def _clock_off(date: str) -> float:
    try:
        return email.utils.parsedate_to_datetime(date).timestamp() + 0.5 - time.time()
    except (ValueError, TypeError):
        return 0.0


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, OSError):
        return (error.strerror or str(error) or type(error).__name__).lower()
    return f"it does not speak HTTP: {error}"
