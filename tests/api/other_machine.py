"""Requests as another machine sends them: from an address of this machine that is not its loopback."""

import contextlib
import http.client
import socket
from typing import Any

from api_server import Answer, ApiServer, ask


def own_address() -> str:
    """An address of this machine beyond loopback; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        found: str = probe.getsockname()[0]
    assert not found.startswith("127."), "this machine has no address but loopback"
    return found


def ask_from_outside(
    server: ApiServer, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> Answer:
    """The answer to a request whose peer is no loopback address."""
    with contextlib.closing(http.client.HTTPConnection(own_address(), server.port, timeout=15)) as connection:
        return ask(connection, method, path, body, headers)
