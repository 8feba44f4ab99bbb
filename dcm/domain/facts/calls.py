"""A finished tool call, as the facts are drawn from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dcm.domain.tools import SHELL_TOOLS


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A finished tool call with its input (`asked`) and output (`got`) read back.

    `number` is its place among the calls of its session; `got` is empty where the output was not read.
    """

    tool: str
    asked: Mapping[str, Any]
    got: Mapping[str, Any]
    file_paths: Sequence[str]
    success: bool
    error: str
    at: datetime
    by_subagent: bool
    number: int = 0


def command_of(call: ToolCall) -> str:
    """The command of a shell call, empty for any other."""
    command = call.asked.get("command") if call.tool in SHELL_TOOLS else None
    return command.strip() if isinstance(command, str) else ""


def printed(call: ToolCall) -> str:
    """What a shell call wrote to its outputs."""
    if not call.success:
        return call.error
    parts = (call.got.get(name) for name in ("stdout", "stderr"))
    return "\n".join(part for part in parts if isinstance(part, str) and part)
