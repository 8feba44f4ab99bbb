"""Who may connect: programs of this machine, and from elsewhere who shows a token."""

import asyncio
import json
import math
from http import HTTPStatus
from urllib.parse import parse_qs

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from db import tokens
from db.pool import AWAY, connect
from dcm import secret, token_file
from dcm.bearers import Bearers
from dcm.domain import access
from dcm.domain import tokens as signed
from dcm.domain.access import Known
from dcm.domain.errors import TooMany, Unavailable
from dcm.settings import Settings
from wsbridge.claims import Claims
from wsbridge.hub import now_ms
from wsbridge.pages import Pages


class Gate:
    """Stands before the pages and the WebSocket. A token is looked at at the handshake, and then no more."""

    def __init__(self, settings: Settings, pages: Pages, claims: Claims) -> None:
        self._settings, self._pages, self._claims = settings, pages, claims
        self._secret = secret.load(settings)
        self._bearers = Bearers(token_file.digest(settings), self._look_up, (Unavailable, *AWAY))

    async def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """The answer to a request; None for one that is to become a WebSocket."""
        address = connection.remote_address[0] if connection.remote_address else ""
        local = access.is_local(address, (name.lower().encode() for name in request.headers))
        if not local:
            forwarded_for = ",".join(request.headers.get_all("X-Forwarded-For"))
            refusal = await self._refusal(request, access.place(address, forwarded_for))
            if refusal:
                return refusal
        if "?" in request.path:
            await self._claims.fresh()
        return self._pages.answer(connection, request, local=local)

    async def _refusal(self, request: Request, place: str) -> Response | None:
        """Why somebody from elsewhere is not let in; None when it is."""
        shown = access.presented(request.headers.get("Authorization"))
        ticket = parse_qs(request.path.partition("?")[2]).get("token", [""])[-1]
        try:
            scopes = await self._scopes(ticket, shown, place)
        except TooMany as error:
            return _refused(HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": str(math.ceil(error.retry_after))})
        except (Unavailable, *AWAY):
            return _refused(HTTPStatus.SERVICE_UNAVAILABLE)
        if scopes is None:
            return _refused(HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": access.CHALLENGE})
        return None if scopes & {access.READ, access.ADMIN} else _refused(HTTPStatus.FORBIDDEN)

    async def _scopes(self, ticket: str, shown: str, place: str) -> frozenset[str] | None:
        """What who shows a ticket of ours, or an access token, may; None when neither is good.

        Raises:
            TooMany: too much that is not good came from there.
        """
        if ticket and signed.verified(self._secret, ticket, now_ms()):
            return frozenset({access.READ})
        if shown and self._bearers.owns(shown):
            return frozenset(access.SCOPES)
        if not shown and not ticket:
            return None
        known = await self._bearers.known(shown, place)
        return None if known is None else frozenset(known.scopes)

    async def _look_up(self, hashed: bytes) -> Known | None:
        def read() -> Known | None:
            with connect(self._settings.database_url, "wsbridge") as conn:
                return tokens.used(conn, hashed)

        return await asyncio.to_thread(read)


def _refused(status: HTTPStatus, more: dict[str, str] | None = None) -> Response:
    """A refusal, which says no more than its status."""
    data = json.dumps({"error": status.phrase}).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(data)), "Connection": "close"}
    return Response(status, status.phrase, Headers({**headers, **(more or {})}), data)
