"""A whole DCM of its own: every line of the Procfile under its keeper, embedded stores, a proxy before each store."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import redis

from db.pool import Conn, connect
from dcm import lease
from dcm.embedded.places import Places, make_home, places
from trials.proxy import Proxy

ROOT = Path(__file__).parents[2]
SERVICES = ("api", "worker", "ingest", "wsbridge", "clock")
STORES = ("postgres", "valkey")
CLOCKS = Path(__file__).parent / "clocks"
ENDS_WITH_US = ("setpriv", "--pdeathsig", "TERM")
"""Runs a program that is told to stop when we die, however we do."""

FAKETIME = "/usr/lib/*/faketime/libfaketime.so.1"
"""Debian's libfaketime."""


class Wrong(Exception):
    """What was promised is not so; the message says what."""


class Missing(Exception):
    """Something the trial needs is not on this machine; the message says what to install."""


def free_ports(count: int) -> list[int]:
    """Ports that nobody has, as far as can be known."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [server.getsockname()[1] for server in servers]


async def until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait for a condition, or say what did not come true."""
    deadline = time.monotonic() + seconds
    while not await asyncio.to_thread(condition):
        if time.monotonic() > deadline:
            raise Wrong(f"after {seconds:.0f} s still not: {what}")
        await asyncio.sleep(0.03)


def alive(process: psutil.Process) -> bool:
    """Whether a process runs; one that nobody has collected does not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


class Instance:
    """DCM as `honcho start` runs it, with `home` in a folder; what is not DCM's own lies beside that home.

    `clock`: its clocks can be moved. `fsync`: of the embedded Valkey.
    """

    def __init__(self, folder: Path, *, fsync: str = "everysec", clock: bool = False) -> None:
        self.folder, self.home = folder, (home := folder / "home")
        self.fsync, self.clock = fsync, clock
        home.mkdir(exist_ok=True)
        folder.chmod(0o711)
        home.chmod(0o711)  # or root's Postgres, which is another user, would have its data elsewhere
        self.where: Places = places(home)
        self.port, self.dashboard_port, self.ws_port = free_ports(3)
        self.postgres = Proxy(self.where.postgres_sockets / ".s.PGSQL.5432")
        self.valkey = Proxy(self.where.valkey_socket)
        self.shift_file = folder / "shift"
        self.shift = 0.0
        self.log = self.where.logs / "dcm.log"
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it and wait until it answers."""
        await self.postgres.start()
        await self.valkey.start()
        self.move_clock(0)
        procfile = self.folder / "Procfile"
        procfile.write_text("".join(f"{line}: {self._command(line)}\n" for line in (*SERVICES, *STORES)))
        make_home(self.home)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - it takes a moment, once
                [*ENDS_WITH_US, sys.executable, "-m", "dcm.procfile", str(self.log), "start", "-f", str(procfile)],
                cwd=ROOT,
                env=self._environ(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            await until(self.well, 60, f"DCM is up\n{self.last_words()}")
        except Wrong:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop all of it, as Ctrl-C does."""
        process = self._process
        if process and process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            try:
                await asyncio.to_thread(process.wait, 20)
            except subprocess.TimeoutExpired:
                process.kill()  # its keepers end everything without it
        await self.postgres.stop()
        await self.valkey.stop()

    def last_words(self) -> str:
        """The end of what the keepers and the services said."""
        return self.log.read_bytes()[-4000:].decode(errors="replace") if self.log.exists() else ""

    def well(self) -> bool:
        """Whether every line lives and /health answers 200."""
        try:
            return all(self._lives(line) for line in (*SERVICES, *STORES)) and self.healthy()
        except (psutil.Error, OSError):
            return False

    def healthy(self) -> bool:
        """Whether GET /health answers 200."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as link:
                link.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return link.recv(12) == b"HTTP/1.1 200"
        except OSError:
            return False

    def first_of(self, line: str) -> psutil.Process:
        """The first process of a line's family."""
        pid = lease.read_pid(self.where.run / f"{line}.1.child")
        if pid is None:
            raise psutil.NoSuchProcess(0, line)
        return psutil.Process(pid)

    def keeper_of(self, line: str) -> psutil.Process:
        """The keeper of a line."""
        keeper = self.first_of(line).parent()
        if keeper is None:
            raise psutil.NoSuchProcess(0, f"the keeper of {line}")
        return keeper

    def database(self) -> Conn:
        """A connection past the proxy."""
        return connect(self.where.postgres_url, "trial")

    def queue(self) -> redis.Redis:
        """Valkey past the proxy."""
        return redis.Redis.from_url(self.where.valkey_url, socket_timeout=5)

    def now(self) -> float:
        """The time of this DCM, which is also that of its clients."""
        return time.time() + self.shift

    def move_clock(self, shift: float) -> None:
        """Let the wall clocks of all its processes and stores be so many seconds off."""
        self.shift = shift
        draft = self.shift_file.with_suffix(".new")
        draft.write_text(f"{shift:+.0f}", encoding="ascii")
        draft.chmod(0o644)
        draft.replace(self.shift_file)

    def _lives(self, line: str) -> bool:
        held = lease.held(self.where.run / f"{line}.1.keeper") and lease.held(self.where.run / f"{line}.1.child")
        if not held or not alive(first := self.first_of(line)):
            return False
        return line != "api" or any(alive(child) for child in first.children())

    def _command(self, line: str) -> str:
        own = "env -u DCM_DATABASE_URL -u DCM_REDIS_URL " if line in STORES else ""
        faked = f"SHIFT_LIBRARY={_library()} " if self.clock and line in STORES else ""
        return f"exec {own or 'env '}{faked}{sys.executable} -m dcm.keep {line}"

    def _environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DCM_", "DB_"))}
        own = {
            "DCM_HOME": str(self.home),
            "DCM_PORT": str(self.port),
            "DASHBOARD_PORT": str(self.dashboard_port),
            "WS_PORT": str(self.ws_port),
            "DCM_DATABASE_URL": f"postgresql://postgres@127.0.0.1:{self.postgres.port}/dcm",
            "DCM_REDIS_URL": f"redis://127.0.0.1:{self.valkey.port}/0",
            "DCM_VALKEY_FSYNC": self.fsync,
            "DCM_AUTOSTART": "0",
            "MAX_DB_RETRIES": "60",
            "PYTHONPATH": os.pathsep.join([str(CLOCKS)] * self.clock + [str(ROOT)]),
        }
        faked = {
            "SHIFT_FILE": str(self.shift_file),
            "FAKETIME_TIMESTAMP_FILE": str(self.shift_file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DISABLE_SHM": "1",
        }
        return kept | own | (faked if self.clock else {})


def _library() -> Path:
    found = sorted(Path("/").glob(FAKETIME.lstrip("/")))
    if not found:
        raise Missing("The clocks of the stores cannot be moved: apt-get install libfaketime")
    return found[0]
