"""What is true in a session at each moment: facts are planted, replaced and ended while it is written."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sessions.facts import Fact, Proof

SETTLED = ("replaced", "no longer", "instead", "superseded", "corrected")
RENAMED = ("renamed", "moved", "→", "->", "git mv")
DELETED = ("delet", "removed", "git rm", "gone")
UNCOMMITTED = ("uncommitted", "not committed", "dirty", "unstaged", "since the last commit", "not yet committed")
RUNNING = ("running", "not finished", "in progress", "under way")
GOOD = (" ok", "pass", "succe", "exit code 0", "exit 0", "✓", "✔")
BAD = ("fail", "exit code", "error", "✗", "✘")
RECENT_CALLS, OFTEN, FILES, COMMITS = 150, 3, 24, 3
"""Which changed files must be known: those of so many calls back, or edited so often; at most so many. And commits."""


def beside(text: str, signs: Iterable[str]) -> Proof:
    """The text together with one of the signs."""
    return tuple((text, sign) for sign in signs)


@dataclass(slots=True)
class FileState:
    """What happened to a file."""

    changes: int = 0
    last_call: int = 0
    at: str = ""
    committed: bool = True
    was: str = ""
    gone: bool = False


@dataclass(slots=True)
class CommandState:
    """A command as it was last typed for a purpose, and how it ended."""

    text: str
    passed: bool
    at: str


@dataclass(slots=True)
class Ledger:
    """All that is known, by a name of its own."""

    facts: dict[str, Fact] = field(default_factory=dict)
    files: dict[str, FileState] = field(default_factory=dict)
    commands: dict[str, CommandState] = field(default_factory=dict)
    commits: list[tuple[str, str]] = field(default_factory=list)
    solved: list[str] = field(default_factory=list)

    def plant(self, key: str, fact: Fact, paraphrase: str = "") -> None:
        """Something is true from now on; a paraphrase proves it as well."""
        if paraphrase:
            fact = replace(fact, proof=(*fact.proof, (paraphrase,)))
        self.facts[key] = fact

    def end(self, key: str, *new: str) -> None:
        """It is no longer true."""
        if key in self.facts:
            self.facts[key] = replace(self.facts[key], holds=False, new=new)

    def change(self, path: str, call: int, at: str) -> None:
        """A file was written."""
        state = self.files.setdefault(path, FileState())
        state.changes, state.last_call, state.at = state.changes + 1, call, at
        state.committed = state.gone = False

    def ran(self, purpose: str, text: str, at: str, *, passed: bool) -> None:
        """A command ended; it is the newest one for its purpose."""
        self.commands[purpose] = CommandState(text, passed, at)

    def commit(self, message: str, at: str) -> None:
        """Everything is committed."""
        self.commits.append((message, at))
        for state in self.files.values():
            state.committed = True

    def at(self, calls: int, branch: str) -> list[Fact]:
        """The facts at this moment, those that ended included."""
        now = max([fact.said_at for fact in self.facts.values()], default="")
        branch_fact = Fact("branch", f"on branch {branch}", (("branch", branch),), now)
        return [*self.facts.values(), branch_fact, *self._files(calls), *self._commands(), *self._commits()]

    def notable(self, calls: int) -> list[str]:
        """The changed files that must be known, newest first."""
        found = [
            (state.last_call, path)
            for path, state in self.files.items()
            if not state.gone and (state.changes >= OFTEN or calls - state.last_call <= RECENT_CALLS)
        ]
        return [path for _, path in sorted(found, reverse=True)[:FILES]]

    def dirty(self) -> list[str]:
        """The files that were written since the last commit."""
        return [path for path, state in self.files.items() if not state.committed and not state.gone]

    def _files(self, calls: int) -> Iterable[Fact]:
        for path in self.notable(calls):
            yield Fact("file_changed", f"changed {path}", ((_name(path),),), self.files[path].at)
        for path, state in self.files.items():
            lost = state.was or (path if state.gone else "")
            if lost:
                yield Fact("file_there", f"{lost} is there", ((_name(lost),),), state.at, holds=False)
            if state.was:
                proof: Proof = tuple((_name(path), _name(state.was), sign) for sign in RENAMED)
                yield Fact("file_renamed", f"renamed {state.was} to {path}", proof, state.at)
            if state.gone:
                yield Fact("file_deleted", f"deleted {path}", beside(_name(path), DELETED), state.at)
        for path in self.dirty()[-8:]:
            proof = beside(_name(path), UNCOMMITTED)
            yield Fact("file_uncommitted", f"{path} is not committed", proof, self.files[path].at)

    def _commands(self) -> Iterable[Fact]:
        for purpose, state in self.commands.items():
            yield Fact("command", f"{purpose}: {state.text}", ((state.text,),), state.at)
            proof = beside(state.text, GOOD if state.passed else BAD)
            outcome = "passed" if state.passed else "failed"
            yield Fact("command_outcome", f"{purpose} {outcome}: {state.text}", proof, state.at)

    def _commits(self) -> Iterable[Fact]:
        for message, at in self.commits[-COMMITS:]:
            yield Fact("commit", f"committed: {message}", ((message,),), at)


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]
