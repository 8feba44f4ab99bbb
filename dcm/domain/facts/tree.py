"""The files a session used, as its calls leave them: on disk, in git's index and in its last commit."""

import posixpath
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TypeAlias

from dcm.domain.facts.calls import ToolCall

State: TypeAlias = tuple[int, str]
"""How many changes a file has seen, and where it is; nowhere when it was deleted."""

NEW = "new"
"""How a file was changed that was not there before."""


@dataclass(slots=True)
class Use:
    """What was done to a file. `index` and `head` are what git has of it, None where git does not know it."""

    path: str
    place: str
    changes: list[tuple[ToolCall, str]] = field(default_factory=list)
    index: State | None = None
    head: State | None = None
    ended: ToolCall | None = None

    @property
    def work(self) -> State:
        """The file as it is on disk."""
        return len(self.changes), self.place

    @property
    def committed(self) -> bool:
        """Whether the last commit holds all that was done to it."""
        return self.head == self.work

    @property
    def how(self) -> str:
        """What was done to it: how it went away, that it is new, or how it was changed last."""
        return self.gone or (NEW if any(how == NEW for _, how in self.changes) else self.changes[-1][1])

    @property
    def gone(self) -> str:
        """How it went away; empty when it is there."""
        if self.place == self.path:
            return ""
        return f"moved to {self.place}" if self.place else "deleted"


_Aside: TypeAlias = tuple[Use, list[tuple[ToolCall, str]], str, State | None]
"""What a stash holds of a file: what was done to it since it was committed, where it was, what git's index had."""


class Tree:
    """The files by the paths they were used under first."""

    def __init__(self) -> None:
        self.uses: dict[str, Use] = {}
        self._lost: dict[str, int] = {}
        self._folders: set[str] = set()
        self._stashes: list[list[_Aside]] = []
        self._named: defaultdict[str, list[str]] = defaultdict(list)
        self._written: tuple[ToolCall | None, dict[str, Use]] = None, {}

    def use(self, path: str, *, in_git: bool = True) -> Use:
        """A file that is there, whatever was believed of it; `in_git` tells of one not used before."""
        if (use := self.uses.get(path)) is None:
            known = (0, path) if in_git else None
            use = self.uses[path] = Use(path, path, index=known, head=known)
            self._named[posixpath.basename(path)].append(path)
        use.place = path
        self._lost.pop(path, None)
        return use

    def write(self, path: str, call: ToolCall, how: str, *, in_git: bool = True) -> None:
        """A call wrote a file."""
        use = self.use(path, in_git=in_git)
        use.changes.append((call, how))
        if self._written[0] is not call:
            self._written = call, {}
        self._written[1][path] = use

    def written_by(self, call: ToolCall) -> list[str]:
        """The files that the newest call of all wrote, and that are still as it left them."""
        writer, uses = self._written
        found = uses.values() if writer is call else ()
        return [use.path for use in found if use.changes and use.changes[-1][0] is call]

    def ending(self, path: str) -> str:
        """The file used last whose path ends with this one; empty when there is none."""
        known = reversed(self._named.get(posixpath.basename(path), ()))
        return next((one for one in known if one in self.uses and one.endswith(f"/{path}")), "")

    def make_folder(self, path: str) -> None:
        """A folder was made."""
        self._folders.add(path)

    def below(self, path: str) -> list[Use]:
        """The files that are now at a path, in its folder, or match its pattern."""
        return [use for use in self.uses.values() if use.place and is_below(use.place, path)]

    def about(self, path: str) -> list[Use]:
        """The files that are, were, or are in git at a path, in its folder, or match its pattern."""
        return [use for use in self.uses.values() if any(is_below(place, path) for place in _places(use))]

    def is_folder(self, path: str) -> bool:
        """Whether a path is known to be a folder."""
        return path in self._folders or any(use.place.startswith(f"{path}/") for use in self.uses.values())

    def is_lost(self, path: str, since: int) -> bool:
        """Whether what is at a path went away with the call of that number or one after it."""
        return any(number >= since and is_below(path, lost) for lost, number in self._lost.items())

    def remove(self, path: str, call: ToolCall, *, staged: bool = False) -> None:
        """What is at a path was removed."""
        self._lost[path] = call.number
        for use in self.below(path):
            _end(use, "", call)
            use.index = use.work if staged else use.index

    def move(self, old: str, new: str, call: ToolCall, *, staged: bool = False) -> None:
        """What was at one path is at another now."""
        self._lost[old] = call.number
        self._lost.pop(new, None)
        for use in self.below(old):
            kept = use.index
            _end(use, new + use.place.removeprefix(old), call)
            if staged and kept:
                use.index = (kept[0], use.place)
        if new in self.uses and not self.uses[new].place:
            self.use(new)

    def stash(self, uses: list[Use], call: ToolCall, *, untracked: bool = False) -> None:
        """What is not committed was put aside, with the files git does not know if so told."""
        aside = [use for use in uses if not use.committed and (untracked or use.index or use.head)]
        self._stashes.append([(use, use.changes[_kept(use) :], use.place, use.index) for use in aside])
        for use in aside:
            if use.head:
                undo(use, call)
            else:
                use.changes = []
                self._lost[use.path] = call.number
                del self.uses[use.path]

    def unstash(self, *, apply: bool, drop: bool) -> None:
        """What was put aside last came back, or was thrown away."""
        for use, changes, place, index in self._stashes[-1] if self._stashes and apply else []:
            self.uses.setdefault(use.path, use)
            self._lost.pop(use.path, None)
            use.changes[_kept(use) : _kept(use)] = changes
            use.place, use.index = place, index
        if drop:
            del self._stashes[-1:]


def is_below(place: str, path: str) -> bool:
    """Whether a place is a path, in its folder, or matches its pattern; `.` is the session's folder."""
    if path == ".":
        return bool(place) and not place.startswith("/")
    if is_pattern(path):
        return bool(matched(place, path))
    return place == path or place.startswith(f"{path.rstrip('/')}/")


def matched(place: str, pattern: str) -> str:
    """The place, or the folder it is in, that matches a pattern; names with a dot in front only where it has one."""
    names, patterns = place.split("/"), pattern.split("/")
    if len(names) < len(patterns):
        return ""
    pairs = list(zip(names, patterns, strict=False))
    fits = all(fnmatchcase(name, wanted) and (name[:1] != "." or wanted[:1] == ".") for name, wanted in pairs)
    return "/".join(name for name, _ in pairs) if fits else ""


def is_pattern(path: str) -> bool:
    """Whether a path stands for all that match it. Brackets do not make one: frameworks have them in names."""
    return "*" in path or "?" in path


def stage(use: Use) -> None:
    """Put a file as it is into the next commit."""
    use.index = use.work


def commit(use: Use) -> None:
    """Commit what is staged of a file."""
    use.head = use.index


def unstage(use: Use) -> None:
    """Take a file as it was out of the next commit."""
    use.index = use.head


def restore(use: Use, call: ToolCall) -> None:
    """Give a file back as git's index has it."""
    if use.index:
        _put(use, use.index, call)


def undo(use: Use, call: ToolCall) -> None:
    """Give a file back as it was committed last; one that git does not know stays."""
    if use.index is None and use.head is None:
        return
    if use.head is None:
        _end(use, "", call)
    else:
        _put(use, use.head, call)
    use.index = use.head


def _kept(use: Use) -> int:
    """How many changes of a file are committed."""
    return use.head[0] if use.head else 0


def _put(use: Use, state: State, call: ToolCall) -> None:
    del use.changes[state[0] :]
    _end(use, state[1], call)


def _end(use: Use, place: str, call: ToolCall) -> None:
    use.place, use.ended = place, call


def _places(use: Use) -> Iterator[str]:
    yield from (use.path, use.place)
    yield from (state[1] for state in (use.index, use.head) if state)
