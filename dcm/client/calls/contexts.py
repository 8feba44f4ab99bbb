"""Calls about what an agent should know: briefs, snapshots, agent contexts."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from dcm.client.calls.call import Call, get, part, post
from dcm.client.shapes import contexts as shapes


def get_context(
    agent_id: str,
    *,
    session_id: str | None = None,
    agent_type: str | None = None,
    format: Literal["brief", "raw"] | None = None,  # noqa: A002 - the contract's word
    max_tokens: int | None = None,
    include_history: bool | None = None,
    include_messages: bool | None = None,
    include_blocking: bool | None = None,
    history_limit: int | None = None,
) -> Call[shapes.Context]:
    """What an agent should know now: as a brief, or raw."""
    return get(
        f"/api/context/{part(agent_id)}",
        session_id=session_id,
        agent_type=agent_type,
        format=format,
        max_tokens=max_tokens,
        include_history=include_history,
        include_messages=include_messages,
        include_blocking=include_blocking,
        history_limit=history_limit,
    )


def generate_context(
    agent_id: str,
    session_id: str,
    *,
    agent_type: str | None = None,
    max_tokens: int | None = None,
    include_history: bool | None = None,
    history_limit: int | None = None,
    include_messages: bool | None = None,
    include_blocking: bool | None = None,
    project_id: str | None = None,
) -> Call[shapes.ContextMade]:
    """Make a brief."""
    return post(
        "/api/context/generate",
        agent_id=agent_id,
        session_id=session_id,
        agent_type=agent_type,
        max_tokens=max_tokens,
        include_history=include_history,
        history_limit=history_limit,
        include_messages=include_messages,
        include_blocking=include_blocking,
        project_id=project_id,
    )


def save_snapshot(
    session_id: str,
    *,
    trigger: shapes.Trigger | None = None,
    context_summary: str | None = None,
    active_tasks: Sequence[Mapping[str, Any]] | None = None,
    modified_files: Sequence[str] | None = None,
    key_decisions: Sequence[str] | None = None,
    agent_states: Sequence[Mapping[str, Any]] | None = None,
) -> Call[shapes.SnapshotSaved]:
    """Save where a session stands."""
    return post(
        "/api/compact/save",
        session_id=session_id,
        trigger=trigger,
        context_summary=context_summary,
        active_tasks=active_tasks,
        modified_files=modified_files,
        key_decisions=key_decisions,
        agent_states=agent_states,
    )


def restore_context(
    session_id: str,
    agent_id: str,
    *,
    agent_type: str | None = None,
    compact_summary: str | None = None,
    max_tokens: int | None = None,
) -> Call[shapes.Restored]:
    """The brief for an agent whose session was compacted."""
    return post(
        "/api/compact/restore",
        session_id=session_id,
        agent_id=agent_id,
        agent_type=agent_type,
        compact_summary=compact_summary,
        max_tokens=max_tokens,
    )


def get_compact_status(session_id: str) -> Call[shapes.CompactStatus]:
    """Whether a session was compacted, and when."""
    return get(f"/api/compact/status/{part(session_id)}")


def get_snapshot(session_id: str) -> Call[shapes.SnapshotFound]:
    """The snapshot of a session."""
    return get(f"/api/compact/snapshot/{part(session_id)}")


def get_briefs(session_id: str, *, limit: int = 10) -> Call[shapes.BriefsFound]:
    """The briefs of a session's compactions, the newest first, beside the client's summaries."""
    return get(f"/api/compact/briefs/{part(session_id)}", limit=limit)


def list_agent_contexts(
    *,
    agent_type: str | None = None,
    status: str | None = None,
    limit: int | None = None,
    offset: int | None = None,
) -> Call[shapes.AgentContextPage]:
    """What agents are known to be about."""
    return get("/api/agent-contexts", agent_type=agent_type, status=status, limit=limit, offset=offset)


def get_agent_context_stats() -> Call[shapes.AgentContextStats]:
    """Figures of the agents' contexts."""
    return get("/api/agent-contexts/stats")
