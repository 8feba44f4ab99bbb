"""The folder of backups: how they are named, which is the newest, which are too old, and why the last one failed."""

import contextlib
import json
import re
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

NIGHT = 3
"""The hour of the night, by this machine's clock, at which a backup is made."""

FIRST_AFTER = timedelta(hours=1)
"""How long DCM runs before it makes its first backup, and waits after one that failed."""

_FORMAT = "%Y%m%d-%H%M%S"

FAILURE = "last-failure"
"""How the file begins that stands in the folder while the last try failed: when, and why."""

MARK = "backup-mark"
"""The file of DCM_HOME that holds what tells its backups from those of others in one folder."""

NOBODY = "-nobody"
"""The mark of a DCM that made no backup yet."""


def mark(home: Path, folder: Path) -> str:
    """What ends the names of the backups of a DCM in a folder: nothing in its own, else what is only its own."""
    if folder == home / "backups":
        return ""
    try:
        told = (home / MARK).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return NOBODY
    return f"-{told}" if re.fullmatch("[0-9a-f]{8}", told) else NOBODY


def make_mark(home: Path) -> None:
    """Give a DCM its mark, once; one at a time."""
    if mark(home, Path()) == NOBODY:
        (home / MARK).write_text(f"{secrets.token_hex(4)}\n", encoding="ascii")


def name(at: datetime, mark: str = "") -> str:
    """The name of a backup made at a moment."""
    return f"dcm-{at.astimezone(UTC):{_FORMAT}}{mark}.dump"


def found(folder: Path, mark: str = "") -> list[tuple[datetime, Path]]:
    """(moment, file) of every whole backup of a folder that has a mark, the newest first."""
    pattern = re.compile(rf"dcm-(\d{{8}}-\d{{6}}){re.escape(mark)}\.dump")
    files = [(match[1], path) for path in folder.glob("dcm-*.dump") if (match := pattern.fullmatch(path.name))]
    return sorted(((datetime.strptime(at, _FORMAT).replace(tzinfo=UTC), path) for at, path in files), reverse=True)


def drafts(folder: Path, mark: str = "") -> list[Path]:
    """What a backup that was interrupted left in a folder."""
    pattern = re.compile(rf"\.dcm-\d{{8}}-\d{{6}}{re.escape(mark)}\.dump\.part")
    return [path for path in folder.glob(".dcm-*.part") if pattern.fullmatch(path.name)]


def remove_old(folder: Path, keep_days: int, now: datetime, mark: str = "") -> list[Path]:
    """Remove the backups older than so many days, never the newest; which they were."""
    old = [path for at, path in found(folder, mark)[1:] if now - at > timedelta(days=keep_days)]
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


def note_failure(folder: Path, reason: str, now: datetime, mark: str = "") -> None:
    """Keep why a backup could not be made; a folder that takes nothing tells it by itself."""
    with contextlib.suppress(OSError):
        (folder / f"{FAILURE}{mark}.json").write_text(
            json.dumps({"at": now.isoformat(), "reason": reason}), encoding="utf-8"
        )


def forget_failure(folder: Path, mark: str = "") -> None:
    """A backup was made."""
    (folder / f"{FAILURE}{mark}.json").unlink(missing_ok=True)


def failure(folder: Path, mark: str = "") -> tuple[datetime, str] | None:
    """(moment, reason) of the last try, None when it went well."""
    try:
        told = json.loads((folder / f"{FAILURE}{mark}.json").read_text(encoding="utf-8"))
        return datetime.fromisoformat(told["at"]), str(told["reason"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
