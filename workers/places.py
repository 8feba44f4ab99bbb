"""Which project a folder belongs to: the repository, whatever worktree or subfolder it is."""

import time
from dataclasses import dataclass
from pathlib import Path

REMEMBERED_S = 60.0
"""Seconds a folder's place is believed: it changes only when somebody makes or moves a repository."""

PATH_BYTES = 8192
"""Bytes of the longest path that is read."""


@dataclass(frozen=True, slots=True)
class Place:
    """`project`: the main working tree, or the folder itself outside git; `worktree`: the tree it lies in."""

    project: str
    worktree: str

    @property
    def name(self) -> str:
        """What a person calls the project: its last path segment."""
        return Path(self.project).name or self.project


_known: dict[str, tuple[float, Place]] = {}


def place_of(cwd: str) -> Place:
    """The place of a folder. A folder that cannot be read here (another machine's) is its own project."""
    now = time.monotonic()
    known = _known.get(cwd)
    if known and now - known[0] < REMEMBERED_S:
        return known[1]
    if len(_known) > 10_000:
        _known.clear()
    place = _look(Path(cwd))
    _known[cwd] = (now, place)
    return place


def _look(folder: Path) -> Place:
    given = str(folder)
    try:
        for candidate in (folder, *folder.parents) if folder.is_absolute() else ():
            mark = candidate / ".git"
            if mark.is_dir():
                return Place(str(candidate), str(candidate))
            if mark.is_file():
                return Place(_main_tree(candidate, mark), str(candidate))
    except (OSError, ValueError, RuntimeError):  # unreadable; a path nobody can have; a loop of links
        pass
    return Place(given, given)


def _main_tree(worktree: Path, mark: Path) -> str:
    """The main working tree of a linked one: its .git file names a folder whose `commondir` leads there."""
    line = _beginning(mark)
    gitdir = (worktree / line.removeprefix("gitdir:").strip()).resolve()
    pointer = gitdir / "commondir"
    if not pointer.is_file():
        return str(worktree)
    common = (gitdir / _beginning(pointer)).resolve()
    return str(common.parent if common.name == ".git" else common)


def _beginning(file: Path) -> str:
    """The path in a file of git's, which a folder named by a hook may hold in any size."""
    with file.open("rb") as opened:
        return opened.read(PATH_BYTES).decode("utf-8", "replace").strip()
