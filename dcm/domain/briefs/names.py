"""Files by their names, those of a folder together: a path is written once, not once a file."""

import posixpath
from collections.abc import Iterable, Sequence

from dcm.domain.briefs.fitting import Item
from dcm.domain.snapshots import FileChange, Name

LONE = 0.03
"""Names that weigh less are not likely to be used again; they are left out."""


def changes(changed: Iterable[FileChange]) -> list[Item]:
    """The files changed, the most likely to be used again first."""
    by_weight = sorted(changed, key=lambda change: (-round(change.weight, 6), change.path))
    return [_grouped(change.path, _mark(change)) for change in by_weight]


def _mark(change: FileChange) -> str:
    times = f" ×{change.times}" if change.times > 2 else ""
    how = "" if change.how == "edited" else f" {change.how}"
    return f"{how}{times}"


def others(used: Sequence[Name]) -> list[Item]:
    """The files used and not changed."""
    return [_grouped(name.name, "", key=name.name) for name in used if name.weight >= LONE]


def _grouped(path: str, mark: str, key: str = "") -> Item:
    folder, name = posixpath.split(" ".join(path.split()))
    return Item(f"{name}{mark}", f"- {folder}/:" if folder else "- ./:", key)


def last_lines(changed: Sequence[FileChange]) -> list[Item]:
    """What the newest edits brought, a line each."""
    return [Item(f"- {posixpath.basename(change.path)}: `{change.last}`") for change in changed if change.last]
