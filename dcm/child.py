"""A program in a session of its own, whose whole family can be ended, also by a later keeper.

The family shares one lock file: as long as any of them lives the lock is held, and the file names
the first of them. So nobody is ever signalled on the word of a stale number.
"""

import contextlib
import os
import pwd
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from dcm import lease
from dcm.domain.errors import StartError

OWN = 0o077
"""The umask of all our processes: what they make is their owner's alone, whatever they were started with."""

LOG_LIMIT = 10_000_000
"""Bytes a log may have when its program starts, and dcm.log at any time; a larger one is set aside."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, as whom, where its output goes (None: where ours goes) and how it is asked to stop."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    log: Path | None = None
    polite: signal.Signals = signal.SIGTERM
    grace: float = 3.0
    firm: signal.Signals = signal.SIGKILL


def start(program: Program, lock: Path) -> subprocess.Popen[bytes]:
    """Start it in a session of its own, so that a signal to the terminal or to our group misses it.

    Raises:
        StartError: an earlier one of its kind is still alive.
    """
    if (descriptor := lease.take(lock)) is None:
        raise StartError(f"{Path(program.argv[0]).name} of process {lease.read_pid(lock)} is still running.")
    try:
        os.ftruncate(descriptor, 0)
        with log_output(program.log) as output:
            child = subprocess.Popen(
                program.argv,
                env={**os.environ, **program.env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[descriptor],
                start_new_session=True,
                **as_user(program.user),
            )
        lease.write_pid(descriptor, child.pid)
    finally:
        os.close(descriptor)
    return child


class Identity(TypedDict, total=False):
    """Who a program runs as, in the words of Popen."""

    umask: int
    user: int
    group: int
    extra_groups: list[int]
    cwd: str


def as_user(user: str | None) -> Identity:
    """What Popen needs to run something as another user and leave nothing of ours with it."""
    if user is None:
        return {"umask": OWN}
    entry = pwd.getpwnam(user)
    return {"umask": OWN, "user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "cwd": "/"}


def end(program: Program, lock: Path) -> bool:
    """End every process that holds `lock`: politely, then firmly, then at once. False: some still live."""
    steps = ((program.polite, program.grace), (program.firm, 1.0), (signal.SIGKILL, 1.0))
    for position, (sign, seconds) in enumerate(steps):
        if not lease.held(lock):
            return True
        _tell(lease.read_pid(lock), sign, family=position > 0)
        lease.wait_free(lock, seconds)
    return not lease.held(lock)


def _tell(pid: int | None, sign: signal.Signals, *, family: bool) -> None:
    """Signal the first of a family, who tells the others; or all of them, as when it is dead."""
    if pid is None:
        return
    with contextlib.suppress(ProcessLookupError):
        if not family:
            os.kill(pid, sign)
            return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, sign)


@contextlib.contextmanager
def log_output(log: Path | None) -> Iterator[int | None]:
    """A descriptor that appends to `log`; a log that has grown large is set aside first."""
    if log is None:
        yield None
        return
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".1.log"))
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
