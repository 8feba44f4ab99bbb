"""Where this machine's hooks come in: the address and the answers of the API, for hooks and health alone."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import h11

from dcm.domain import origins
from dcm.domain.claude_settings import ENDPOINT
from dcm.domain.cuts import BODY_LIMIT
from dcm.domain.errors import STATUS, DcmError, Forbidden, InvalidInput, Loop, NotFound, TooLarge
from dcm.domain.hook_events import check
from dcm.domain.relayed import TIME_HEADER
from dcm.relay.forwarding import Forwarding
from dcm.relay.upstream import Reply

logger = logging.getLogger("dcm.relay")

IDLE_SECONDS = 3600.0
"""After this long without a request a connection is closed."""

Health = Callable[[], Mapping[str, Any]]


class Door:
    """Answers the hooks of this machine. It listens on loopback and takes no page of a browser."""

    def __init__(self, forwarding: Forwarding, health: Health) -> None:
        self._forwarding, self._health = forwarding, health
        self._gate = origins.gate(origins.LOOPBACK[0], (), ())
        self._open: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until either side ends it."""
        self._open.add(writer)
        try:
            await self._converse(reader, writer)
        except (OSError, TimeoutError, h11.ProtocolError) as error:
            logger.debug("a connection ended: %s", error)
        finally:
            self._open.discard(writer)
            writer.close()

    def close(self) -> None:
        """End every connection."""
        for writer in list(self._open):
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        http = h11.Connection(h11.SERVER)
        while True:
            async with asyncio.timeout(IDLE_SECONDS):
                request = await _next(http, reader, writer)
            if not isinstance(request, h11.Request):
                return
            reply = await self._reply(request, http, reader, writer)
            writer.write(_written(http, reply))
            await writer.drain()
            if http.our_state is not h11.DONE or http.their_state is not h11.DONE:
                return
            http.start_next_cycle()

    async def _reply(
        self, request: h11.Request, http: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Reply:
        try:
            self._check_caller(request)
            body = await _body(http, reader, writer)
            return await self._answer(request, body)
        except DcmError as error:
            return _json(STATUS.get(type(error), 500), {"error": str(error)})

    def _check_caller(self, request: h11.Request) -> None:
        """Refuse a page, which its browser says it is, and a name that was made to lead here.

        Raises:
            Forbidden: it is one of those.
        """
        told: dict[bytes, str] = {}
        for name, value in request.headers:
            text = bytes(value).decode("latin-1")
            told[bytes(name)] = f"{told[bytes(name)]},{text}" if bytes(name) in told else text
        if origin := told.get(b"origin"):
            server = self._forwarding.upstream.server
            raise Forbidden(f"This is a relay, which takes nothing of a page, of {origin} or another: open {server}.")
        asked = origins.Asked(
            origins.host_name(told.get(b"host", origins.LOOPBACK[0])),
            bytes(request.method).decode("ascii"),
            site=told.get(b"sec-fetch-site"),
        )
        if wrong := self._gate.refusal(asked):
            raise Forbidden(f"This is a relay, which takes the hooks of this machine alone. {wrong}")

    async def _answer(self, request: h11.Request, body: bytes) -> Reply:
        asked = (bytes(request.method), bytes(request.target).partition(b"?")[0].decode("latin-1"))
        if asked == (b"POST", ENDPOINT):
            _check_new(request)
            return await self._forwarding.take(check(_payload(body)), body)
        if asked in {(b"GET", "/health"), (b"HEAD", "/health")}:
            return _json(200, self._health())
        server = self._forwarding.upstream.server
        raise NotFound(f"This is a relay, which takes hooks alone: ask {server} itself.")


def _check_new(request: h11.Request) -> None:
    """Refuse what a relay has taken already: where its server is a relay too, an event would go round for ever.

    Raises:
        Loop: it has the header that a relay puts on an event.
    """
    if any(name == TIME_HEADER.lower().encode() for name, _ in request.headers):
        raise Loop("This is a relay, and so is what sent this: let DCM_SERVER_URL there lead to the server.")


async def _body(http: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """The body of a request, heard out to its end.

    Raises:
        TooLarge: it has more than 1 MiB.
    """
    parts, length = [], 0
    while isinstance(event := await _next(http, reader, writer), h11.Data):
        length += len(event.data)
        if length <= BODY_LIMIT:
            parts.append(bytes(event.data))
        elif length > 16 * BODY_LIMIT:
            break
    if length > BODY_LIMIT:
        raise TooLarge(f"The body has more than the {BODY_LIMIT} bytes that are taken.")
    return b"".join(parts)


async def _next(http: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> object:
    while (event := http.next_event()) is h11.NEED_DATA:
        if http.they_are_waiting_for_100_continue:
            writer.write(http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        http.receive_data(await reader.read(65536))
    return event


def _payload(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"The body is not JSON ({error}): send one JSON object.") from None


def _json(status: int, value: Mapping[str, Any]) -> Reply:
    return Reply(status, "application/json", json.dumps(value).encode())


def _written(http: h11.Connection, reply: Reply) -> bytes:
    """The answer as it goes over the wire."""
    headers = [("Content-Type", reply.content_type or "application/json"), ("Content-Length", str(len(reply.body)))]
    sent = [http.send(h11.Response(status_code=reply.status, headers=headers))]
    with contextlib.suppress(h11.LocalProtocolError):
        sent.append(http.send(h11.Data(data=reply.body)))
        sent.append(http.send(h11.EndOfMessage()))
    return b"".join(part for part in sent if part)
