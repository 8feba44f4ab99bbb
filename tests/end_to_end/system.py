"""DCM started as a person starts it, in a terminal of its own."""

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from dcm import lease
from dcm.embedded.places import places

ROOT = Path(__file__).parents[2]
HONCHO = str(Path(sys.executable).parent / "honcho")
DCM = str(Path(sys.executable).parent / "dcm")


def until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait for a condition, or fail and say what was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def gone(process: psutil.Process) -> bool:
    """Whether a process has ended, collected or not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    return True


def free_ports() -> list[int]:
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        return [server.getsockname()[1] for server in servers]


class System:
    """DCM started in a terminal of its own."""

    def __init__(self, home: Path, *argv: str, **environ: str) -> None:
        self.home, self.output = home, ""
        self.port, self.dashboard_port, self.ws_port = free_ports()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DCM_", "DB_"))}
        own = {"DCM_HOME": str(home), "PORT": self.port}
        own |= {"DASHBOARD_PORT": self.dashboard_port, "WS_PORT": self.ws_port}
        terminal, inside = pty.openpty()
        self.process = subprocess.Popen(
            argv,
            cwd=ROOT,
            env={**kept, **{name: str(value) for name, value in own.items()}, **environ},
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
        )
        os.close(inside)
        self._reader = threading.Thread(target=self._read, args=[terminal])
        self._reader.start()

    def _read(self, terminal: int) -> None:
        try:
            while chunk := os.read(terminal, 4096):
                self.output += chunk.decode(errors="replace")
        except OSError:
            pass
        finally:
            os.close(terminal)

    def healthy(self) -> bool:
        """Whether GET /health answers 200."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as link:
                link.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return link.recv(12) == b"HTTP/1.1 200"
        except OSError:
            return False

    def wait_up(self) -> "System":
        """Wait until it says where the dashboard is."""
        until(lambda: "DCM is up: http://" in self.output or self.process.poll() is not None, 60, self.output)
        assert self.process.poll() is None, self.output
        return self

    def stop(self, sign: int = signal.SIGINT) -> int:
        """What Ctrl-C does: a signal to the foreground group; gives the exit code."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, sign)
        code = self.process.wait(timeout=15)
        self._reader.join(timeout=15)
        return code

    def locks(self, kind: str) -> list[str]:
        """The lines whose keeper or child lives."""
        folder = places(self.home).run
        return sorted(path.stem for path in folder.glob(f"*.{kind}") if lease.held(path))

    def first_of(self, line: str) -> psutil.Process:
        """The first process of a line's family."""
        pid = lease.read_pid(places(self.home).run / f"{line}.child")
        if pid is None:
            raise psutil.NoSuchProcess(0, line)
        return psutil.Process(pid)

    def keeper_of(self, line: str) -> psutil.Process:
        """The keeper of a line: the parent of what it keeps."""
        return self.first_of(line).parents()[0]

    def get(self, path: str) -> dict[str, Any]:
        """The JSON answer of a GET."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            found = json.load(answer)
        assert isinstance(found, dict)
        return found
