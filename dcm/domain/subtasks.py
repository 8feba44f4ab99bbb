"""Subtasks: what changes them, and what is told of it."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from dcm.domain.events import Event
from dcm.domain.ids import derived
from dcm.domain.instants import instant

RESULT_SUMMARY_LIMIT = 1000
"""Characters of a result that a completion message carries (contract, section 9.1)."""

SILENT = "It never reported its end."
"""The result of a subagent that the clock closes."""

Status = Literal["pending", "running", "paused", "blocked", "completed", "failed"]
"""What a subtask can be (contract, section 3.5); any may follow any."""

ENDED = frozenset({"completed", "failed"})
"""The statuses of what is over."""


@dataclass(frozen=True, slots=True)
class SubtaskChange:
    """A subtask after a change: `was` is its status before, None for a new one."""

    id: uuid.UUID
    task_list_id: uuid.UUID
    session_id: str | None
    project_id: uuid.UUID | None
    agent_id: str | None
    agent_type: str | None
    description: str | None
    status: str
    was: str | None
    result: str | None
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class SubtaskPatch:
    """What a caller asks to change; None where nothing is asked."""

    status: str | None = None
    result: Mapping[str, Any] | None = None
    agent_id: str | None = None
    blocked_by: Sequence[uuid.UUID] | None = None

    @property
    def ends(self) -> bool:
        """Whether the subtask is over with it."""
        return self.status in ENDED


def heeded(patch: SubtaskPatch) -> SubtaskPatch:
    """The part of a patch that is written: its status decides which (contract, section 3.5)."""
    if patch.status is None and patch.result is not None:
        return SubtaskPatch(result=patch.result)
    if patch.status is None:
        return SubtaskPatch(agent_id=patch.agent_id, blocked_by=patch.blocked_by)
    if patch.status == "running":
        return SubtaskPatch("running", agent_id=patch.agent_id)
    if patch.ends:
        return SubtaskPatch(patch.status, result=patch.result)
    return SubtaskPatch(patch.status, blocked_by=patch.blocked_by)


def announcements(change: SubtaskChange) -> list[Event]:
    """The events of contract section 4.2 for a subtask that changed its status."""
    if change.status == change.was:
        return []
    events = [_event("created", change)] if change.was is None else []
    return [*events, _event(change.status, change), *_agent_events(change)]


def created(change: SubtaskChange) -> list[Event]:
    """The events for a subtask that a caller made."""
    return [_event("created", change)]


def patched(change: SubtaskChange, status: str | None) -> list[Event]:
    """The events for a subtask that a caller changed, setting its status or None."""
    if status is None:
        return [_event("updated", change)]
    return [_event(status, change), *(_agent_events(change) if change.agent_type else [])]


def deleted(change: SubtaskChange) -> list[Event]:
    """The events for a subtask that a caller deleted."""
    return [_event("deleted", change)]


def context_created(change: SubtaskChange) -> Event:
    """The event for the agent context that was made for a subtask."""
    data = {
        "agent_id": change.agent_id,
        "agent_type": change.agent_type,
        "project_id": str(change.project_id),
        "session_id": change.session_id,
    }
    return Event("agent_context.created", data, session_id=change.session_id)


def _event(what: str, change: SubtaskChange) -> Event:
    """On the channel of its kind of agent, where it has one; the bridge copies it to global."""
    data = {
        "id": str(change.id),
        "task_list_id": str(change.task_list_id),
        "agent_type": change.agent_type,
        "agent_id": change.agent_id,
        "status": change.status,
        "description": change.description,
        "session_id": change.session_id,
    }
    channel = f"agents/{change.agent_type}" if change.agent_type else "global"
    return Event(f"subtask.{what}", data, channel, change.session_id)


def _agent_events(change: SubtaskChange) -> list[Event]:
    agent = {
        "agent_id": change.agent_id or str(change.id),
        "agent_type": change.agent_type,
        "subtask_id": str(change.id),
    }
    session = change.session_id
    if change.status == "running":
        return [Event("agent.connected", agent | {"description": change.description}, session_id=session)]
    if change.status in ENDED:
        return [Event("agent.disconnected", agent | {"status": change.status}, session_id=session)]
    return []


def result_text(result: Mapping[str, Any] | None) -> str | None:
    """A result as a message carries it."""
    return None if result is None else json.dumps(result, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Announcement:
    """The broadcast message that tells every agent of a project that a subagent is done."""

    id: uuid.UUID
    project_id: uuid.UUID | None
    from_agent_id: str
    topic: str
    payload: Mapping[str, Any]
    created_at: datetime
    session_id: str | None


def message(change: SubtaskChange) -> Announcement | None:
    """The broadcast for a subtask that has just ended (contract, section 9.1), else None."""
    return None if change.status == change.was else ending(change)


def ending(change: SubtaskChange) -> Announcement | None:
    """The broadcast for a subtask that is over, the same for one end however often it is told; else None."""
    if change.status not in ENDED or not change.completed_at:
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
            "completed_at": instant(change.completed_at),
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
