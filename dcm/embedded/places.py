"""Where the embedded stores keep their data and their sockets, given DCM_HOME."""

import contextlib
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from dcm.domain.errors import StartError

SOCKET_PATH_LIMIT = 100
"""Longest usable Unix socket path in bytes: the kernel allows 107, Postgres adds a lock file beside it."""

ROOT_STORE = Path("/var/lib/dcm")
"""Where root's Postgres keeps its data when DCM_HOME lies in a private folder."""

SHORT_ROOT = Path("/tmp")  # nosec B108 # noqa: S108 - not $TMPDIR, which differs between processes
"""Where sockets go whose path in DCM_HOME would be too long."""


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of the embedded stores. `postgres_sockets` holds `.s.PGSQL.5432`."""

    postgres_data: Path
    postgres_sockets: Path
    valkey_data: Path
    valkey_socket: Path
    figures_sockets: Path
    logs: Path
    run: Path

    @property
    def postgres_url(self) -> str:
        """The URL of the embedded database; the port is named because PGPORT may be set."""
        return f"postgresql://postgres@/dcm?host={quote(str(self.postgres_sockets), safe='')}&port=5432"

    @property
    def valkey_url(self) -> str:
        """The URL of the embedded Valkey."""
        return f"unix://{quote(str(self.valkey_socket))}?db=0"


def reachable_by_others(path: Path) -> bool:
    """Whether another user can reach `path` through each of its existing parents."""
    existing = [part for part in (path, *path.parents) if part.exists()]
    return all(part.stat().st_mode & 0o001 for part in existing)


def places(home: Path, *, uid: int | None = None) -> Places:
    """Where the stores of this DCM_HOME live.

    Postgres refuses to run as root, so root's Postgres runs as a user of its own, which must reach
    its data: in DCM_HOME when every folder above is open to others, else in /var/lib/dcm.
    """
    as_root = (os.getuid() if uid is None else uid) == 0
    store = _root_store(home) if as_root else home
    return Places(
        postgres_data=store / "postgres",
        postgres_sockets=_short(store / "postgres-sockets", home),
        valkey_data=home / "valkey",
        valkey_socket=_short(home / "valkey", home) / "valkey.sock",
        figures_sockets=_short(home / "run" / "figures", home),
        logs=home / "logs",
        run=home / "run",
    )


def make_home(home: Path) -> None:
    """Make DCM_HOME, closed to others; root's lets its Postgres pass through where the parents do.

    Raises:
        StartError: the folder cannot be made, or others may write in it.
    """
    mode = 0o711 if os.getuid() == 0 and reachable_by_others(home.parent) else 0o700
    try:
        with contextlib.suppress(FileExistsError):
            home.mkdir(mode=mode, parents=True)
            home.chmod(mode)
        _refuse_others(home)
        for folder in ("logs", "run"):
            private_folder(home / folder)
    except OSError as error:
        raise StartError(
            f"DCM_HOME {home} cannot be used ({error.strerror}): make room for it or set DCM_HOME to another folder."
        ) from error


def _refuse_others(home: Path) -> None:
    """Refuse a folder in which others could read, or lay down, what only its owner may.

    Raises:
        StartError: it is another user's, or others may write in it.
    """
    known = home.stat()
    if known.st_uid != os.getuid():
        raise StartError(f"DCM_HOME {home} belongs to another user: set DCM_HOME to a folder of your own.")
    if known.st_mode & 0o022:
        raise StartError(
            f"DCM_HOME {home} can be written by other users: `chmod go-w {home}`, or set DCM_HOME to another folder."
        )


def private_folder(folder: Path, mode: int = 0o700, owner: tuple[int, int] | None = None) -> None:
    """Make `folder` for ourselves, or for `owner` (uid, gid); one that belongs to somebody else is refused.

    Raises:
        StartError: the folder is another user's, or a link.
    """
    folder.mkdir(mode=mode, parents=True, exist_ok=True)
    allowed = {os.getuid(), owner[0] if owner else os.getuid()}
    if folder.is_symlink() or folder.stat().st_uid not in allowed:
        raise StartError(f"{folder} belongs to another user: remove it, or set DCM_HOME to another folder.")
    if owner:
        os.chown(folder, *owner)
    folder.chmod(mode)


def passable_folder(folder: Path, mode: int = 0o711) -> None:
    """Make a folder that root's Postgres passes through, and those of ours above it, whatever the umask."""
    if folder.exists():
        return
    if folder != ROOT_STORE and ROOT_STORE in folder.parents:
        passable_folder(ROOT_STORE, 0o755)
    folder.mkdir(mode=mode, parents=True, exist_ok=True)
    folder.chmod(mode)


def make_socket_folder(folder: Path, home: Path, owner: tuple[int, int] | None = None) -> None:
    """Make the folder of a socket, and the short one above it when DCM_HOME's path is too long.

    DCM_HOME itself is left as it is, also where it lies beside the short ones: who may pass through it decides
    where root's Postgres keeps its data.
    """
    if folder.parent != home and folder.parent.parent == SHORT_ROOT:
        private_folder(folder.parent, 0o711)
    private_folder(folder, owner=owner)


def _key(home: Path) -> str:
    return f"{zlib.crc32(os.fsencode(home)):08x}"


def _root_store(home: Path) -> Path:
    """Where root's Postgres lives. Data that exists stays where it is, whatever became of the folders."""
    ours = ROOT_STORE / _key(home)
    if (ours / "postgres").exists():
        return ours
    if (home / "postgres").exists() or reachable_by_others(home):
        return home
    return ours


def _short(folder: Path, home: Path) -> Path:
    """`folder`, or a short one of our own when a socket in it would have too long a path."""
    if len(os.fsencode(folder / ".s.PGSQL.5432")) <= SOCKET_PATH_LIMIT:
        return folder
    return SHORT_ROOT / f"dcm-{os.getuid()}-{_key(home)}" / folder.name
