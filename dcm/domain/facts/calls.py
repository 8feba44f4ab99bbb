"""A finished tool call, as the facts are drawn from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dcm.domain.tools import SHELL_TOOLS

REFUSED = "The user doesn't want to"
"""How the client's result begins of a tool call that the user refused."""

_STOPPED = ("nterrupted by user", "Command was aborted before completion")
"""Words of the result of a tool call that the user interrupted."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A finished tool call with its input (`asked`) and output (`got`) read back.

    `number` is its place among the calls of its session; `got` is empty where the output was not read;
    `interrupted`: the client says that the user stopped it.
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
    interrupted: bool = False


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


def was_refused(call: ToolCall) -> bool:
    """Whether the user did not let it run."""
    return not call.success and call.error.startswith(REFUSED)


def was_stopped(call: ToolCall) -> bool:
    """Whether the user refused or interrupted it: that it did not succeed says nothing."""
    if call.interrupted or call.got.get("interrupted") is True or was_refused(call):
        return True
    return not call.success and any(words in call.error for words in _STOPPED)


def is_started(call: ToolCall) -> bool:
    """Whether a shell call has only started its command, in the background."""
    if call.tool not in SHELL_TOOLS or not call.success:
        return False
    return call.asked.get("run_in_background") is True or bool(call.got.get("backgroundTaskId"))
