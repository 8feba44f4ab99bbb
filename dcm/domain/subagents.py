"""Subagents as subtasks. Whatever order their events come in, the same subtask results.

A SubagentStop without an agent type, for an agent nobody saw start, is the client's internal
summariser: it is not a subtask. A subagent that never stops is closed by the clock. An Agent call that
ends without naming its subagent is of the one that was started for it; where none was reported, it is a
subtask of its own.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dcm.domain.hook_events import HookEvent
from dcm.domain.ids import call_id, subtask_id, wave_id
from dcm.domain.requests import of_event
from dcm.domain.subtasks import ENDED, SILENT, Status

ANY_PURPOSE = "general-purpose"
"""The type of a subagent whose call names none."""

DESCRIPTION_LIMIT = 500
"""Characters of a description that comes from a hook, the three dots of one that was cut included (section 1.2)."""


_SIGNS_OF_LIFE = frozenset({"PreToolUse", "PostToolUse", "PostToolUseFailure"})
"""Events of a subagent that tell no more of it than that it is at work."""


@dataclass(frozen=True, slots=True)
class SubtaskSeen:
    """What one event tells of a subagent. `known_only`: it says nothing of an agent nobody saw before.

    Without an `agent_id` it is of the subagent that an Agent call started, whichever that is.
    """

    id: uuid.UUID
    task_list_id: uuid.UUID
    session_id: str
    agent_id: str | None
    agent_type: str | None
    description: str | None
    started_at: datetime | None
    completed_at: datetime | None
    status: str
    result: str | None
    tool_use_id: str | None
    seen_at: datetime
    known_only: bool


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


def telling(events: Sequence[HookEvent]) -> list[HookEvent]:
    """The events of a batch, in order of time, without the signs of life that stand between others of their subagent.

    The first that names its type makes the subtask, the last says when it was seen; those between add nothing.
    """
    last = {(event.session_id, event.agent_id): number for number, event in enumerate(events) if event.agent_id}
    made: set[tuple[str, str]] = set()
    kept = []
    for number, event in enumerate(events):
        agent = event.session_id, event.agent_id
        if event.name not in _SIGNS_OF_LIFE or agent not in made or number == last[agent]:
            kept.append(event)
        if event.agent_id and event.agent_type:
            made.add(agent)
    return kept


def _told_by_parent(event: HookEvent) -> SubtaskSeen | None:
    """The Agent tool's own end: the description, the result of a subagent that ran in the foreground, or the error."""
    asked = event.mapping("tool_input")
    agent_id = _text(event.mapping("tool_response"), "agentId")
    agent_type, description = _text(asked, "subagent_type"), _described(asked)
    if not (agent_id or agent_type or description):
        return None
    status = _status_of_call(event, agent_id)
    called = subtask_id(event.session_id, agent_id) if agent_id else call_id(event.session_id, event.key)
    return SubtaskSeen(
        id=called,
        task_list_id=wave_id(of_event(event)),
        session_id=event.session_id,
        agent_id=agent_id,
        agent_type=agent_type,
        description=description,
        started_at=None,
        completed_at=event.at if status in ENDED else None,
        status=status,
        result=_result_of_call(event, status),
        tool_use_id=event.key,
        seen_at=event.at,
        known_only=False,
    )


def _status_of_call(event: HookEvent, agent_id: str | None) -> Status:
    """Older clients name neither the subagent nor its status: one that was not sent to the background is done."""
    if event.name == "PostToolUseFailure":
        return "failed"
    status = _text(event.mapping("tool_response"), "status")
    if agent_id is None and status != "async_launched":
        sent_away = event.mapping("tool_input").get("run_in_background") is True and status != "completed"
        return "running" if sent_away else "completed"
    return "completed" if status == "completed" else "running"


def _result_of_call(event: HookEvent, status: str) -> str | None:
    if status == "failed":
        return event.text("error") or "The call failed."
    response = event.payload.get("tool_response")
    content = response.get("content") if isinstance(response, Mapping) else response
    return _content_text(content) if status == "completed" else None


def _described(asked: Mapping[str, Any]) -> str | None:
    """What an Agent call says its subagent is to do."""
    text = _text(asked, "description") or _text(asked, "prompt")
    return text if text is None or len(text) <= DESCRIPTION_LIMIT else f"{text[: DESCRIPTION_LIMIT - 3]}..."


def _text(mapping: Mapping[str, Any], field: str) -> str | None:
    value = mapping.get(field)
    return value if isinstance(value, str) and value else None


def _content_text(content: object) -> str | None:
    if isinstance(content, str):
        return content or None
    blocks = content if isinstance(content, list) else []
    texts = [block.get("text") for block in blocks if isinstance(block, Mapping)]
    return "\n".join(text for text in texts if isinstance(text, str)) or None


@dataclass(frozen=True, slots=True)
class SubtaskKnown:
    """What is stored of how a subtask stands; `result` is the text of its summary."""

    status: str
    resumed_at: datetime | None
    completed_at: datetime | None
    result: str | None


def outcome(known: SubtaskKnown, seen: SubtaskSeen) -> tuple[str, bool]:
    """(the status after what was seen, whether the result is then the one that was seen)."""
    began = max(filter(None, (known.resumed_at, seen.started_at)), default=None)
    ended = max(filter(None, (known.completed_at, seen.completed_at)), default=None)
    if ended is None or (began is not None and ended < began):
        return "running", seen.result is not None
    fails = _fails(known, seen)
    of_known = "failed" in {known.status, seen.status} and known.result != SILENT and (seen.status == "failed") != fails
    return "failed" if fails else "completed", seen.result is not None and not of_known


def _fails(known: SubtaskKnown, seen: SubtaskSeen) -> bool:
    """Whether it failed: its call said so, and nothing that came of it later says otherwise."""
    if known.status == "failed" and seen.status == "completed":
        late = known.result == SILENT or _before(known.completed_at, seen.completed_at)
        return not (late and seen.result)
    if seen.status == "failed" and known.status == "completed":
        return not (known.result and _before(seen.completed_at, known.completed_at))
    return "failed" in {known.status, seen.status}


def _before(first: datetime | None, second: datetime | None) -> bool:
    return first is not None and second is not None and first < second
