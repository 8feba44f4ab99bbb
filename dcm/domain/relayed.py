"""Hook events that a relay takes on one machine for a server on another: how they are kept, and what they may cost."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dcm.domain.errors import InvalidInput
from dcm.domain.turns import AHEAD, EARLIEST

TIME_HEADER = "DCM-Event-Time"
"""When the event happened, in ISO 8601 with its zone: a relay took it then. The same event has the same time again."""

NO_ANSWER = ("Prefer", "return=minimal")
"""The header, and its value, of an event that nobody waits for any more: it is answered with nothing."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

PATIENCE = {"compact": 2.3, "resume": 2.3, "PreCompact": 0.8, "UserPromptSubmit": 0.35, "PreToolUse": 0.35,
            "PostToolUse": 0.35, "PostToolUseFailure": 0.35, "SessionStart": 0.35}  # fmt: skip
"""Seconds for which an answer of the server is waited for, by SessionStart's source or by event."""

SHORT_PATIENCE = 0.2
"""The same for all other events: the client waits 0.3 s."""

PASSING, REPEATED, LASTING = range(3)
"""How much is lost with an event: it only said what was going on; it is one tool call of many; it is the story."""

_IMPORTANCE = {
    "Notification": PASSING,
    "PermissionRequest": PASSING,
    "PreToolUse": PASSING,
    "PostToolUse": REPEATED,
    "PostToolUseFailure": REPEATED,
}


@dataclass(frozen=True, slots=True)
class Record:
    """An event as a relay keeps it. `at`: microseconds since the epoch."""

    at: int
    session_id: str
    event: str
    body: bytes

    @property
    def importance(self) -> int:
        """What is dropped first has the least."""
        return _IMPORTANCE.get(self.event, LASTING)

    @property
    def time(self) -> str:
        """Its moment as the server is told it."""
        return (EPOCH + self.at * MICROSECOND).isoformat(timespec="microseconds")


def line(record: Record) -> bytes:
    """The record as one line: its checksum, then its fields, of which none has a tab or a newline."""
    names = json.dumps([record.session_id, record.event], separators=(",", ":")).encode()
    body = record.body.translate(_FLAT)
    told = b"%d\t%s\t%s" % (record.at, names, body)
    return b"%08x\t%s\n" % (zlib.crc32(told), told)


_FLAT = bytes.maketrans(b"\t\r\n", b"   ")
"""JSON has these between its values alone, where they mean what a space does."""


def record_of(text: bytes) -> Record | None:
    """The record of a line; None when the line is not whole, or not as it was written."""
    checksum, _, told = text.removesuffix(b"\n").partition(b"\t")
    if not text.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(told):
        return None
    at, names, body = told.split(b"\t", 2)
    session_id, event = json.loads(names)
    return Record(int(at), session_id, event, body)


def patience(payload: Mapping[str, Any]) -> float:
    """Seconds for which the answer to a checked payload is waited for."""
    event = payload["hook_event_name"]
    source = payload.get("source") if event == "SessionStart" else None
    return PATIENCE.get(source if isinstance(source, str) else "") or PATIENCE.get(event, SHORT_PATIENCE)


def told_time(text: str, now_ns: int) -> int:
    """Nanoseconds since the epoch of a moment that a relay tells; one that is still to come is taken for now.

    Raises:
        InvalidInput: it is not a moment with its zone, or it is before 2020.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = EPOCH.replace(tzinfo=None)
    if at.tzinfo is None or at < EARLIEST:
        raise InvalidInput(f"{TIME_HEADER} is {text[:40]!r}: give a time since 2020 with its zone, in ISO 8601.")
    told = (at - EPOCH) // MICROSECOND * 1000
    return told if told <= now_ns + AHEAD // MICROSECOND * 1000 else now_ns
