"""The snapshot of a session: what happened in it, taken together from its events and its transcript."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from dcm.domain.instants import instant


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that was written: how often, by which tool last, when last, and the first line the last edit brought.

    `weight`: how likely it is to be used again; `path` is relative to the session's folder where it lies in it.
    """

    path: str
    times: int
    how: str
    at: datetime
    weight: float = 0.0
    last: str = ""
    committed: bool = False


@dataclass(frozen=True, slots=True)
class Name:
    """A file or a command by its name, and how likely it is to be used again."""

    name: str
    weight: float


@dataclass(frozen=True, slots=True)
class Command:
    """A shell command with its last outcome; `error` is empty when it succeeded."""

    command: str
    times: int
    error: str
    at: datetime
    outcome: str = ""
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class OpenError:
    """A failure nothing since has put right. `before`: how the same failed earlier, in other words, newest first."""

    what: str
    error: str
    at: datetime
    before: Sequence[str] = ()
    by_subagent: bool = False


@dataclass(frozen=True, slots=True)
class SolvedError:
    """A failure that was put right, and when."""

    what: str
    error: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit made in the session."""

    name: str
    subject: str
    branch: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Task:
    """An item of the agent's own list, or a subtask."""

    id: str
    description: str
    status: str
    agent_type: str = ""


@dataclass(frozen=True, slots=True)
class AgentState:
    """A subagent and what came of it."""

    agent_id: str
    agent_type: str
    status: str
    task: str
    summary: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt of the user; `number` counts the prompts of the session from 1."""

    text: str
    at: datetime
    number: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What the user required, forbade or decided; `number` is the prompt it stands in, 0 for answers and plans.

    `see` is the prompt that may have replaced it, 0 when none may.
    """

    text: str
    at: datetime
    number: int = 0
    see: int = 0


@dataclass(frozen=True, slots=True)
class Note:
    """An unread message."""

    sender: str
    topic: str
    text: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Blocked:
    """An agent of the session that another one blocks."""

    agent: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a brief is made from.

    Lists are newest first; `asked` is oldest first; `commands`, `used` and `heads` the heaviest first.
    """

    session_id: str
    trigger: str
    saved_at: datetime
    folder: str = ""
    branch: str = ""
    asked: Sequence[Asked] = ()
    decisions: Sequence[Decision] = ()
    changed: Sequence[FileChange] = ()
    used: Sequence[Name] = ()
    commands: Sequence[Command] = ()
    heads: Sequence[Name] = ()
    open_errors: Sequence[OpenError] = ()
    solved_errors: Sequence[SolvedError] = ()
    commits: Sequence[Commit] = ()
    tasks: Sequence[Task] = ()
    agents: Sequence[AgentState] = ()
    notes: Sequence[Note] = ()
    blocked: Sequence[Blocked] = ()
    last_words: str = ""
    answers: Sequence[str] = ()
    context_summary: str = ""
    tool_calls: int = 0
    last_at: datetime | None = None

    def modified_files(self) -> list[str]:
        """The paths written, newest first."""
        return [_whole(change.path, self.folder) for change in self.changed]

    def role_context(self) -> dict[str, Any]:
        """The snapshot in the contract's shape (section 8.1), and under `facts` all of it."""
        return {
            "trigger": self.trigger,
            "saved_at": instant(self.saved_at),
            "context_summary": self.context_summary or None,
            "active_tasks": [
                {"id": task.id, "description": task.description, "status": task.status, "agent_type": task.agent_type}
                for task in self.tasks
            ],
            "modified_files": self.modified_files(),
            "key_decisions": [decision.text for decision in self.decisions],
            "agent_states": [
                {"agent_id": a.agent_id, "agent_type": a.agent_type, "status": a.status, "summary": a.summary}
                for a in self.agents
            ],
            "facts": {name: _plain(value) for name, value in asdict(self).items() if value},
        }


def _whole(path: str, folder: str) -> str:
    return path if path.startswith("/") or not folder else f"{folder.rstrip('/')}/{path}"


def _plain(value: Any) -> Any:
    """The value as JSON has it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return {name: _plain(inner) for name, inner in value.items()} if isinstance(value, dict) else value


_LISTS = {
    "asked": Asked, "decisions": Decision, "changed": FileChange, "used": Name, "commands": Command, "heads": Name,
    "open_errors": OpenError, "solved_errors": SolvedError, "commits": Commit, "tasks": Task, "agents": AgentState,
    "notes": Note, "blocked": Blocked,
}  # fmt: skip
"""What the items of a snapshot's lists are."""

_MOMENTS = frozenset({"at", "saved_at", "last_at"})


def of_facts(facts: Mapping[str, Any]) -> Snapshot:
    """The snapshot of what `role_context` wrote under `facts`."""
    known = {item.name for item in fields(Snapshot)}
    return Snapshot(**{name: _read(name, value) for name, value in facts.items() if name in known})


def _read(name: str, value: Any) -> Any:
    if name in _LISTS:
        return [_row(_LISTS[name], item) for item in value]
    return datetime.fromisoformat(value) if name in _MOMENTS else value


def _row(kind: type, item: Mapping[str, Any]) -> Any:
    known = {part.name for part in fields(kind)}
    return kind(**{name: _read(name, value) for name, value in item.items() if name in known})
