"""A power cut, as far as it can be played without one: what Valkey had not synced is gone from its file.

A process that is killed loses nothing the kernel has. So Valkey is killed, and before its keeper may bring it back,
the append-only file is cut to the length it had when it was last known to be on the disk: with `everysec` a second
before the end, with `always` at the last answer.
"""

import asyncio
import contextlib
import signal
import time
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path

from trials.instance import alive, until
from trials.trial import Trial

UNSYNCED = {"everysec": 1.0, "always": 0.0}
"""Seconds of writing that a disk may not have yet."""

LOOK_EVERY = 0.01
"""Seconds between two looks at the length of the file."""


async def cut(trial: Trial) -> None:
    """Cut the power of Valkey's machine."""
    async with _lengths(trial) as lengths:
        await asyncio.sleep(UNSYNCED["everysec"] + trial.rng.uniform(0.2, 0.6))
        keeper, valkey = trial.instance.keeper_of("valkey"), trial.instance.first_of("valkey")
        keeper.send_signal(signal.SIGSTOP)
        valkey.kill()
        ended = time.monotonic()
    try:
        await until(lambda: not alive(valkey), 5, "Valkey is dead")
        _truncate(_newest(trial), lengths, ended - UNSYNCED[trial.instance.fsync])
    finally:
        keeper.send_signal(signal.SIGCONT)


@contextlib.asynccontextmanager
async def _lengths(trial: Trial) -> AsyncIterator[deque[tuple[float, Path, int]]]:
    """(moment, file, length), noted as long as the block runs."""
    noted: deque[tuple[float, Path, int]] = deque()

    async def look() -> None:
        while True:
            path = _newest(trial)
            noted.append((time.monotonic(), path, path.stat().st_size))
            await asyncio.sleep(LOOK_EVERY)

    task = asyncio.create_task(look())
    try:
        yield noted
    finally:
        task.cancel()


def _newest(trial: Trial) -> Path:
    files = (trial.instance.where.valkey_data / "appendonlydir").glob("*.incr.aof")
    return max(files, key=lambda path: int(path.name.split(".")[-3]))


def _truncate(path: Path, lengths: deque[tuple[float, Path, int]], moment: float) -> None:
    """Cut the file to the length it had at a moment, or to nothing where it was not there yet."""
    now = path.stat().st_size
    known = [length for at, file, length in lengths if file == path and at <= moment]
    length = now if not lengths or moment >= lengths[-1][0] else known[-1] if known else 0
    with path.open("r+b") as file:
        file.truncate(length)
