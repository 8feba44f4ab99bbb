"""Tasks: the waves of a request, and what is told of them."""

import uuid
from dataclasses import dataclass
from typing import Literal

from dcm.domain.events import Event

Status = Literal["pending", "running", "completed", "failed", "blocked"]
"""What a task can be (contract, section 3.4); any may follow any."""


@dataclass(frozen=True, slots=True)
class Task:
    """A wave and the session it belongs to."""

    id: uuid.UUID
    request_id: uuid.UUID | None
    wave_number: int
    status: str
    session_id: str | None


def name_of(name: str | None, wave_number: int) -> str:
    """What a wave is called: as it was named, else by its number."""
    return name or f"Wave {wave_number}"


def created(task: Task) -> Event:
    """The event for a new wave."""
    return _event("created", task)


def patched(task: Task, status: str | None) -> Event:
    """The event for a wave that was changed: its status, if that was set."""
    return _event(status or "updated", task)


def deleted(task: Task) -> Event:
    """The event for a wave that was deleted."""
    return _event("deleted", task)


def _event(what: str, task: Task) -> Event:
    data = {
        "id": str(task.id),
        "request_id": str(task.request_id) if task.request_id else None,
        "wave_number": task.wave_number,
        "status": task.status,
    }
    return Event(f"task.{what}", data, session_id=task.session_id)
