"""Subagents as subtasks. Whatever order their events come in, the same subtask results.

A SubagentStop without an agent type, for an agent nobody saw start, is the client's internal
summariser: it is not a subtask. A subagent that never stops is closed by the clock.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dcm.domain.events import Event
from dcm.domain.hook_events import HookEvent
from dcm.domain.ids import derived, subtask_id, wave_id
from dcm.domain.requests import of_event

RESULT_SUMMARY_LIMIT = 1000
"""Characters of a result that a completion message carries (contract, section 9.1)."""


@dataclass(frozen=True, slots=True)
class SubtaskSeen:
    """What one event tells of a subagent. `known_only`: it says nothing of an agent nobody saw before."""

    id: uuid.UUID
    task_list_id: uuid.UUID
    session_id: str
    agent_id: str
    agent_type: str | None
    description: str | None
    started_at: datetime | None
    completed_at: datetime | None
    status: str
    result: str | None
    tool_use_id: str | None
    seen_at: datetime
    known_only: bool


@dataclass(frozen=True, slots=True)
class SubtaskChange:
    """A subtask after a change: `status` is None where it did not change."""

    id: uuid.UUID
    task_list_id: uuid.UUID
    session_id: str
    project_id: uuid.UUID | None
    agent_id: str
    agent_type: str | None
    description: str | None
    status: str
    was: str | None
    result: str | None
    completed_at: datetime | None


def seen(event: HookEvent) -> SubtaskSeen | None:
    """What an event tells of a subagent, None when it tells nothing."""
    if event.ends_agent:
        return _told_by_parent(event)
    if not event.agent_id:
        return None
    stops = event.name == "SubagentStop"
    return SubtaskSeen(
        id=subtask_id(event.session_id, event.agent_id),
        task_list_id=wave_id(of_event(event)),
        session_id=event.session_id,
        agent_id=event.agent_id,
        agent_type=event.agent_type or None,
        description=None,
        started_at=event.at if event.name == "SubagentStart" else None,
        completed_at=event.at if stops else None,
        status="completed" if stops else "running",
        result=event.text("last_assistant_message") or None if stops else None,
        tool_use_id=None,
        seen_at=event.at,
        known_only=not event.agent_type,
    )


def _told_by_parent(event: HookEvent) -> SubtaskSeen | None:
    """The Agent tool's own end: the description, and the result of a subagent that ran in the foreground."""
    response, asked = event.mapping("tool_response"), event.mapping("tool_input")
    agent_id = response.get("agentId")
    if not isinstance(agent_id, str) or not agent_id:
        return None
    done = response.get("status") == "completed"
    return SubtaskSeen(
        id=subtask_id(event.session_id, agent_id),
        task_list_id=wave_id(of_event(event)),
        session_id=event.session_id,
        agent_id=agent_id,
        agent_type=_text(asked, "subagent_type"),
        description=_text(asked, "description") or _text(asked, "prompt"),
        started_at=None,
        completed_at=event.at if done else None,
        status="completed" if done else "running",
        result=_content_text(response.get("content")) if done else None,
        tool_use_id=event.tool_use_id or None,
        seen_at=event.at,
        known_only=False,
    )


def _text(mapping: Mapping[str, Any], field: str) -> str | None:
    value = mapping.get(field)
    return value if isinstance(value, str) and value else None


def _content_text(content: object) -> str | None:
    blocks = content if isinstance(content, list) else []
    texts = [block.get("text") for block in blocks if isinstance(block, Mapping)]
    return "\n".join(text for text in texts if isinstance(text, str)) or None


def announcements(change: SubtaskChange) -> list[Event]:
    """The events of contract section 4.2 for a subtask that changed its status."""
    if change.status == change.was:
        return []
    data = {
        "id": str(change.id),
        "task_list_id": str(change.task_list_id),
        "agent_type": change.agent_type,
        "agent_id": change.agent_id,
        "status": change.status,
        "description": change.description,
        "session_id": change.session_id,
    }
    session = change.session_id
    events = [Event("subtask.created", data, session_id=session)] if change.was is None else []
    events.append(Event(f"subtask.{change.status}", data, session_id=session))
    agent = {"agent_id": change.agent_id, "agent_type": change.agent_type, "subtask_id": str(change.id)}
    if change.status == "running":
        told = agent | {"description": change.description}
        events.append(Event("agent.connected", told, session_id=session))
    if change.status in {"completed", "failed"}:
        events.append(Event("agent.disconnected", agent | {"status": change.status}, session_id=session))
    return events


@dataclass(frozen=True, slots=True)
class Announcement:
    """The broadcast message that tells every agent of a project that a subagent is done."""

    id: uuid.UUID
    project_id: uuid.UUID | None
    from_agent_id: str
    topic: str
    payload: Mapping[str, Any]
    created_at: datetime
    session_id: str


def message(change: SubtaskChange) -> Announcement | None:
    """The broadcast for a subtask that has just ended (contract, section 9.1), else None."""
    if change.status not in {"completed", "failed"} or change.status == change.was or not change.completed_at:
        return None
    return Announcement(
        id=derived("ended", str(change.id), change.completed_at.isoformat()),
        project_id=change.project_id,
        from_agent_id=change.agent_type or "system",
        topic=f"agent.{change.status}",
        payload={
            "source_agent": change.agent_type,
            "source_agent_id": change.agent_id,
            "subtask_id": str(change.id),
            "status": change.status,
            "description": change.description,
            "result_summary": (change.result or "")[:RESULT_SUMMARY_LIMIT] or None,
            "session_id": change.session_id,
            "completed_at": change.completed_at.isoformat(),
        },
        created_at=change.completed_at,
        session_id=change.session_id,
    )


def message_event(message: Announcement) -> Event:
    """The event of contract section 4.2 for that broadcast."""
    data = {
        "id": str(message.id),
        "from": message.from_agent_id,
        "to": "broadcast",
        "from_agent": message.from_agent_id,
        "to_agent": "broadcast",
        "topic": message.topic,
        "session_id": message.session_id,
        "description": message.payload["description"],
    }
    return Event("message.new", data, session_id=message.session_id)
