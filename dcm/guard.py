"""What survives the death of a keeper: a twin that takes its place, and an eye on honcho."""

import contextlib
import errno
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

HONCHO = "DCM_HONCHO_PID"
"""Environment variable: the honcho this line belongs to, for the twin that takes over."""


TWIN = 'read word || exec "$0" -m dcm.keep "$1" again'
"""What the twin runs: it sleeps until its input says a word (end) or is closed by the keeper's death (take over)."""


class Guard:
    """A small shell in the same process group that becomes the keeper when the keeper is killed.

    honcho takes a line for alive while somebody holds its output open, so it notices nothing.
    """

    def __init__(self, line: str) -> None:
        self._argv = ["/bin/sh", "-c", TWIN, sys.executable, line]
        self._twin = self._stand()

    def check(self) -> None:
        """Put up another twin when this one was killed."""
        if self._twin.poll() is not None:
            self._close()
            self._twin = self._stand()

    def dismiss(self) -> None:
        """The keeper ends on purpose: nobody takes over."""
        with contextlib.suppress(OSError):
            assert self._twin.stdin
            self._twin.stdin.write(b"end\n")
            self._twin.stdin.flush()
        self._twin.wait()
        self._close()

    def _stand(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._argv, stdin=subprocess.PIPE)

    def _close(self) -> None:
        with contextlib.suppress(OSError):
            assert self._twin.stdin
            self._twin.stdin.close()


def note_honcho() -> None:
    """Remember who started this line: honcho is the parent of the process that reads our output."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # the terminal honcho left us would stay open with us
    if "HONCHO_PROCESS_NAME" in os.environ and HONCHO not in os.environ:
        os.environ[HONCHO] = str(_parent(os.getppid()))


def honcho_lives() -> bool:
    """False once the honcho that started this line is dead; True when none did."""
    pid = int(os.environ.get(HONCHO, "0"))
    if pid <= 1:
        return True
    if Path("/proc/self").exists():
        return _stat(pid)[:1] not in ([], ["Z"])
    try:
        os.kill(pid, 0)
    except OSError as error:
        return error.errno != errno.ESRCH
    return True


def release_honcho(seconds: float = 4.0) -> None:
    """End a honcho that would wait for ever: it never hears the end of a line whose reader was killed."""
    pid, deadline = int(os.environ.get(HONCHO, "0")), time.monotonic() + seconds
    while honcho_lives() and _readers(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    if pid > 1 and honcho_lives():
        os.kill(pid, signal.SIGKILL)


def output_is_read() -> bool:
    """Whether the other end of our output is still open."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return not poll.poll(0)


def write_to(log: Path) -> None:
    """Send our output, and that of what we start, to a file: nobody reads it any more."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def _stat(pid: int) -> list[str]:
    """State, parent and so on of a process, from Linux's table; nothing when there is none."""
    with contextlib.suppress(OSError):
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return text.rpartition(")")[2].split()
    return []


def _readers(pid: int) -> list[int]:
    """The processes of honcho that still read a line's output."""
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return [int(child) for child in children if _stat(int(child))[:1] not in ([], ["Z"])]
    return []


def _parent(pid: int) -> int:
    return int((_stat(pid) or ["", "0"])[1])
