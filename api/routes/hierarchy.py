"""A project's tree of requests, tasks and subtasks, and the agents at work (contract, section 3.7)."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from api.database import Database
from api.fields import Answer, Instant, Offset, Query, UpTo1000
from api.operations import operation
from api.routes.projects import Project, ProjectRequest, ProjectStats
from api.routes.requests import RequestTask
from api.routes.tasks import TaskSubtask
from db import hierarchy, projects, requests
from db.pool import Conn
from dcm.domain.errors import NotFound

Row = dict[str, Any]


class HierarchyTask(RequestTask):
    """A wave with its subtasks, oldest first."""

    subtasks: list[TaskSubtask]


class HierarchyRequest(ProjectRequest):
    """A request with its waves in their order."""

    tasks: list[HierarchyTask]


class ProjectTree(Project):
    """A project with a page of its requests, newest first."""

    requests: list[HierarchyRequest]


class TreeCounts(Answer):
    """How many of each the project has in all."""

    requests: int
    tasks: int
    subtasks: int


class ProjectHierarchy(Answer):
    """A project's tree, its figures, and how many of each level there are in all."""

    hierarchy: ProjectTree
    stats: ProjectStats | None
    counts: TreeCounts
    limit: int
    offset: int


class TreePage(Query):
    """Which of the project's requests."""

    limit: UpTo1000 = 100
    offset: Offset = 0


class ActiveAgent(Answer):
    """A subtask that runs, pauses or is blocked, and where it belongs."""

    subtask_id: UUID
    project_id: UUID | None
    project_name: str | None
    project_path: str | None
    agent_type: str | None
    agent_id: str | None
    status: str
    description: str | None
    started_at: Instant | None
    created_at: Instant
    session_id: str
    request_id: UUID
    actions_count: int


class AgentPage(Query):
    """Which of the agents."""

    limit: UpTo1000 = 1000
    offset: Offset = 0


class AgentsAtWork(Answer):
    """The agents at work, the last started first; `count` are in the answer."""

    active_agents: list[ActiveAgent]
    count: int


def _by(rows: Iterable[Row], parent: str) -> defaultdict[UUID, list[Row]]:
    found: defaultdict[UUID, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[parent]].append(row)
    return found


def _tree(conn: Conn, project_id: UUID, limit: int, offset: int) -> list[Row]:
    """A page of a project's requests with what is below them."""
    top = requests.newest_of_project(conn, project_id, limit, offset)
    waves = hierarchy.tasks(conn, [row["id"] for row in top])
    below_wave = _by(hierarchy.subtasks(conn, [row["id"] for row in waves]), "task_list_id")
    below_request = _by(({**row, "subtasks": below_wave[row["id"]]} for row in waves), "request_id")
    return [{**row, "tasks": below_request[row["id"]]} for row in top]


class Hierarchy:
    """/api/hierarchy/{project_id}"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=ProjectHierarchy, errors=(404,))
    async def on_get(self, project_id: UUID, query: TreePage) -> dict[str, Any]:
        """A project's requests, newest first, with their waves and subtasks."""

        def read(conn: Conn) -> dict[str, Any]:
            row = projects.one(conn, project_id)
            if row is None:
                raise NotFound("Project not found")
            return {
                "hierarchy": {**row, "requests": _tree(conn, project_id, query.limit, query.offset)},
                "stats": projects.statistics(conn, project_id),
                "counts": hierarchy.counts(conn, project_id),
            }

        return {**await self._database.read(read), "limit": query.limit, "offset": query.offset}


class ActiveAgents:
    """/api/active-sessions"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=AgentsAtWork)
    async def on_get(self, query: AgentPage) -> dict[str, Any]:
        """The agents at work: subtasks that run, pause or are blocked, the last started first."""
        rows = await self._database.read(lambda conn: hierarchy.active_agents(conn, query.limit, query.offset))
        return {"active_agents": rows, "count": len(rows)}
