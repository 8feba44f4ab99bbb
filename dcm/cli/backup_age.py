"""What `dcm doctor` says of the backups: how old the newest is, and why none could be made."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from dcm import backups
from dcm.cli.findings import Finding, ok, warning
from dcm.embedded.places import places
from dcm.settings import Settings

OLD = timedelta(days=2)
"""The age from which on the newest backup is too old."""


def look(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Whether there is a backup that is new enough."""
    mark = backups.mark(settings.home, settings.backups)
    made, failure = backups.found(settings.backups, mark), backups.failure(settings.backups, mark)
    newest = made[0][0] if made else None
    why = f"; the last try failed: {failure[1]}" if failure else ""
    if newest and now - newest <= OLD and not failure:
        yield ok("backup", f"the newest is of {_shown(newest)}, in {settings.backups}")
    elif newest:
        yield warning("backup", f"the newest is of {_shown(newest)}{why}", "Run `dcm backup`.")
    elif failure or _age(settings, now) > OLD:
        yield warning("backup", f"there is none in {settings.backups}{why}", "Run `dcm backup`.")
    else:
        yield ok("backup", f"there is none yet; they go to {settings.backups}")


def _shown(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def _age(settings: Settings, now: datetime) -> timedelta:
    """How long there has been something to lose: since the embedded database was made."""
    mark = places(settings.home).postgres_data / "PG_VERSION"
    try:
        return now - datetime.fromtimestamp(mark.stat().st_mtime, now.tzinfo)
    except OSError:
        return timedelta(0)
