"""What was refused, and what the user said with it: tool calls that never ran."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from dcm.domain.facts.calls import REFUSED, ToolCall
from dcm.domain.snapshots import Decision
from dcm.domain.tools import one_line

WHAT_LIMIT, REASON_LIMIT = 120, 400
"""Characters kept of what was refused, and of what was said with it."""

_SAID = re.compile(r"the user said:\s*(.*?)\s*(?:\n\nNote: The user's next message\b.*)?\Z", re.DOTALL)


def said_with(result: str) -> str:
    """What the user said when refusing, empty when it was nothing, given the client's result of the call."""
    found = _SAID.search(result)
    return found[1] if found else ""


def decisions(denied: Iterable[tuple[datetime, Mapping[str, Any]]]) -> list[Decision]:
    """What PermissionDenied events (when, payload) forbid, in their order."""
    return [Decision(_told(payload), at) for at, payload in denied]


def of_calls(calls: Iterable[ToolCall]) -> list[Decision]:
    """The same of calls that were reported as failed."""
    refused = (call for call in calls if call.error.startswith(REFUSED))
    return [
        Decision(_told({"tool_name": call.tool, "tool_input": call.asked, "reason": said_with(call.error)}), call.at)
        for call in refused
    ]


def _told(payload: Mapping[str, Any]) -> str:
    reason = payload.get("reason")
    why = f": {one_line(reason, REASON_LIMIT)}" if isinstance(reason, str) and reason.strip() else ""
    return f"Refused {_what(payload)}{why}"


def _what(payload: Mapping[str, Any]) -> str:
    asked = payload.get("tool_input")
    asked = asked if isinstance(asked, Mapping) else {}
    if isinstance(command := asked.get("command"), str):
        return f"`{one_line(command, WHAT_LIMIT)}`"
    path = asked.get("file_path") or asked.get("notebook_path") or ""
    return one_line(f"{payload.get('tool_name', 'a tool call')} {path}", WHAT_LIMIT)
