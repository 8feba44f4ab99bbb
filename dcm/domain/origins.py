"""Whose pages may call: a browser says where a page comes from and by which name it calls, a program says nothing."""

from collections.abc import Iterable

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""The names of this machine for itself."""


def origins(host: str, ports: Iterable[int], more: Iterable[str]) -> frozenset[str]:
    """The origins whose pages may call: our own ports on the names of this machine, and what is allowed besides."""
    names = [f"[{name}]" if ":" in name else name for name in (*LOOPBACK, host.strip("[]"))]
    return frozenset([*(f"http://{name}:{port}" for port in ports for name in names), *more])


def hosts(host: str) -> frozenset[str] | None:
    """The names we are called by; None is any name, because we listen beyond this machine."""
    return frozenset(LOOPBACK) if host.strip("[]") in LOOPBACK else None
