"""What the WebSocket's port answers to plain HTTP: its health, its counters, and who may read them."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.typing import Origin

from dcm.settings import Settings

SOCKET_PATHS = frozenset({"/", "/ws"})


def allowed_origins(settings: Settings) -> Sequence[Origin | None]:
    """Pages that may connect: those of our own ports on the loopback names, and those allowed; programs send none."""
    names = ["localhost", "127.0.0.1", "[::1]", settings.host]
    ports = [settings.port, settings.dashboard_port]
    own = [f"http://{name}:{port}" for name in dict.fromkeys(names) for port in ports]
    return [None, *map(Origin, [*own, *settings.allowed_origins])]


def page(
    connection: ServerConnection, request: Request, counters: Mapping[str, object], origins: Sequence[str | None]
) -> Response | None:
    """The answer to a request that is no WebSocket, None for one that is to become one."""
    path, origin = request.path.partition("?")[0], request.headers.get("Origin")
    allowed = origin if origin is not None and origin in origins else None
    if request.method == "OPTIONS":
        return _answer(HTTPStatus.NO_CONTENT, b"", allowed)
    if path == "/health":
        return _json({"status": "healthy", "type": "websocket", **counters}, allowed)
    if path == "/stats":
        return _json(counters, allowed)
    if path in SOCKET_PATHS:
        return None
    return connection.respond(HTTPStatus.NOT_FOUND, "Not found. The WebSocket is at / and /ws.\n")


def _json(body: Mapping[str, object], allowed: str | None) -> Response:
    return _answer(HTTPStatus.OK, json.dumps(body).encode(), allowed)


def _answer(status: HTTPStatus, data: bytes, allowed: str | None) -> Response:
    headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(data))})
    if allowed:
        headers["Access-Control-Allow-Origin"] = allowed
        headers["Access-Control-Allow-Methods"] = "GET, OPTIONS"
        headers["Vary"] = "Origin"
    return Response(status, status.phrase, headers, data)
