"""Whether the stores answer, embedded or not. For processes that must stay light: no database library."""

import contextlib
import socket
import subprocess
from urllib.parse import unquote, urlsplit

from dcm.domain import passwords
from dcm.embedded import binaries, postgres, valkey
from dcm.settings import Settings

ALIVE = (b"+PONG", b"-NOAU", b"-WRON", b"-NOPE")
"""How a Redis that works may begin its answer to PING; one that is loading begins otherwise."""


def postgres_answers(settings: Settings) -> bool:
    """Whether the database takes connections. Whether it takes ours is seen by who connects."""
    if settings.embedded_postgres:
        return postgres.answers(settings.home)
    url = passwords.without(settings.database_url)
    ready = binaries.postgres_folder(None) / "pg_isready"
    code = subprocess.run([ready, "-q", "-t", "3", "-d", url], check=False, stderr=subprocess.DEVNULL).returncode
    return code not in {1, 2}


def valkey_answers(settings: Settings) -> bool:
    """Whether Valkey or Redis takes commands."""
    if settings.embedded_valkey:
        return valkey.answers(settings.home)
    url = urlsplit(settings.redis_url)
    if url.scheme == "unix":
        return _pong(socket.AF_UNIX, unquote(url.path))
    return _pong(socket.AF_INET, (url.hostname or "localhost", url.port or 6379), quiet=url.scheme == "rediss")


def _pong(family: socket.AddressFamily, address: str | tuple[str, int], *, quiet: bool = False) -> bool:
    """Whether a PING is answered; one who speaks TLS only needs to accept the connection."""
    with contextlib.suppress(OSError):
        if isinstance(address, tuple):
            connection = socket.create_connection(address, timeout=2)
        else:
            connection = socket.socket(family)
            connection.settimeout(2)
            connection.connect(address)
        with connection:
            if quiet:
                return True
            connection.sendall(b"PING\r\n")
            return connection.recv(5) in ALIVE
    return False
