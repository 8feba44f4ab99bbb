"""The figures people look at first (contract, section 3.1)."""

from typing import Any

from api.database import Database
from api.fields import Answer, Instant, now
from api.operations import operation
from db import kpis


class ActionFigures(Answer):
    """Tool calls of the last 24 hours; `success_rate` in percent."""

    total: int
    success: int
    success_rate: int
    unique_tools: int
    active_sessions: int
    avg_per_hour: float


class SessionFigures(Answer):
    """Sessions; active are those that began within 24 hours and have not ended."""

    total: int
    active: int
    avg_tools_per_session: float


class AgentTypeCount(Answer):
    """How many contexts an agent type has."""

    agent_type: str
    count: int


class AgentFigures(Answer):
    """Agent contexts, and the eight types that have most."""

    contexts_total: int
    unique_types: int
    top_types: list[AgentTypeCount]


class SubtaskFigures(Answer):
    """Subtasks by how they stand; `completion_rate` in percent."""

    total: int
    completed: int
    running: int
    failed: int
    completion_rate: int


class RoutingFigures(Answer):
    """Keywords, tools and the pairs of both that have a score."""

    keywords: int
    tools: int
    mappings: int


class KpiBlocks(Answer):
    """The figures, by what they are about."""

    actions_24h: ActionFigures
    sessions: SessionFigures
    agents: AgentFigures
    subtasks: SubtaskFigures
    routing: RoutingFigures
    timestamp: Instant


class Kpis:
    """/api/dashboard/kpis"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=KpiBlocks)
    async def on_get(self) -> dict[str, Any]:
        """The figures people look at first."""
        return {**await self._database.read(kpis.blocks), "timestamp": now()}
