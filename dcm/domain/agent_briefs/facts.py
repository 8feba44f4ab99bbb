"""What a brief of an agent is made of, and the lines its templates share."""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

HIGH_PRIORITY = 5
"""From this priority on a message counts as urgent."""


@dataclass(frozen=True, slots=True)
class AgentTask:
    """A subtask that is not over."""

    id: uuid.UUID
    description: str
    status: str
    agent_type: str | None
    created_at: datetime
    started_at: datetime | None
    blocked_by: Sequence[uuid.UUID]
    task_name: str | None
    wave_number: int | None


@dataclass(frozen=True, slots=True)
class AgentMessage:
    """A message the agent has not read."""

    id: uuid.UUID
    from_agent: str | None
    topic: str | None
    content: Mapping[str, Any]
    priority: int
    created_at: datetime
    is_broadcast: bool


@dataclass(frozen=True, slots=True)
class Block:
    """Somebody who blocks the agent."""

    id: uuid.UUID
    blocked_by_agent: str
    reason: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PastAction:
    """A tool call of the agent."""

    id: uuid.UUID
    tool_name: str
    tool_type: str
    exit_code: int
    duration_ms: int | None
    file_paths: Sequence[str]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SessionFact:
    """The newest request of the session."""

    id: uuid.UUID
    session_id: str
    status: str
    created_at: datetime
    prompt: str


@dataclass(frozen=True, slots=True)
class ProjectFact:
    """The project the session runs in."""

    id: uuid.UUID
    name: str | None
    path: str


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """All that is known for a brief of an agent. Tasks: running, blocked, paused, pending, then by age."""

    agent_id: str
    agent_type: str
    session_id: str
    generated_at: datetime
    tasks: Sequence[AgentTask] = ()
    messages: Sequence[AgentMessage] = ()
    blocks: Sequence[Block] = ()
    history: Sequence[PastAction] = ()
    session: SessionFact | None = None
    project: ProjectFact | None = None
    completed_tasks: int = field(default=0)

    @property
    def current(self) -> AgentTask | None:
        """The running task, else the next that is pending."""
        return next(iter(self.having("running")), None) or next(iter(self.having("pending")), None)

    def having(self, status: str) -> list[AgentTask]:
        """The tasks of a status."""
        return [task for task in self.tasks if task.status == status]

    @property
    def files(self) -> list[str]:
        """The files of the history, newest first, each once."""
        return list(dict.fromkeys(path for action in self.history for path in action.file_paths))


def cut(text: str, most: int) -> str:
    """The text on one line, or its first `most` - 3 characters and three dots."""
    folded = " ".join(text.split())
    return folded if len(folded) <= most else folded[: most - 3] + "..."


def section(title: str, lines: Iterable[str]) -> str:
    """A section of level 2."""
    return "\n".join([f"## {title}", *lines])


def project_section(facts: AgentFacts) -> list[str]:
    """Name and path of the project; no section when it is not known."""
    if facts.project is None:
        return []
    named = facts.project.name or "Unnamed"
    return [section("Project", [f"**Name:** {named}", f"**Path:** `{facts.project.path}`"])]


def said(message: AgentMessage, most: int) -> str:
    """The beginning of what a message says."""
    return json.dumps(message.content, ensure_ascii=False, separators=(",", ":"), default=str)[:most] + "..."


def numbered(lines: Iterable[str]) -> list[str]:
    """Lines with their numbers."""
    return [f"{number}. {line}" for number, line in enumerate(lines, 1)]
