"""Prompts as requests: one row a prompt of the user."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from dcm.domain.hook_events import HookEvent
from dcm.domain.ids import request_id

UNSEEN_PROMPT = "(the prompt was not seen)"
"""Stands for a prompt given while nobody listened, until it is heard of."""

NO_PROMPT = "session"
"""Names the request of work that no prompt id belongs to."""


@dataclass(frozen=True, slots=True)
class RequestSeen:
    """What is known of a request: `seen` is False for a placeholder that a subagent's work needs."""

    id: uuid.UUID
    session_id: str
    prompt_id: str
    prompt: str
    created_at: datetime
    seen: bool


def of_event(event: HookEvent) -> uuid.UUID:
    """The request an event belongs to."""
    return request_id(event.session_id, event.prompt_id or NO_PROMPT)


def seen(events: list[HookEvent]) -> list[RequestSeen]:
    """The requests a batch tells of: each prompt, and a placeholder for each that its subagents name."""
    found: dict[uuid.UUID, RequestSeen] = {}
    for event in events:
        is_prompt = opens(event)
        if not is_prompt and not (event.prompt_id and _of_subagent(event)):
            continue
        row = _request(event, is_prompt)
        known = found.get(row.id)
        if known is None or (row.seen and not known.seen):
            found[row.id] = row
    return sorted(found.values(), key=lambda row: (row.created_at, str(row.id)))


def opens(event: HookEvent) -> bool:
    """Whether it is a prompt of the user."""
    return event.name == "UserPromptSubmit" and not event.agent_id


def _of_subagent(event: HookEvent) -> bool:
    return bool(event.agent_id) or event.ends_agent


def unnumbered(events: list[HookEvent]) -> list[HookEvent]:
    """What is told of subagents without a prompt id: it belongs to the newest prompt up to its time."""
    return [event for event in events if not event.prompt_id and _of_subagent(event)]


def placeholders(events: list[HookEvent]) -> list[RequestSeen]:
    """What stands for the prompt of these events, one for each of their sessions, as nobody saw one before them."""
    first: dict[str, HookEvent] = {}
    for event in sorted(events, key=lambda event: event.at):
        first.setdefault(event.session_id, event)
    return [_request(event, is_prompt=False) for event in first.values()]


def _request(event: HookEvent, is_prompt: bool) -> RequestSeen:
    prompt_id = event.prompt_id or (event.key if is_prompt else NO_PROMPT)
    return RequestSeen(
        id=request_id(event.session_id, prompt_id),
        session_id=event.session_id,
        prompt_id=prompt_id,
        prompt=(event.text("prompt") if is_prompt else "") or UNSEEN_PROMPT,
        created_at=event.at,
        seen=is_prompt,
    )
