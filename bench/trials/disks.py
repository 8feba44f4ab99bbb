"""Small disks of a trial's own, which can be filled: a tmpfs for the home, another for Valkey's data."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from dcm.embedded.places import places
from trials.instance import Missing, Wrong
from trials.trial import Trial

HOME_MB, VALKEY_MB = 700, 200
"""Megabytes: a new database wants 300 free, a start 30 of Postgres and 20 of Valkey."""

FULL_FOR = (1.5, 4.0)
"""Seconds for which a disk is full."""

SEEN_AFTER = 1.0
"""Seconds within which Valkey has noticed that it cannot write, and takes nothing more."""

LAST_PAGE = 10
"""Events that may still be written to what the last page of its file has left."""


@contextlib.contextmanager
def small(folder: Path) -> Iterator[Path]:
    """A folder whose home lies on small disks, for a `with` block; needs root."""
    home, mounted = folder / "home", list[Path]()
    try:
        for place, megabytes in ((home, HOME_MB), (places(home).valkey_data, VALKEY_MB)):
            place.mkdir(mode=0o711, parents=True, exist_ok=True)
            _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0711", "tmpfs", str(place))
            mounted.append(place)
        yield folder
    finally:
        for place in reversed(mounted):
            _run("umount", "--lazy", str(place))


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(
            f"A small disk could not be made ({done.stderr.strip()}): run this as root, where mount is allowed."
        )


def _fill(folder: Path) -> Path:
    """Fill the disk of a folder to the last byte."""
    filler = folder / "filler"
    descriptor = os.open(filler, os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while True:
            os.write(descriptor, b"\0" * 1_000_000)
    os.close(descriptor)
    return filler


async def full_for_postgres(trial: Trial) -> None:
    """Fill the disk of Postgres; hooks are accepted all the same."""
    await _full(trial, [trial.instance.home])


async def full_for_valkey(trial: Trial) -> None:
    """Fill Valkey's disk: nothing may be acknowledged once it has noticed."""
    await _full(trial, [trial.instance.where.valkey_data])


async def full_for_both(trial: Trial) -> None:
    """Fill both disks."""
    await _full(trial, [trial.instance.home, trial.instance.where.valkey_data])


async def _full(trial: Trial, folders: list[Path]) -> None:
    fillers = [await asyncio.to_thread(_fill, folder) for folder in folders]
    try:
        await asyncio.sleep(SEEN_AFTER)
        before = trial.load.ledger.answered
        await asyncio.sleep(trial.rng.uniform(*FULL_FOR))
        accepted = trial.load.ledger.answered - before
    finally:
        for filler in fillers:
            filler.unlink()
    if accepted > LAST_PAGE and trial.instance.where.valkey_data in folders:
        raise Wrong(f"{accepted} events were acknowledged while Valkey could not write")
