"""Finished tool calls as actions: one row a PostToolUse or PostToolUseFailure."""

import gzip
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dcm.domain import keywords, tools
from dcm.domain.events import Event
from dcm.domain.hook_events import TOOL_RECORDED, HookEvent
from dcm.domain.ids import derived, subtask_id
from dcm.domain.instants import instant
from dcm.domain.search import action_text

COMPRESS_OVER = 1024
"""Characters of input or output that are stored as they are; longer ones are gzipped (contract, section 3.6)."""


@dataclass(frozen=True, slots=True)
class Action:
    """A tool call that ended. `words` are the keywords its input gives, `findable` is what a search finds it by.

    `tool_use_id` is the event's key.
    """

    id: uuid.UUID
    subtask_id: uuid.UUID | None
    tool_name: str
    tool_type: str
    input: bytes
    output: bytes
    file_paths: list[str]
    exit_code: int
    duration_ms: int | None
    created_at: datetime
    metadata: str
    session_id: str | None
    tool_use_id: str
    prompt_id: str | None
    agent_id: str | None
    success: bool
    error: str | None
    summary: str
    words: list[str]
    findable: str


def of_event(event: HookEvent) -> Action:
    """The action a finished tool call makes."""
    return _of_record(event) if event.name == TOOL_RECORDED else _of_hook(event)


def record(
    action_id: uuid.UUID,
    *,
    tool_name: str,
    tool_type: str,
    session_id: str,
    project_path: str,
    input: str,  # noqa: A002 - the contract's word
    output: str,
    exit_code: int,
    duration_ms: int,
    file_paths: list[str],
    subtask_id: uuid.UUID | None,
) -> dict[str, Any]:
    """What waits in the stream for a tool call that a program reported itself; `_of_record` reads it back."""
    return {
        "hook_event_name": TOOL_RECORDED,
        "session_id": session_id,
        "cwd": project_path,
        "tool_name": tool_name,
        "tool_use_id": str(action_id),
        "tool_type": tool_type,
        "input": input,
        "output": output,
        "exit_code": exit_code,
        "duration_ms": duration_ms,
        "file_paths": file_paths,
        "subtask_id": str(subtask_id) if subtask_id else None,
    }


def _of_record(event: HookEvent) -> Action:
    said = event.payload
    sent, got = said["input"], said["output"]
    exit_code = said["exit_code"]
    metadata = {
        "session_id": event.session_id or None,
        "project_path": event.cwd or None,
        "compressed_input": len(sent) > COMPRESS_OVER,
        "compressed_output": len(got) > COMPRESS_OVER,
    }
    return Action(
        id=uuid.UUID(event.tool_use_id),
        subtask_id=uuid.UUID(said["subtask_id"]) if said["subtask_id"] else None,
        tool_name=event.tool_name,
        tool_type=said["tool_type"],
        input=packed(sent),
        output=packed(got),
        file_paths=said["file_paths"],
        exit_code=exit_code,
        duration_ms=said["duration_ms"] or None,
        created_at=event.at,
        metadata=_json(metadata),
        session_id=event.session_id or None,
        tool_use_id=event.key,
        prompt_id=None,
        agent_id=None,
        success=exit_code == 0,
        error=None if exit_code == 0 else tools.one_line(got, 500) or f"exit code {exit_code}",
        summary=tools.one_line(sent, tools.SUMMARY_LIMIT),
        words=keywords.extract(sent),
        findable=action_text(event.tool_name, sent, "", said["file_paths"], got if exit_code else ""),
    )


def _of_hook(event: HookEvent) -> Action:
    """Success follows from the event, no exit code is sent."""
    asked = event.mapping("tool_input")
    success = event.name == "PostToolUse"
    error = None if success else event.text("error")
    sent, got = _json(event.payload.get("tool_input")), _json(event.payload.get("tool_response"))
    file_paths, summary = tools.file_paths(event.tool_name, asked), tools.summary(asked, event.cwd)
    command = asked.get("command")
    return Action(
        id=derived("action", event.session_id, event.key),
        subtask_id=subtask_id(event.session_id, event.agent_id) if event.agent_id else None,
        tool_name=tools.recorded_name(event.tool_name, asked),
        tool_type=tools.tool_type(event.tool_name),
        input=packed(sent),
        output=packed(got),
        file_paths=file_paths,
        exit_code=0 if success else tools.exit_code(error or ""),
        duration_ms=_duration(event.payload.get("duration_ms")),
        created_at=event.at,
        metadata=_json(_metadata(event, sent, got)),
        session_id=event.session_id,
        tool_use_id=event.key,
        prompt_id=event.prompt_id or None,
        agent_id=event.agent_id or None,
        success=success,
        error=error,
        summary=summary,
        words=keywords.extract(tools.values_text(event.payload.get("tool_input"))),
        findable=action_text(
            event.tool_name,
            command if isinstance(command, str) and command != summary else "",
            summary,
            file_paths,
            (error or "")[:300],
        ),
    )


def findable(
    tool_name: str, sent: str, summary: str, file_paths: list[str], error: str, *, recorded: bool, got: str
) -> str:
    """What a stored tool call is found by, made again; `recorded`: a program reported it itself."""
    if recorded:
        return action_text(tool_name, sent, "", file_paths, got if error else "")
    try:
        asked = json.loads(sent)
    except ValueError:
        asked = None
    command = asked.get("command") if isinstance(asked, Mapping) else None
    shown = command if isinstance(command, str) and command != summary else ""
    return action_text(tool_name, shown, summary, file_paths, error[:300])


def _json(value: object) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _metadata(event: HookEvent, sent: str, got: str) -> dict[str, Any]:
    """What the row has no column for: the tool's own name, compression, and fields nobody knows yet."""
    known = KNOWN_FIELDS
    facts: dict[str, Any] = {key: value for key, value in event.payload.items() if key not in known}
    if tools.recorded_name(event.tool_name, event.mapping("tool_input")) != event.tool_name:
        facts["tool"] = event.tool_name
    if len(sent) > COMPRESS_OVER:
        facts["compressed_input"] = True
    if len(got) > COMPRESS_OVER:
        facts["compressed_output"] = True
    return facts


KNOWN_FIELDS = frozenset(
    {
        "session_id", "transcript_path", "cwd", "hook_event_name", "prompt_id", "permission_mode", "effort",
        "agent_id", "agent_type", "tool_name", "tool_input", "tool_response", "tool_use_id", "duration_ms", "error",
    }
)  # fmt: skip
"""Fields of a finished tool call that columns hold, or that say nothing of this call alone."""


def _duration(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and 0 < value < 2**31 else None


def packed(text: str) -> bytes:
    """The bytes that are stored of a text: gzipped when it is long. The same text gives the same bytes."""
    data = text.encode("utf-8", "replace")
    return gzip.compress(data, compresslevel=1, mtime=0) if len(text) > COMPRESS_OVER else data


def unpacked(data: bytes | None) -> str:
    """The text of stored bytes."""
    if not data:
        return ""
    return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8", "replace")


def announcement(action: Action) -> Event:
    """The event of contract section 4.2 for a recorded action."""
    data: Mapping[str, Any] = {
        "id": str(action.id),
        "tool_name": action.tool_name,
        "tool_type": action.tool_type,
        "exit_code": action.exit_code,
        "session_id": action.session_id,
        "success": action.success,
        "agent_id": action.agent_id,
        "duration_ms": action.duration_ms,
        "file_paths": action.file_paths,
        "summary": action.summary,
        "created_at": instant(action.created_at),
    }
    return Event("action.created", data, session_id=action.session_id)
