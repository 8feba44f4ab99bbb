"""Commands started in the background: how one ended is told by the call that read its output afterwards."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from dcm.domain.facts.calls import ToolCall, is_started
from dcm.domain.tools import OUTPUT_TOOLS

_ENDED = frozenset({"completed", "failed"})


def ended(calls: Iterable[ToolCall]) -> list[ToolCall]:
    """The calls, where those that read the output of an ended command stand as its end: the command, and how it ended.

    The oldest call comes first.
    """
    started: dict[str, ToolCall] = {}
    found = []
    for call in calls:
        if is_started(call):
            started[str(call.got.get("backgroundTaskId") or call.got.get("shellId"))] = call
        task = _task(call)
        begun = started.pop(_id(call), None) if task.get("status") in _ENDED else None
        found.append(_end(begun, call, task) if begun else call)
    return found


def _id(call: ToolCall) -> str:
    return str(call.asked.get("bash_id") or call.asked.get("task_id") or call.asked.get("shell_id"))


def _task(call: ToolCall) -> Mapping[str, Any]:
    """What a call read of a command: how it stands, its output, and its exit code once it has ended."""
    if call.tool not in OUTPUT_TOOLS or not call.success:
        return {}
    task = call.got.get("task")
    return task if isinstance(task, Mapping) else call.got


def _end(begun: ToolCall, call: ToolCall, task: Mapping[str, Any]) -> ToolCall:
    """The end of a command, as if it had been run when its output was read."""
    parts = (task.get(name) for name in ("output", "stdout", "stderr"))
    output = "\n".join(part for part in parts if isinstance(part, str) and part)
    code = task.get("exitCode")
    success = not code if isinstance(code, int) else task.get("status") == "completed"
    asked = {"command": begun.asked.get("command")}
    error = "" if success else f"Exit code {code}\n{output}"
    return replace(
        call, tool=begun.tool, asked=asked, got={"stdout": output}, success=success, error=error, file_paths=()
    )
