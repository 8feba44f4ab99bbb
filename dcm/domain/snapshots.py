"""The snapshot of a session: what happened in it, taken together from its events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dcm.domain.instants import instant


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that was written: how often, by which tool last, when last."""

    path: str
    times: int
    how: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Command:
    """A shell command with its last outcome; `error` is empty when it succeeded."""

    command: str
    times: int
    error: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OpenError:
    """A failure nothing since has put right."""

    what: str
    error: str
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
    """A prompt of the user."""

    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Note:
    """An unread message."""

    sender: str
    topic: str
    text: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """An agent of the session that another one blocks."""

    agent: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a brief is made from. Lists are newest first, `asked` oldest first."""

    session_id: str
    trigger: str
    saved_at: datetime
    folder: str
    branch: str = ""
    asked: Sequence[Asked] = ()
    decisions: Sequence[str] = ()
    changed: Sequence[FileChange] = ()
    read: Sequence[str] = ()
    commands: Sequence[Command] = ()
    open_errors: Sequence[OpenError] = ()
    tasks: Sequence[Task] = ()
    agents: Sequence[AgentState] = ()
    notes: Sequence[Note] = ()
    blocked: Sequence[Blocked] = ()
    last_words: str = ""
    context_summary: str = ""
    tool_calls: int = 0

    def modified_files(self) -> list[str]:
        """The paths written, newest first."""
        return [change.path for change in self.changed]

    def role_context(self) -> dict[str, Any]:
        """The snapshot in the contract's shape (section 8.1), and what we know beyond it."""
        return {
            "trigger": self.trigger,
            "saved_at": instant(self.saved_at),
            "context_summary": self.context_summary or None,
            "active_tasks": [
                {"id": task.id, "description": task.description, "status": task.status, "agent_type": task.agent_type}
                for task in self.tasks
            ],
            "modified_files": self.modified_files(),
            "key_decisions": list(self.decisions),
            "agent_states": [
                {"agent_id": a.agent_id, "agent_type": a.agent_type, "status": a.status, "summary": a.summary}
                for a in self.agents
            ],
            "requests": [asked.text for asked in self.asked],
            "read_files": list(self.read),
            "commands": [{"command": c.command, "error": c.error or None} for c in self.commands],
            "open_errors": [{"what": e.what, "error": e.error} for e in self.open_errors],
            "last_words": self.last_words or None,
            "branch": self.branch or None,
        }
