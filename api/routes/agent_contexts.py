"""Agent contexts (contract, section 3.10)."""

from typing import Any
from uuid import UUID

from pydantic import JsonValue

from api.database import Database
from api.fields import Answer, Instant, Offset, Query, Text, UpTo1000, now
from api.operations import operation
from db import agent_contexts
from db.pool import Conn


class ContextListFilter(Query):
    """Which contexts; `status` is that of the role context."""

    agent_type: Text | None = None
    status: Text | None = None
    limit: UpTo1000 = 100
    offset: Offset = 0


class StoredContext(Answer):
    """What is kept of an agent, or of a session before a compaction."""

    id: UUID
    project_id: UUID | None
    agent_id: str
    agent_type: str
    role_context: dict[str, JsonValue]
    skills_to_restore: list[str] | None
    tools_used: list[str] | None
    progress_summary: str | None
    last_updated: Instant
    session_id: str | None


class ContextFigures(Answer):
    """Figures over all contexts."""

    total: int
    unique_types: int
    running: int
    completed: int
    failed: int


class TypeFigures(Answer):
    """Figures of an agent type."""

    agent_type: str
    count: int
    running: int
    completed: int | None = None


class ContextPage(Answer):
    """A page of contexts; `total` fit the filters, `stats` and `type_distribution` are over all of them."""

    contexts: list[StoredContext]
    total: int
    limit: int
    offset: int
    stats: ContextFigures
    type_distribution: list[TypeFigures]
    timestamp: Instant


class ContextOverview(Answer):
    """Figures over all contexts."""

    total_contexts: int
    unique_agent_types: int
    unique_projects: int
    active_agents: int
    completed_agents: int
    failed_agents: int
    oldest_context: Instant | None
    newest_context: Instant | None


class RecentContext(Answer):
    """A context that changed lately."""

    id: UUID
    agent_id: str
    agent_type: str
    progress_summary: str | None
    status: str | None
    spawned_at: str | None
    last_updated: Instant


class ToolUse(Answer):
    """How many contexts used a tool."""

    tool: str
    usage_count: int


class ContextStats(Answer):
    """What agents there are and what they use."""

    overview: ContextOverview
    top_types: list[TypeFigures]
    recent_activity: list[RecentContext]
    tools_used: list[ToolUse]
    timestamp: Instant


class AgentContexts:
    """/api/agent-contexts"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=ContextPage)
    async def on_get(self, query: ContextListFilter) -> dict[str, Any]:
        """A page of agent contexts, the last changed first."""

        def read(conn: Conn) -> dict[str, Any]:
            figures = agent_contexts.overview(conn)
            return {
                "contexts": agent_contexts.page(conn, **query.model_dump()),
                "total": agent_contexts.matching(conn, query.agent_type, query.status),
                "stats": {name: figures[name] for name in ContextFigures.model_fields},
                "type_distribution": agent_contexts.types(conn, 20),
            }

        found = await self._database.read(read)
        return {**found, "limit": query.limit, "offset": query.offset, "timestamp": now()}


class AgentContextStats:
    """/api/agent-contexts/stats"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=ContextStats)
    async def on_get(self) -> dict[str, Any]:
        """What agents there are and what they use."""

        def read(conn: Conn) -> dict[str, Any]:
            figures = agent_contexts.overview(conn) | agent_contexts.span(conn)
            return {
                "overview": {
                    "total_contexts": figures["total"],
                    "unique_agent_types": figures["unique_types"],
                    "unique_projects": figures["unique_projects"],
                    "active_agents": figures["running"],
                    "completed_agents": figures["completed"],
                    "failed_agents": figures["failed"],
                    "oldest_context": figures["oldest"],
                    "newest_context": figures["newest"],
                },
                "top_types": agent_contexts.types(conn, 15),
                "recent_activity": agent_contexts.recent(conn),
                "tools_used": agent_contexts.tools(conn),
            }

        return {**await self._database.read(read), "timestamp": now()}
