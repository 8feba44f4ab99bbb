"""Projects (contract, section 3.2)."""

from typing import Any, Literal
from uuid import UUID

from pydantic import JsonValue

from api.database import Database
from api.fields import Answer, Body, Instant, Metadata, Offset, Query, Text, UpTo100, Words
from api.operations import operation
from db import audit, forgetting, projects, requests
from db.pool import Conn
from db.publish import publish
from dcm.domain.access import Caller
from dcm.domain.errors import NotFound
from dcm.domain.events import Event


class Project(Answer):
    """A repository, or a folder outside of one."""

    id: UUID
    path: str
    name: str | None
    created_at: Instant
    updated_at: Instant
    metadata: dict[str, JsonValue]


class NewProject(Body):
    """A project to store, or to change: `name` replaces, `metadata` is merged."""

    path: Words
    name: Text | None = None
    metadata: Metadata


class ProjectSaved(Answer):
    """The project as it is stored."""

    success: Literal[True]
    project: Project


class ProjectFound(Answer):
    """A project."""

    project: Project


class PageOf100(Query):
    """Which page."""

    limit: UpTo100 = 100
    offset: Offset = 0


class ProjectPage(Answer):
    """A page of projects; `count` are on it, `total` there are."""

    projects: list[Project]
    count: int
    total: int
    limit: int
    offset: int


class ProjectPath(Query):
    """Whose project."""

    path: Words


class ProjectRequest(Answer):
    """A request of a project."""

    id: UUID
    session_id: str
    prompt: str
    prompt_type: str | None
    status: str
    created_at: Instant
    completed_at: Instant | None
    metadata: dict[str, JsonValue]


class ProjectStats(Answer):
    """What happened in a project."""

    project_id: UUID
    project_name: str | None
    path: str
    total_requests: int
    total_subtasks: int
    total_actions: int
    successful_actions: int
    avg_duration_ms: float
    last_activity: Instant | None


class ProjectDetails(Project):
    """A project with its fifty newest requests and its figures."""

    requests: list[ProjectRequest]
    stats: ProjectStats | None


class ProjectShown(Answer):
    """A project and what happened in it."""

    project: ProjectDetails


def trimmed(path: str) -> str:
    """A path without slashes at its end; the root stays."""
    return path.rstrip("/") or "/"


def require_project(conn: Conn, project_id: UUID) -> None:
    """Refuse what would belong to a project that is not there.

    Raises:
        NotFound: it is not known.
    """
    if projects.one(conn, project_id) is None:
        raise NotFound(f"Project not found: {project_id}")


class Projects:
    """/api/projects"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=ProjectSaved, status=201)
    async def on_post(self, body: NewProject) -> dict[str, Any]:
        """Store a project, or change the one of this path."""
        path = trimmed(body.path)
        row = await self._database.write(lambda conn: projects.save(conn, path, body.name, body.metadata))
        return {"success": True, "project": row}

    @operation(answer=ProjectPage)
    async def on_get(self, query: PageOf100) -> dict[str, Any]:
        """A page of projects, the last changed first."""

        def read(conn: Conn) -> dict[str, Any]:
            rows = projects.page(conn, limit=query.limit, offset=query.offset)
            return {"projects": rows, "count": len(rows), "total": projects.total(conn)}

        return {**await self._database.read(read), "limit": query.limit, "offset": query.offset}


class ProjectByPath:
    """/api/projects/by-path"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=ProjectFound, errors=(404,))
    async def on_get(self, query: ProjectPath) -> dict[str, Any]:
        """The project of a path."""
        row = await self._database.read(lambda conn: projects.at(conn, trimmed(query.path)))
        if row is None:
            raise NotFound("Project not found")
        return {"project": row}


class OneProject:
    """/api/projects/{project_id}"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=ProjectShown, errors=(404,))
    async def on_get(self, project_id: UUID) -> dict[str, Any]:
        """A project with its fifty newest requests and its figures."""

        def read(conn: Conn) -> dict[str, Any]:
            row = projects.one(conn, project_id)
            if row is None:
                raise NotFound("Project not found")
            newest = requests.newest_of_project(conn, project_id, 50)
            return {"project": {**row, "requests": newest, "stats": projects.statistics(conn, project_id)}}

        return await self._database.read(read)

    @operation(errors=(404,))
    async def on_delete(self, project_id: UUID, caller: Caller) -> None:
        """Forget a project with its sessions and all that hangs on them."""

        def store(conn: Conn) -> None:
            path = forgetting.project(conn, project_id)
            if path is None:
                raise NotFound("Project not found")
            audit.record(conn, caller, "project.deleted", str(project_id), path=path)
            publish(conn, [Event("project.deleted", {"id": str(project_id)})])

        await self._database.write(store)
