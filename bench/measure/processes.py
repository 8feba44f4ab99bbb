"""CPU time of a running DCM, by the line of the Procfile."""

import contextlib
from collections.abc import Iterator

import psutil

from dcm import lease
from dcm.embedded.places import places
from dcm.settings import Settings


def cpu_seconds(settings: Settings) -> dict[str, float]:
    """{line: CPU time its processes have used since they began}; those that ended meanwhile count to their parents."""
    used: dict[str, float] = {}
    for lock in sorted(places(settings.home).run.glob("*.child")):
        line, pid = lock.name.partition(".")[0], lease.read_pid(lock)
        if pid is not None and lease.held(lock):
            used[line] = used.get(line, 0.0) + sum(map(_used, _family(pid)))
    return used


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
