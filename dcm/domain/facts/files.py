"""The files a session changed, deleted, read, or named in its commands."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dcm.domain.facts import effects, git_effects
from dcm.domain.facts.calls import ToolCall, command_of
from dcm.domain.facts.effects import Doing, inside, redirected
from dcm.domain.facts.git import made_commit
from dcm.domain.facts.names import Weights
from dcm.domain.facts.shell import files_in
from dcm.domain.facts.steps import Step, joined, steps
from dcm.domain.facts.tree import NEW, Tree, Use
from dcm.domain.snapshots import FileChange, Name
from dcm.domain.tools import WRITING_TOOLS, one_line

CHANGE_LIMIT = 90
"""Characters kept of what was changed last in a file."""

WRITTEN, READ, NAMED, BY_SUBAGENT = 2.0, 1.0, 1.0, 0.3
"""How much a use of a file weighs, and the share of it when a subagent made it."""


@dataclass(frozen=True, slots=True)
class Files:
    """The files changed, newest first, and the others that were used, the most likely to be used again first."""

    changed: list[FileChange] = field(default_factory=list)
    used: list[Name] = field(default_factory=list)


def files(calls: Sequence[ToolCall], folder: str) -> Files:
    """The files of a session's calls, the oldest call first; paths in `folder` are told relative to it."""
    tree = Tree()
    weights = Weights()
    last_use: dict[str, int] = {}
    for call in calls:
        share = BY_SUBAGENT if call.by_subagent else 1.0
        for name, weight in _uses(call, tree, folder):
            weights.add(name, call.number, weight * share)
            last_use[name] = call.number
    heavy = dict(weights.heaviest())
    changed = [_change(use, heavy.get(use.path, 0.0)) for use in tree.uses.values() if use.changes or use.gone]
    changed.sort(key=lambda change: (-change.at.timestamp(), change.path))
    told = {change.path for change in changed}
    used = [
        Name(path, weight)
        for path, weight in heavy.items()
        if path not in told and (path in tree.uses or not tree.is_lost(path, last_use[path]))
    ]
    return Files(changed, used)


def _uses(call: ToolCall, tree: Tree, folder: str) -> Iterator[tuple[str, float]]:
    """The files a call used, and how much that weighs; the tree is brought up to date first."""
    command = command_of(call)
    if command:
        yield from _commanded(call, command, tree, folder)
    elif call.success:
        for path in call.file_paths:
            name = inside(path, folder)
            _by_tool(call, name, tree)
            yield name, WRITTEN if call.tool in WRITING_TOOLS else READ


def _by_tool(call: ToolCall, name: str, tree: Tree) -> None:
    is_new = call.tool == "Write" and name not in tree.uses
    if call.tool in WRITING_TOOLS:
        how = NEW if is_new else "written" if call.tool == "Write" else "edited"
        tree.write(name, call, how, in_git=not is_new)
    else:
        tree.use(name)


def _commanded(call: ToolCall, command: str, tree: Tree, folder: str) -> Iterator[tuple[str, float]]:
    run = steps(command)
    for step in _done(call, run):
        _take(Doing(step, tree, call, folder))
    for path in files_in(command):
        name = _known(path, run, tree, folder)
        if name in tree.uses or not tree.is_lost(name, call.number):
            yield name, NAMED
    for written in tree.written_by(call):
        yield written, WRITTEN


def _take(doing: Doing) -> None:
    """Do to the files what a step did."""
    program, *words = doing.step.words
    is_commit = [program, *words[:1]] == ["git", "commit"]
    if not (doing.step.sure or is_commit):
        return
    redirected(doing)
    if program in effects.EFFECTS:
        effects.EFFECTS[program](doing, words)
    elif program == "git" and words and words[0] in git_effects.EFFECTS:
        git_effects.EFFECTS[words[0]](doing, words[1:])


def _done(call: ToolCall, run: list[Step]) -> list[Step]:
    """The steps that have succeeded: of a call that failed those up to a commit that git told of."""
    if call.success:
        return run
    commits = [at for at, step in enumerate(run) if step.words[:2] == ["git", "commit"]] if made_commit(call) else []
    return run[: commits[-1] + 1] if commits else []


def _known(path: str, run: list[Step], tree: Tree, folder: str) -> str:
    """The file that is meant by a path a command names: in the folder it went to, or one used before that ends so."""
    name = inside(path, folder)
    there = {step.folder: joined(step.folder, path) for step in run if step.folder}
    for place in there.values():
        if place and (inside(place, folder) in tree.uses or tree.is_lost(inside(place, folder), 0)):
            return inside(place, folder)
    return name if name in tree.uses else tree.ending(name.lstrip("./")) or name


def _change(use: Use, weight: float) -> FileChange:
    call = use.ended if use.gone else use.changes[-1][0]
    assert call is not None
    last = "" if use.gone else _changed_last(call)
    return FileChange(use.path, len(use.changes), use.how, call.at, weight, last, use.committed)


def _changed_last(call: ToolCall) -> str:
    """The first line that the last edit brought in."""
    edits = call.asked.get("edits")
    edit = edits[-1] if isinstance(edits, list) and edits and isinstance(edits[-1], dict) else call.asked
    old, new = edit.get("old_string"), edit.get("new_string")
    if not isinstance(new, str):
        return ""
    before = set(old.splitlines()) if isinstance(old, str) else set()
    return next((one_line(line, CHANGE_LIMIT) for line in new.splitlines() if line.strip() and line not in before), "")
