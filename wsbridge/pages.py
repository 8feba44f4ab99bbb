"""What the WebSocket's port answers to plain HTTP: its health, its counters, and who may read them."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from dcm.domain import origins, page_rules
from dcm.domain.instants import instant
from dcm.settings import Settings

SOCKET_PATHS = frozenset({"/", "/ws"})

ALLOWED = {
    "Access-Control-Allow-Methods": "GET, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type, Authorization",
    "Vary": "Origin",
}
"""What a browser is told when an allowed page asks."""

CLOSED = {**page_rules.DATA, "Cache-Control": page_rules.NOT_KEPT}
"""What keeps every answer from the pages of others."""

Counters = Callable[[], Mapping[str, object]]


class Pages:
    """Answers what is no WebSocket. `origins` are those of pages that may read and connect."""

    def __init__(self, settings: Settings, counters: Counters) -> None:
        ports = (settings.port, settings.dashboard_port, settings.ws_port)
        self._gate = origins.gate(settings.host, ports, settings.allowed_origins)
        self.origins = self._gate.origins
        self._port, self._counters = settings.ws_port, counters

    def answer(self, connection: ServerConnection, request: Request, *, local: bool) -> Response | None:
        """The answer to a request, None for one that is to become a WebSocket. `local`: who calls is of ours."""
        path, method = request.path.partition("?")[0], request.method
        if wrong := self._gate.refusal(_asked(request), local=local):
            return self._text(connection, HTTPStatus.FORBIDDEN, wrong)
        if method == "OPTIONS":
            return self._said(request, HTTPStatus.NO_CONTENT)
        if method == "GET" and path in SOCKET_PATHS:
            return None
        if method != "GET" or path not in {"/health", "/stats"}:
            return self._text(connection, HTTPStatus.NOT_FOUND, "Not found. The WebSocket is at / and /ws.")
        return self._said(request, HTTPStatus.OK, self._health() if path == "/health" else self._counters())

    def _health(self) -> Mapping[str, object]:
        """That it lives, on which port, and the counters."""
        now = instant(datetime.now(UTC))
        about = {"status": "healthy", "type": "websocket", "port": self._port}
        return {**about, **self._counters(), "timestamp": now}

    def _text(self, connection: ServerConnection, status: HTTPStatus, sentence: str) -> Response:
        response = connection.respond(status, f"{sentence}\n")
        response.headers.update(CLOSED)
        return response

    def _said(self, request: Request, status: HTTPStatus, body: Mapping[str, object] | None = None) -> Response:
        headers, data = Headers({"Connection": "close", **CLOSED}), b""
        if body is not None:
            data = json.dumps(body).encode()
            headers.update({"Content-Type": "application/json", "Content-Length": str(len(data))})
        origin = request.headers.get("Origin")
        if origin in self.origins:
            headers.update({"Access-Control-Allow-Origin": origin, **ALLOWED})
        return Response(status, status.phrase, headers, data)


def _asked(request: Request) -> origins.Asked:
    """Where a request comes from; a header that is there twice is no browser's, and read as one nobody allows."""

    def header(name: str) -> str | None:
        values = request.headers.get_all(name)
        return ",".join(values) if values else None

    return origins.Asked(
        origins.host_name(header("Host") or ""),
        request.method,
        header("Origin"),
        header("Sec-Fetch-Site"),
        header("Sec-Fetch-Mode"),
        header("Sec-Fetch-Dest"),
    )


def failed_upgrade(connection: ServerConnection, request: Request, response: Response) -> None:  # noqa: ARG001
    """Answer 400, as the contract has it, to what cannot become a WebSocket."""
    if response.status_code == HTTPStatus.UPGRADE_REQUIRED:
        response.status_code, response.reason_phrase = HTTPStatus.BAD_REQUEST, HTTPStatus.BAD_REQUEST.phrase
