"""The files a session changed, deleted, read, or named in its commands."""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from dcm.domain.facts.calls import ToolCall, command_of
from dcm.domain.facts.git import made_commit
from dcm.domain.facts.names import Weights
from dcm.domain.facts.shell import files_in
from dcm.domain.snapshots import FileChange, Name
from dcm.domain.tools import WRITING_TOOLS, one_line

CHANGE_LIMIT = 90
"""Characters kept of what was changed last in a file."""

WRITTEN, READ, NAMED, BY_SUBAGENT = 2.0, 1.0, 1.0, 0.3
"""How much a use of a file weighs, and the share of it when a subagent made it."""

_REMOVED = re.compile(r"\b(?:git\s+rm|rm)\s+(?:-\S+\s+)*([^;&|\n]+)")
_ADDED = re.compile(r"\bgit\s+(?:-C\s+\S+\s+)?add\s+([^;&|\n]+)")
_ALL = re.compile(r"(?:^|\s)(?:-A|--all|-u|--update|\.|:/)(?:\s|$)")
_COMMITS_ALL = re.compile(r"\bgit\s+commit\s+(?:-\S+\s+)*(?:-a\w*|--all)\b")
_MOVED = re.compile(r"\b(?:git\s+mv|mv)\s+(?:-\S+\s+)*(\S+)\s+(\S+)")


@dataclass(slots=True)
class _Use:
    """What was done to a file."""

    change: ToolCall | None = None
    times: int = 0
    is_new: bool = False
    gone: str = ""
    ended: ToolCall | None = None
    staged: bool = False
    committed: bool = False


@dataclass(frozen=True, slots=True)
class Files:
    """The files changed, newest first, and the others that were used, the most likely to be used again first."""

    changed: list[FileChange] = field(default_factory=list)
    used: list[Name] = field(default_factory=list)


def files(calls: Sequence[ToolCall], folder: str) -> Files:
    """The files of a session's calls, the oldest call first; paths in `folder` are told relative to it."""
    uses: dict[str, _Use] = {}
    weights = Weights()
    for call in calls:
        share = BY_SUBAGENT if call.by_subagent else 1.0
        if command := command_of(call):
            for path in files_in(command):
                weights.add(_known(_inside(path, folder), uses), call.number, NAMED * share)
            if call.success:
                _take_away(call, uses, folder)
                _commit(call, uses, folder)
        elif call.success:
            for path in call.file_paths:
                name = _inside(path, folder)
                written = call.tool in WRITING_TOOLS
                is_new = call.tool == "Write" and name not in uses
                weights.add(name, call.number, (WRITTEN if written else READ) * share)
                _use(uses, name, call if written else None, is_new=is_new)
    heavy = dict(weights.heaviest())
    changed = [_change(path, use, heavy.get(path, 0.0)) for path, use in uses.items() if use.change or use.gone]
    changed.sort(key=lambda change: (-change.at.timestamp(), change.path))
    written_paths = {change.path for change in changed}
    used = [Name(path, weight) for path, weight in heavy.items() if path not in written_paths and not _gone(uses, path)]
    return Files(changed, used)


def _inside(path: str, folder: str) -> str:
    root = folder.rstrip("/") + "/"
    return posixpath.normpath(path.removeprefix(root) if folder else path)


def _known(path: str, uses: dict[str, _Use]) -> str:
    """The file that is meant by a path a command names: one used before that ends so, from another folder maybe."""
    if path in uses:
        return path
    ending = "/" + path.lstrip("./")
    return next((known for known in reversed(uses) if known.endswith(ending)), path)


def _use(uses: dict[str, _Use], path: str, change: ToolCall | None, *, is_new: bool) -> None:
    use = uses.setdefault(path, _Use(is_new=is_new))
    if change:
        use.change, use.times, use.gone, use.committed = change, use.times + 1, "", False


def _take_away(call: ToolCall, uses: dict[str, _Use], folder: str) -> None:
    """Note which files a command removed or moved."""
    command = command_of(call)
    for removed in _REMOVED.findall(command):
        for path in removed.split():
            _end(uses, _inside(path, folder), "deleted", call)
    for old, new in _MOVED.findall(command):
        _end(uses, _inside(old, folder), f"moved to {_inside(new, folder)}", call)


def _end(uses: dict[str, _Use], path: str, how: str, call: ToolCall) -> None:
    """Note that a file, or all of a folder, is gone."""
    for known, use in uses.items():
        if known == path or known.startswith(path.rstrip("/") + "/"):
            use.gone, use.ended, use.committed = how, call, False


def _commit(call: ToolCall, uses: dict[str, _Use], folder: str) -> None:
    """Note which files a command put into the next commit, and that a commit was made."""
    command = command_of(call)
    for added in _ADDED.findall(command):
        whole = bool(_ALL.search(added))
        named = {_inside(path, folder) for path in added.split()}
        for path, use in uses.items():
            use.staged = use.staged or whole or any(path == name or path.startswith(f"{name}/") for name in named)
    if made_commit(call):
        for use in uses.values():
            if use.staged or _COMMITS_ALL.search(command):
                use.committed, use.staged = True, False


def _gone(uses: dict[str, _Use], path: str) -> bool:
    return path in uses and bool(uses[path].gone)


def _change(path: str, use: _Use, weight: float) -> FileChange:
    call = use.ended if use.gone else use.change
    assert call is not None
    how = use.gone or ("new" if use.is_new else "written" if call.tool == "Write" else "edited")
    return FileChange(path, use.times, how, call.at, weight, "" if use.gone else _changed_last(call), use.committed)


def _changed_last(call: ToolCall) -> str:
    """The first line that the last edit brought in."""
    edits = call.asked.get("edits")
    edit = edits[-1] if isinstance(edits, list) and edits and isinstance(edits[-1], dict) else call.asked
    old, new = edit.get("old_string"), edit.get("new_string")
    if not isinstance(new, str):
        return ""
    before = set(old.splitlines()) if isinstance(old, str) else set()
    return next((one_line(line, CHANGE_LIMIT) for line in new.splitlines() if line.strip() and line not in before), "")
