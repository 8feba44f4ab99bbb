"""Calls about what happened: hook payloads, tool calls, transcripts, and the search through them."""

from collections.abc import Mapping, Sequence
from typing import Any

from dcm.client.calls.call import Call, delete, get, part, post
from dcm.client.shapes import events as shapes
from dcm.client.shapes.page import ToolType


def hook(payload: Mapping[str, Any]) -> Call[dict[str, Any] | str]:
    """Report a hook event as Claude Code does; the answer is what the hook would print: an object, or plain text."""
    return Call("POST", "/api/hooks/claude", body=payload, repeatable=True, is_loose=True)


def import_payloads(payloads: Sequence[shapes.Past]) -> Call[shapes.Imported]:
    """Report hook events of the past with their own times, at most 1000; what is known already is left out."""
    return post("/api/import", repeatable=True, payloads=list(payloads))


def import_rows(rows: Sequence[Mapping[str, Any]]) -> Call[shapes.RowsImported]:
    """Store lines of an export as they were, at most 1000; what is known stays as it is."""
    return post("/api/import/export", repeatable=True, rows=list(rows))


def report_usage(
    messages: Sequence[shapes.MessageUsed], *, contexts: Sequence[shapes.ContextUsed] = ()
) -> Call[shapes.UsageKept]:
    """Report what answers of models took, at most 1000; each is counted once."""
    return post("/api/usage", repeatable=True, messages=list(messages), contexts=list(contexts))


def record_action(
    tool_name: str,
    tool_type: ToolType,
    *,
    input: str | None = None,  # noqa: A002 - the contract's word
    output: str | None = None,
    exit_code: int | None = None,
    duration_ms: int | None = None,
    file_paths: Sequence[str] | None = None,
    subtask_id: str | None = None,
    session_id: str | None = None,
    project_path: str | None = None,
) -> Call[shapes.ActionMade]:
    """Record a tool call."""
    return post(
        "/api/actions",
        tool_name=tool_name,
        tool_type=tool_type,
        input=input,
        output=output,
        exit_code=exit_code,
        duration_ms=duration_ms,
        file_paths=file_paths,
        subtask_id=subtask_id,
        session_id=session_id,
        project_path=project_path,
    )


def list_actions(
    *,
    tool_type: ToolType | None = None,
    tool_name: str | None = None,
    session_id: str | None = None,
    limit: int | None = None,
    offset: int | None = None,
) -> Call[shapes.ActionPage]:
    """Tool calls, newest first."""
    return get(
        "/api/actions", tool_type=tool_type, tool_name=tool_name, session_id=session_id, limit=limit, offset=offset
    )


def get_hourly_actions() -> Call[shapes.HourlyActions]:
    """Tool calls an hour over the last day."""
    return get("/api/actions/hourly")


def delete_action(action_id: str) -> Call[None]:
    """Delete a tool call."""
    return delete(f"/api/actions/{part(action_id)}")


def delete_session_actions(session_id: str) -> Call[shapes.ActionsDeleted]:
    """Delete all tool calls of a session."""
    return delete(f"/api/actions/by-session/{part(session_id)}")


def search(
    q: str,
    *,
    project: str | None = None,
    session_id: str | None = None,
    since: str | None = None,
    until: str | None = None,
    limit: int | None = None,
) -> Call[dict[str, Any]]:
    """What is remembered of these words."""
    return get("/api/search", q=q, project=project, session_id=session_id, since=since, until=until, limit=limit)
