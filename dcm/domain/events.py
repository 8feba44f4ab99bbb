"""What is told: the events that Postgres notifies and the bridge relays. Names: contract, section 4."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dcm.domain.instants import plain

KEPT = ("task.", "subtask.", "message.", "ticket.", "agent.", "lock.", "handoff.")
"""Events a client must not miss: they are rows too, and a client resumes from the last it saw."""

NOTIFY_LIMIT = 7900
"""Bytes of a notification: Postgres refuses 8000."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `channel` is where it belongs; the bridge copies it to global."""

    name: str
    data: Mapping[str, Any]
    channel: str = "global"
    session_id: str | None = field(default=None)

    @property
    def kept(self) -> bool:
        """Whether it must not be lost."""
        return self.name.startswith(KEPT)


def notification(event: Event, timestamp_ms: int, event_id: int | None) -> str:
    """The JSON text to notify: the data, or its id when the text would be too long."""
    frame: dict[str, Any] = {
        "channel": event.channel,
        "event": event.name,
        "data": event.data,
        "timestamp": timestamp_ms,
        "session_id": event.session_id,
    }
    if event_id is not None:
        frame["event_id"] = event_id
    text = json.dumps(frame, default=plain, ensure_ascii=False)
    if len(text.encode()) <= NOTIFY_LIMIT:
        return text
    frame["data"] = {"id": event.data.get("id"), "truncated": True}
    return json.dumps(frame, default=plain, ensure_ascii=False)
