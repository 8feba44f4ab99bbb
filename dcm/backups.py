"""The folder of backups: how they are named, which is the newest, which are too old, and why the last one failed."""

import contextlib
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

NIGHT = 3
"""The hour of the night, by this machine's clock, at which a backup is made."""

FIRST_AFTER = timedelta(hours=1)
"""How long DCM runs before it makes its first backup, and waits after one that failed."""

_NAME = re.compile(r"dcm-(\d{8}-\d{6})\.dump")

_FORMAT = "%Y%m%d-%H%M%S"

FAILURE = "last-failure.json"
"""Stands in the folder while the last try failed: when, and why."""


def name(at: datetime) -> str:
    """The name of a backup made at a moment."""
    return f"dcm-{at.astimezone(UTC):{_FORMAT}}.dump"


def found(folder: Path) -> list[tuple[datetime, Path]]:
    """(moment, file) of every whole backup of a folder, the newest first."""
    files = [(match[1], path) for path in folder.glob("dcm-*.dump") if (match := _NAME.fullmatch(path.name))]
    return sorted(((datetime.strptime(at, _FORMAT).replace(tzinfo=UTC), path) for at, path in files), reverse=True)


def remove_old(folder: Path, keep_days: int, now: datetime) -> list[Path]:
    """Remove the backups older than so many days, never the newest; which they were."""
    old = [path for at, path in found(folder)[1:] if now - at > timedelta(days=keep_days)]
    for path in old:
        path.unlink(missing_ok=True)
    return old


def is_due(newest: datetime | None, failed: datetime | None, began: datetime, now: datetime) -> bool:
    """Whether a backup is to be made: a night began since the newest; the first an hour after DCM itself.

    `began`: when DCM did. Moments have the zone of this machine.
    """
    if failed is not None and now - failed < FIRST_AFTER:
        return False
    if newest is None:
        return now - began >= FIRST_AFTER
    night = now.replace(hour=NIGHT, minute=0, second=0, microsecond=0)
    return newest < (night if night <= now else night - timedelta(days=1))


def note_failure(folder: Path, reason: str, now: datetime) -> None:
    """Keep why a backup could not be made; a folder that takes nothing tells it by itself."""
    with contextlib.suppress(OSError):
        (folder / FAILURE).write_text(json.dumps({"at": now.isoformat(), "reason": reason}), encoding="utf-8")


def forget_failure(folder: Path) -> None:
    """A backup was made."""
    (folder / FAILURE).unlink(missing_ok=True)


def failure(folder: Path) -> tuple[datetime, str] | None:
    """(moment, reason) of the last try, None when it went well."""
    try:
        told = json.loads((folder / FAILURE).read_text(encoding="utf-8"))
        return datetime.fromisoformat(told["at"]), str(told["reason"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
