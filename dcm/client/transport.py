"""How the clients connect: to which address, and for how long at most."""

import contextlib
import math
import os
import ssl
import time
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any, TypedDict, Unpack

import httpcore
import httpx

from dcm.client.errors import ClientError
from dcm.domain.access import AGENT_HEADER

URL = "http://127.0.0.1:3847"
"""Where DCM listens when nobody chose otherwise."""

TIMEOUT = 5.0
"""Seconds a call may take, all its tries together."""

LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=60.0)
"""Seconds an unused connection is kept: less than the server keeps it."""

PIECE = 64 * 1024
"""Bytes written in one go."""

_over_at: ContextVar[float] = ContextVar("over_at", default=math.inf)


class Shown(TypedDict, total=False):
    """What a client says of who it is: its access token, and the credential of the agent it speaks for."""

    token: str | None
    agent_token: str | None


@contextlib.contextmanager
def until(moment: float) -> Iterator[None]:
    """Whatever is sent and received in this block is given up at a moment of the monotonic clock."""
    before = _over_at.set(moment)
    try:
        yield
    finally:
        _over_at.reset(before)


class Transport(httpx.HTTPTransport):
    """httpx's own, which bounds each read by itself, with a bound for all of them: a slow answer has many reads."""

    def __init__(self) -> None:
        context = httpx.create_ssl_context(trust_env=False)
        super().__init__(verify=context, limits=LIMITS, trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=LIMITS.max_connections,
            max_keepalive_connections=LIMITS.max_keepalive_connections,
            keepalive_expiry=LIMITS.keepalive_expiry,
            network_backend=_Network(),
        )


class _Network(httpcore.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        timeout = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(super().connect_tcp(host, port, timeout, local_address, socket_options))


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), PIECE):
            self._inner.write(buffer[start : start + PIECE], _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        timeout = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(timeout: float | None, late: type[Exception]) -> float | None:
    """The seconds left; the error when there are none."""
    left = _over_at.get() - time.monotonic()
    if left <= 0:
        raise late
    return min(left, math.inf if timeout is None else timeout) if left < math.inf else timeout


def headers(token: str | None = None, agent_token: str | None = None) -> dict[str, str]:
    """Who calls: the bearer of this token, or of the one in DCM_TOKEN, and the agent of this credential.

    Raises:
        ClientError: no header can carry it.
    """
    token = os.environ.get("DCM_TOKEN", "").strip() if token is None else token
    found = {"Authorization": f"Bearer {token}" if token else "", AGENT_HEADER: agent_token or ""}
    if not all(value.isascii() and value.isprintable() for value in found.values()):
        raise ClientError("The token holds what no header can carry: give it as it was shown, or correct DCM_TOKEN.")
    return {name: value for name, value in found.items() if value}


def options(url: str, timeout: float, **shown: Unpack[Shown]) -> dict[str, Any]:
    """What both manners are made with. A proxy of the environment is not for this machine's own DCM.

    Raises:
        ClientError: the URL is none, or a token cannot be sent.
    """
    try:
        usable = httpx.URL(url).scheme in {"http", "https"} and bool(httpx.URL(url).host)
    except httpx.InvalidURL:
        usable = False
    if not usable:
        raise ClientError(f"{url!r} is not the URL of a server: give one like {URL}.")
    return {
        "base_url": url,
        "timeout": timeout,
        "headers": headers(**shown),
        "trust_env": False,
    }
