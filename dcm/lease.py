"""Which processes are alive, told by file locks: the kernel drops a lock when its last holder dies."""

import fcntl
import os
import time
from pathlib import Path


def take(path: Path, seconds: float = 0.2) -> int | None:
    """Take the lock of `path` and return its descriptor, or None when somebody holds it all the time."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                return None
            time.sleep(0.02)
        else:
            return descriptor


def held(path: Path) -> bool:
    """Whether somebody holds the lock of `path`."""
    if not path.exists():
        return False
    if (descriptor := take(path, 0)) is None:
        return True
    os.close(descriptor)
    return False


def wait_free(path: Path, seconds: float) -> bool:
    """Wait until nobody holds the lock of `path`; False when somebody still does at the end."""
    deadline = time.monotonic() + seconds
    while held(path):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def write_pid(descriptor: int, pid: int) -> None:
    """Note in the locked file whose lock it is."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(pid).encode(), 0)


def read_pid(path: Path) -> int | None:
    """The process a locked file names, or None when it names none."""
    text = path.read_text(encoding="ascii").strip() if path.exists() else ""
    return int(text) if text.isdigit() else None
