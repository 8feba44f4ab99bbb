"""Who may connect: programs of this machine, and from elsewhere who shows a token."""

import asyncio
import json
import math
import time
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import parse_qs

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from db import tokens
from db.pool import AWAY, connect
from dcm import secret, token_file
from dcm.domain import access
from dcm.domain import tokens as signed
from dcm.domain.buckets import Buckets
from dcm.domain.errors import Unavailable
from dcm.settings import Settings
from wsbridge.claims import Claims
from wsbridge.hub import now_ms
from wsbridge.pages import Pages

FAILURES, MOST = 10, 10_000
"""Tokens that are not good which an address may show a minute, and addresses that are remembered."""


class Gate:
    """Stands before the pages and the WebSocket. A token is looked up at the handshake, and then no more."""

    def __init__(self, settings: Settings, pages: Pages, claims: Claims) -> None:
        self._settings, self._pages, self._claims = settings, pages, claims
        self._secret = secret.load(settings)
        self._file = token_file.digest(settings)
        self._failures = Buckets(FAILURES / 60, FAILURES, MOST)

    async def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """The answer to a request; None for one that is to become a WebSocket."""
        address = connection.remote_address[0] if connection.remote_address else ""
        local = access.is_local(address, (name.lower().encode() for name in request.headers))
        if not local:
            refusal = await self._refusal(request, access.neighbourhood(address))
            if refusal:
                return refusal
        if "?" in request.path:
            await self._claims.fresh()
        return self._pages.answer(connection, request, local=local)

    async def _refusal(self, request: Request, place: str) -> Response | None:
        """Why somebody from elsewhere is not let in; None when it is."""
        shown, now = access.presented(request.headers.get("Authorization")), time.monotonic()
        ticket = parse_qs(request.path.partition("?")[2]).get("token", [""])[-1]
        if (shown or ticket) and (wait := self._failures.take(place, now)):
            return _refused(HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": str(math.ceil(wait))})
        try:
            scopes = await self._scopes(ticket, shown)
        except (Unavailable, *AWAY):
            return _refused(HTTPStatus.SERVICE_UNAVAILABLE)
        if scopes is None:
            return _refused(HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": 'Basic realm="DCM", Bearer realm="DCM"'})
        self._failures.give(place)
        return None if scopes & {access.READ, access.ADMIN} else _refused(HTTPStatus.FORBIDDEN)

    async def _scopes(self, ticket: str, shown: str) -> frozenset[str] | None:
        """What who shows a ticket of ours, or an access token, may; None when neither is good."""
        if ticket and signed.verified(self._secret, ticket, now_ms()):
            return frozenset({access.READ})
        hashed = access.digest(shown)
        if self._file is not None and access.same(self._file, hashed):
            return frozenset(access.SCOPES)
        if not shown.startswith(access.TOKEN):
            return None
        known = await asyncio.to_thread(self._look_up, hashed)
        if known is None or not access.same(known.token_hash, hashed):
            return None
        in_time = known.expires_at is None or known.expires_at > datetime.now(UTC)
        return frozenset(known.scopes) if in_time else None

    def _look_up(self, hashed: bytes) -> tokens.Known | None:
        with connect(self._settings.database_url, "wsbridge") as conn:
            return tokens.used(conn, hashed)


def _refused(status: HTTPStatus, more: dict[str, str] | None = None) -> Response:
    """A refusal, which says no more than its status."""
    data = json.dumps({"error": status.phrase}).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(data)), "Connection": "close"}
    return Response(status, status.phrase, Headers({**headers, **(more or {})}), data)
