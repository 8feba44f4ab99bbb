"""Room on the disk, said in a sentence before something fails for the lack of it."""

import os
from pathlib import Path

from dcm.domain.errors import StartError

MEGABYTE = 1_000_000


def require_room(folder: Path, megabytes: int, purpose: str) -> None:
    """Make sure the disk that `folder` is (or will be) on has room.

    Raises:
        StartError: it has less; the message says where, how much there is and what to do.
    """
    existing = next(part for part in (folder, *folder.parents) if part.exists())
    state = os.statvfs(existing)
    free = state.f_bavail * state.f_frsize // MEGABYTE
    if free < megabytes:
        raise StartError(
            f"The disk of {existing} has {free} MB free and {purpose} needs {megabytes} MB: "
            "free some, or set DCM_HOME to a folder on another disk."
        )


def last_words(log: Path, lines: int = 5) -> str:
    """The end of a log, for an error message; the reasons a store gave when it gave any."""
    if not log.exists():
        return "it left no log"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 20_000))
        tail = file.read().decode(errors="replace").splitlines()
    reasons = [line for line in tail if "FATAL" in line or "PANIC" in line]
    return " / ".join(reasons[-1:] or tail[-lines:]) or "its log is empty"
