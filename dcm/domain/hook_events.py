"""What a hook payload is: its fields, its key, and what its event means.

Shapes: Claude Code's hooks reference. Unknown events and unknown fields are kept, never refused.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from dcm.domain.errors import InvalidInput
from dcm.domain.tools import AGENT_TOOLS

Payload = Mapping[str, Any]

TOOL_RECORDED = "dcm.action"
"""No hook: a finished tool call that a program reported itself, by POST /api/actions."""

TOOL_ENDED = frozenset({"PostToolUse", "PostToolUseFailure", TOOL_RECORDED})
"""Events that become a row of actions."""

TOOL_STARTED = "PreToolUse"

ACTIVITY = frozenset({"SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure"})
"""Events that only a live session sends: they reopen one that was ended."""

NAME_LIMIT = 300
"""Characters of the longest session id and event name that are taken; the client's have 36 and 20."""

DOUBLE_FIRING = timedelta(seconds=10)
"""The same payload within this time is one event that two registrations of the hook sent."""

SAME_COMPACTION = timedelta(seconds=2)
"""PreCompacts this near to each other are of one compaction: the client fires two for an automatic one."""

PARTS = {"PreCompact": "PostCompact", "PostCompact": "PreCompact"}
"""Of which event each shows that two equal ones are of two compactions, when it stands between them."""


@dataclass(frozen=True, slots=True)
class HookEvent:
    """One accepted event. `at` is when the door took it; empty strings mean the field was absent.

    `recovered`: no hook reported it, a transcript told it.
    """

    entry_id: str
    at: datetime
    name: str
    session_id: str
    agent_id: str
    agent_type: str
    prompt_id: str
    tool_use_id: str
    tool_name: str
    cwd: str
    transcript_path: str
    payload: Payload
    recovered: bool = False
    came_as: str = ""
    """The key of the payload as it came, where redaction changed it since."""

    @property
    def ends_tool(self) -> bool:
        """Whether it becomes a row of actions."""
        return self.name in TOOL_ENDED and bool(self.tool_name)

    @property
    def ends_agent(self) -> bool:
        """Whether a call by which the main conversation had a subagent work has ended."""
        return self.ends_tool and self.name != TOOL_RECORDED and self.tool_name in AGENT_TOOLS and not self.agent_id

    @property
    def key(self) -> str:
        """What makes it this event of its session and no other: its tool call, else its content.

        Equal calls of a client that names no tool call are told apart by their time.
        """
        if self.tool_use_id and self.name in (*TOOL_ENDED, TOOL_STARTED):
            return self.tool_use_id
        content = self.came_as or content_key(self.session_id, self.name, self.prompt_id, self.payload)
        return f"{content}:{self.at.isoformat()}" if self.ends_tool else content

    def text(self, field: str) -> str:
        """A field of the payload as text; empty when it is absent or not text."""
        value = self.payload.get(field)
        return value if isinstance(value, str) else ""

    def mapping(self, field: str) -> Payload:
        """A field of the payload as an object; empty when it is absent or not an object."""
        value = self.payload.get(field)
        return value if isinstance(value, Mapping) else {}


def content_key(session_id: str, name: str, prompt_id: str, payload: Payload) -> str:
    """A hash of session, event, prompt and body, independent of the order of the body's fields."""
    body = json.dumps(payload, sort_keys=True, default=str, ensure_ascii=True)
    return hashlib.sha256("\x1f".join((session_id, name, prompt_id, body)).encode()).hexdigest()


def check(payload: object) -> Payload:
    """The payload, if it can be taken at all.

    Raises:
        InvalidInput: it is not an object, or session_id or hook_event_name is missing or too long.
    """
    if not isinstance(payload, dict):
        raise InvalidInput("The body is not a JSON object: send the hook's payload as it comes.")
    for field in ("session_id", "hook_event_name"):
        value = payload.get(field)
        if not isinstance(value, str) or not value.strip():
            raise InvalidInput(f"{field} is missing: a hook payload has it as text that is not empty.")
        if len(value) > NAME_LIMIT:
            raise InvalidInput(f"{field} has {len(value)} characters: {NAME_LIMIT} are taken at most.")
    return payload


def parse(entry_id: str, at: datetime, payload: Payload, *, recovered: bool = False) -> HookEvent:
    """The event of a checked payload."""

    def text(field: str) -> str:
        value = payload.get(field)
        return value if isinstance(value, str) else ""

    return HookEvent(
        entry_id=entry_id,
        at=at,
        name=text("hook_event_name"),
        session_id=text("session_id"),
        agent_id=text("agent_id"),
        agent_type=text("agent_type"),
        prompt_id=text("prompt_id"),
        tool_use_id=text("tool_use_id"),
        tool_name=text("tool_name"),
        cwd=text("cwd"),
        transcript_path=text("transcript_path"),
        payload=payload,
        recovered=recovered,
    )


def with_payload(event: HookEvent, payload: Payload) -> HookEvent:
    """The event with another payload: what it is known by stays."""
    if payload is event.payload:
        return event
    came_as = event.came_as or content_key(event.session_id, event.name, event.prompt_id, event.payload)
    return replace(event, payload=payload, came_as=came_as)


def without_doubles(events: list[HookEvent]) -> list[HookEvent]:
    """The events without those that repeat an earlier one of the list."""
    parted = partings((event.session_id, event.name, event.at) for event in events)
    seen: dict[tuple[str, str, str], datetime] = {}
    kept = []
    for event in events:
        identity = (event.session_id, event.name if not event.ends_tool else "tool", event.key)
        earlier = seen.get(identity)
        if earlier is not None and is_double(event, earlier, parted.get((event.session_id, event.name), ())):
            continue
        seen[identity] = event.at
        kept.append(event)
    return kept


def partings(told: Iterable[tuple[str, str, datetime]]) -> dict[tuple[str, str], list[datetime]]:
    """{(session, event): moments that part two of them} from the (session, event, moment) of what was told."""
    found: dict[tuple[str, str], list[datetime]] = {}
    for session_id, name, at in told:
        if name in PARTS:
            found.setdefault((session_id, PARTS[name]), []).append(at)
    return found


def is_double(event: HookEvent, earlier: datetime, parting: Iterable[datetime] = ()) -> bool:
    """Whether an event of the same key at `earlier` is this one, with no moment between that parts the two.

    A tool call ends once, whenever that is.
    """
    if any(earlier < moment < event.at for moment in parting):
        return False
    near = SAME_COMPACTION if event.name == "PreCompact" else DOUBLE_FIRING
    return bool(event.tool_use_id) or abs(event.at - earlier) < near
