"""Whether a port can be had, and who has it."""

import contextlib
import errno
import socket
from collections.abc import Iterator
from pathlib import Path

from dcm.domain.errors import StartError

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


def require_free(host: str, port: int, variable: str, purpose: str) -> None:
    """Make sure a server could listen on this port.

    Raises:
        StartError: it could not; the message names the port, its owner and the variable that changes it.
    """
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, proto) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise StartError(
                f"HOST {host} is not an address of this machine and cannot be used ({error.strerror}). "
                "Set HOST to one that is: 127.0.0.1, or 0.0.0.0 for all."
            ) from error
        raise StartError(
            f"Port {port} ({purpose}) cannot be used: {_why(error, port)}. "
            f"Stop what uses it, or set {variable} to another port."
        ) from error


def _why(error: OSError, port: int) -> str:
    if (owner := owner_of(port)) is None:
        return (error.strerror or str(error)).lower()
    pid, command = owner
    return f"process {pid} ({command}) listens on it"


def owner_of(port: int) -> tuple[int, str] | None:
    """(pid, command) of a process that listens on `port`, where this system tells."""
    inodes = set(_listening_inodes(port))
    for pid in _processes() if inodes else ():
        if inodes & set(_socket_inodes(pid)):
            return pid, Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    return None


def users_of(port: int) -> set[int] | None:
    """Whose sockets listen on `port`; None where this system does not tell."""
    return {int(columns[7]) for columns in _listening(port)} if TABLES[0].exists() else None


def _listening_inodes(port: int) -> Iterator[str]:
    return (columns[9] for columns in _listening(port))


def _listening(port: int) -> Iterator[list[str]]:
    """The sockets in state LISTEN (0A) on `port`, from Linux's tables."""
    for table in TABLES:
        lines = table.read_text(encoding="ascii").splitlines()[1:] if table.exists() else []
        for columns in map(str.split, lines):
            if columns[3] == "0A" and int(columns[1].rpartition(":")[2], 16) == port:
                yield columns


def _processes() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _socket_inodes(pid: int) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                kind, _, inode = str(entry.readlink()).partition(":")
                if kind == "socket":
                    yield inode.strip("[]")
