"""Finished tool calls for tests: each a second after the one made before it."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from dcm.domain.facts.calls import ToolCall

BEGAN = datetime(2026, 11, 21, 12, tzinfo=UTC)
_numbers = count()


def call(tool: str, asked: dict[str, Any] | None = None, error: str = "", **fields: Any) -> ToolCall:
    """A call of any tool."""
    path = (asked or {}).get("file_path")
    given = {"got": {}, "file_paths": [path] if path else [], "by_subagent": False} | fields
    number = next(_numbers)
    at = BEGAN + timedelta(seconds=number)
    return ToolCall(tool=tool, asked=asked or {}, success=not error, error=error, at=at, number=number, **given)


def bash(command: str, error: str = "", output: str = "") -> ToolCall:
    """A shell call; `error` is what it says when it fails, `output` what it says when it does not."""
    return call("Bash", {"command": command}, error, got={"stdout": output})


def edit(path: str, error: str = "", tool: str = "Edit", **fields: Any) -> ToolCall:
    """A call about a file."""
    return call(tool, {"file_path": path} | fields, error)


def some_calls(many: int) -> list[ToolCall]:
    """Calls that look at something, to let others grow old."""
    return [bash(f"ls {number}") for number in range(many)]
