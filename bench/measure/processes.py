"""CPU time, memory, files and processes of a running DCM, by the line of the Procfile."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

from dcm import lease
from dcm.embedded.places import places
from dcm.settings import Settings

LASTING = (
    "postgres: checkpointer",
    "postgres: background writer",
    "postgres: walwriter",
    "postgres: autovacuum launcher",
)
"""The processes of a Postgres that live as long as it does."""


def cpu_seconds(settings: Settings) -> dict[str, float]:
    """{line: CPU time its processes have used since they began}; those that ended meanwhile count to their parents."""
    used: dict[str, float] = {}
    for line, pid in _lines(settings):
        used[line] = used.get(line, 0.0) + sum(map(_used, _family(pid)))
    return used


def _lines(settings: Settings) -> Iterator[tuple[str, int]]:
    for lock in sorted(places(settings.home).run.glob("*.child")):
        pid = lease.read_pid(lock)
        if pid is not None and lease.held(lock):
            yield lock.name.partition(".")[0], pid


@dataclass(frozen=True, slots=True)
class State:
    """What a line holds: megabytes of memory (what is shared by several counts in part for each), files, processes."""

    mb: float
    files: int
    processes: int


def state(settings: Settings) -> dict[str, State]:
    """{line: what its processes hold}, the servers of database connections left out: they come and go."""
    found = {}
    for line, pid in _lines(settings):
        held = [one for one in map(_held, _family(pid)) if one]
        found[line] = State(sum(one.mb for one in held), sum(one.files for one in held), len(held))
    return found


def _held(process: psutil.Process) -> State | None:
    """What a process holds; None when it ended, is a Postgres that serves one connection, or works for one."""
    try:
        words = process.cmdline()
        if words and words[0].startswith("postgres: ") and not words[0].startswith(LASTING):
            return None
        return State(process.memory_full_info().pss / 2**20, process.num_fds(), 1)
    except psutil.NoSuchProcess:
        return None


def own_cpu_seconds() -> float:
    """CPU time of this process."""
    return _used(psutil.Process())


def _family(pid: int) -> Iterator[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        yield process
        yield from process.children(recursive=True)


def _used(process: psutil.Process) -> float:
    try:
        return sum(process.cpu_times()[:4])
    except psutil.NoSuchProcess:
        return 0.0
