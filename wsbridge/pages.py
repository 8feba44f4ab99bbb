"""What the WebSocket's port answers to plain HTTP: its health, its counters, and who may read them."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from dcm.domain import origins
from dcm.domain.instants import instant
from dcm.settings import Settings

SOCKET_PATHS = frozenset({"/", "/ws"})

ALLOWED = {
    "Access-Control-Allow-Methods": "GET, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type, Authorization",
    "Vary": "Origin",
}
"""What a browser is told when an allowed page asks."""

Counters = Callable[[], Mapping[str, object]]


class Pages:
    """Answers what is no WebSocket. `origins` are those of pages that may read and connect."""

    def __init__(self, settings: Settings, counters: Counters) -> None:
        ports = (settings.port, settings.dashboard_port, settings.ws_port)
        self.origins = origins.origins(settings.host, ports, settings.allowed_origins)
        self._hosts = origins.hosts(settings.host)
        self._port, self._counters = settings.ws_port, counters

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """The answer to a request; None for one that is to become a WebSocket."""
        path = request.path.partition("?")[0]
        if request.method == "OPTIONS":
            return self._said(request, HTTPStatus.NO_CONTENT)
        if request.method == "GET" and path in SOCKET_PATHS:
            return None
        if request.method != "GET" or path not in {"/health", "/stats"}:
            return connection.respond(HTTPStatus.NOT_FOUND, "Not found. The WebSocket is at / and /ws.\n")
        if not self._is_called_by_name(request):
            return connection.respond(HTTPStatus.FORBIDDEN, "Call this as localhost or 127.0.0.1.\n")
        return self._said(request, HTTPStatus.OK, self._health() if path == "/health" else self._counters())

    def _health(self) -> Mapping[str, object]:
        """That it lives, on which port, and the counters."""
        now = instant(datetime.now(UTC))
        about = {"status": "healthy", "type": "websocket", "port": self._port}
        return {**about, **self._counters(), "timestamp": now}

    def _is_called_by_name(self, request: Request) -> bool:
        """Whether the host is us: a foreign name that leads here is a page's way around its origin."""
        if self._hosts is None:
            return True
        try:
            return urlsplit(f"//{request.headers.get('Host', '')}").hostname in self._hosts
        except ValueError:
            return False

    def _said(self, request: Request, status: HTTPStatus, body: Mapping[str, object] | None = None) -> Response:
        headers, data = Headers({"Connection": "close"}), b""
        if body is not None:
            data = json.dumps(body).encode()
            headers.update({"Content-Type": "application/json", "Content-Length": str(len(data))})
        origin = request.headers.get("Origin")
        if origin in self.origins:
            headers.update({"Access-Control-Allow-Origin": origin, **ALLOWED})
        return Response(status, status.phrase, headers, data)


def failed_upgrade(connection: ServerConnection, request: Request, response: Response) -> None:  # noqa: ARG001
    """Answer 400, as the contract has it, to what cannot become a WebSocket."""
    if response.status_code == HTTPStatus.UPGRADE_REQUIRED:
        response.status_code, response.reason_phrase = HTTPStatus.BAD_REQUEST, HTTPStatus.BAD_REQUEST.phrase
