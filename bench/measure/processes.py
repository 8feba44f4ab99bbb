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
        family = [one for one in _family(pid) if not _serves_one(one)]
        memory = sum(one.memory_full_info().pss for one in family)
        found[line] = State(memory / 2**20, sum(one.num_fds() for one in family), len(family))
    return found


def _serves_one(process: psutil.Process) -> bool:
    """Whether it is a Postgres that serves one connection, or a worker it started for a moment."""
    words = process.cmdline()
    return bool(words) and words[0].startswith("postgres: ") and not words[0].startswith(LASTING)


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
