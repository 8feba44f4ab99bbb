"""What is told: the events that Postgres notifies and the bridge relays. Names: contract, section 4."""

import json
from bisect import bisect_right
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
    """The JSON text to notify; where it would be too long, the data's long fields are cut and `truncated` says so."""
    frame: dict[str, Any] = {
        "channel": event.channel,
        "event": event.name,
        "data": event.data,
        "timestamp": timestamp_ms,
        "session_id": event.session_id,
    }
    if event_id is not None:
        frame["event_id"] = event_id
    text = _json(frame)
    if len(text.encode()) <= NOTIFY_LIMIT:
        return text
    keys = dict.fromkeys(event.data, 0)
    room = NOTIFY_LIMIT - _size(frame | {"data": keys | {"truncated": True}}) + len(keys)
    return _json(frame | {"data": _cut(event.data, room) | {"truncated": True}})


def _cut(data: Mapping[str, Any], room: int) -> dict[str, Any]:
    """The fields in so many bytes of JSON: short ones stay whole, the long ones share what is left."""
    kept = dict(data)
    by_size = sorted(data, key=lambda name: _size(data[name]))
    for number, name in enumerate(by_size):
        kept[name] = _shortened(data[name], room // (len(by_size) - number))
        room -= _size(kept[name])
    return kept


def _shortened(value: Any, room: int) -> Any:
    """The value in so many bytes of JSON: a text loses its end, a list its last items, anything else is null."""
    if _size(value) <= room:
        return value
    if isinstance(value, str):
        length = bisect_right(range(len(value)), room, key=lambda end: _size(f"{value[:end]}…")) - 1
        return f"{value[:length]}…" if length >= 0 else None
    if isinstance(value, list):
        length = bisect_right(range(len(value)), room, key=lambda end: _size(value[:end])) - 1
        return value[: max(length, 0)]
    return None


def _json(value: object) -> str:
    return json.dumps(value, default=plain, ensure_ascii=False)


def _size(value: object) -> int:
    """Bytes of its JSON."""
    return len(_json(value).encode())
