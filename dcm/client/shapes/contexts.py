"""Shapes of what an agent should know."""

from typing import Any, Literal, NotRequired, TypedDict

from dcm.client.shapes.page import Data, Page

Trigger = Literal["auto", "manual", "proactive"]


class Brief(TypedDict):
    """A text for an agent."""

    id: str
    content: str
    token_count: int
    truncated: bool
    generated_at: str


class Context(TypedDict):
    """A brief or raw data; `context` is None when no session was given and none was found."""

    agent_id: str
    session_id: NotRequired[str]
    agent_type: NotRequired[str]
    brief: NotRequired[Brief]
    sources: NotRequired[list[Data]]
    data: NotRequired[Data]
    counts: NotRequired[dict[str, int]]
    context: NotRequired[None]
    message: NotRequired[str]


class ContextMade(TypedDict):
    """A brief that was made."""

    success: bool
    brief: Data
    sources: list[Data]


class SnapshotSaved(TypedDict):
    """What a snapshot holds, by number."""

    success: bool
    snapshot: Data
    saved_at: str


class Restored(TypedDict):
    """The brief after a compaction."""

    success: bool
    brief: Any
    sources: list[Data]
    session_compacted: bool
    restored_at: str


class CompactStatus(TypedDict):
    """Whether a session was compacted."""

    session_id: str
    exists: bool
    compacted: bool
    compacted_at: NotRequired[str | None]
    compact_summary: NotRequired[str | None]
    compact_agent: NotRequired[str | None]


class SnapshotFound(TypedDict):
    """The snapshot of a session."""

    session_id: str
    exists: bool
    snapshot: Data | None
    summary: NotRequired[str | None]
    modified_files: NotRequired[list[str] | None]
    saved_at: NotRequired[str]


class Difference(TypedDict):
    """Lines that a brief has and the client's summary lacks, and the other way round."""

    only_in_brief: list[str]
    only_in_summary: list[str]


class BriefFound(TypedDict):
    """A brief beside what the client wrote of the same compaction."""

    id: str
    trigger: str
    subject: str
    made_for: str
    given_at: str | None
    settled_at: str | None
    brief: str
    summary: str | None
    pre_tokens: int | None
    post_tokens: int | None
    duration_ms: int | None
    difference: Difference | None


class BriefsFound(TypedDict):
    """The newest briefs of a session."""

    session_id: str
    briefs: list[BriefFound]
    count: int


class AgentContextPage(Page):
    """A page of agents' contexts."""

    contexts: list[Data]
    total: int
    stats: dict[str, int]
    type_distribution: list[Data]
    timestamp: str


class AgentContextStats(TypedDict):
    """Figures of the agents' contexts."""

    overview: Data
    top_types: list[Data]
    recent_activity: list[Data]
    tools_used: list[Data]
    timestamp: str
