"""The lines of the Procfile as data: what each runs, and what the keeper of a store must know of it."""

import contextlib
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from dcm import child, stores, token_file
from dcm.embedded import postgres, valkey
from dcm.settings import Settings


@dataclass(frozen=True, slots=True)
class Line:
    """A line of our own programs: `python -m` what, with which environment."""

    run: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    ports: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Store:
    """A line that is an embedded store."""

    title: str
    embedded: Callable[[Settings], bool]
    prepare: Callable[[Settings, Callable[[str], None]], None]
    program: Callable[[Settings], child.Program]
    answers: Callable[[Settings], bool]


SERVICES = {
    "api": Line(
        ("gunicorn", "-c", "python:api.server", "api.app:create_app()"),
        ports=(("port", "PORT", "the API"), ("dashboard_port", "DASHBOARD_PORT", "the dashboard")),
    ),
    "worker": Line(
        ("workers.serve", "general"),
        {"dramatiq_restart_delay": "500"},
    ),
    "ingest": Line(
        ("workers.serve", "ingest"),
        {"dramatiq_restart_delay": "500"},
    ),
    "wsbridge": Line(("wsbridge",), ports=(("ws_port", "WS_PORT", "the WebSocket bridge"),)),
    "clock": Line(("workers.clock",)),
}

STORES = {
    "postgres": Store(
        "Postgres",
        lambda settings: settings.embedded_postgres,
        lambda settings, say: postgres.prepare(settings.home, say),
        lambda settings: postgres.program(settings.home),
        stores.postgres_answers,
    ),
    "valkey": Store(
        "Valkey",
        lambda settings: settings.embedded_valkey,
        lambda settings, _: valkey.prepare(settings.home, settings.valkey_fsync),
        lambda settings: valkey.program(settings.home),
        stores.valkey_answers,
    ),
}


def service_program(service: Line) -> child.Program:
    """The program of one of our own lines."""
    return child.Program(argv=(sys.executable, "-m", *service.run), env=service.env)


def no_answer(store: Store, settings: Settings) -> str:
    """The sentence for a store of the person's own that does not answer."""
    masked = settings.masked()
    if store.title == "Postgres":
        url, variable = masked["database_url"], "DCM_DATABASE_URL (or the DB_* variables)"
    else:
        url, variable = masked["redis_url"], "DCM_REDIS_URL"
    where = f"at {url}" if "://" in str(url) else f"of {variable}"
    return f"{store.title} {where} does not answer: start it, or correct or unset {variable}."


def healthy(settings: Settings) -> bool:
    """Whether the API answers GET /health with 200."""
    with contextlib.suppress(OSError), socket.create_connection((settings.host, settings.port), timeout=2) as link:
        shown = "".join(f"{name}: {value}\r\n" for name, value in token_file.header(settings).items())
        link.sendall(f"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{shown}\r\n".encode())
        return link.recv(12) == b"HTTP/1.1 200"
    return False
