"""Sessions (contract, section 3.11)."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from api.database import Database
from api.fields import Answer, Body, Count, Instant, Name, Offset, Query, UpTo100, now
from api.operations import operation
from api.routes.projects import require_project
from db import audit, forgetting, session_rows
from db.pool import Conn
from db.publish import publish
from dcm.domain.access import Caller
from dcm.domain.errors import Conflict, InvalidInput, NotFound
from dcm.domain.events import Event


class Session(Answer):
    """A conversation of an agent."""

    id: str
    project_id: UUID | None
    started_at: Instant
    ended_at: Instant | None
    total_tools_used: int
    total_success: int
    total_errors: int


class NewSession(Body):
    """A session to store."""

    id: Name
    project_id: UUID | None = None
    started_at: Instant | None = None
    ended_at: Instant | None = None
    total_tools_used: Count = 0
    total_success: Count = 0
    total_errors: Count = 0


class SessionChange(Body):
    """What is set of a session; `ended_at` null opens it again, a counter that is null stays as it is."""

    NULLABLE = frozenset({"ended_at", "total_tools_used", "total_success", "total_errors"})

    ended_at: Instant | None = None
    total_tools_used: Count | None = None
    total_success: Count | None = None
    total_errors: Count | None = None


class SessionExists(Answer):
    """The session that was to be stored is there already."""

    error: str
    id: str


class SessionFilter(Query):
    """Which sessions, in what order."""

    project_id: UUID | None = None
    active_only: bool = False
    sort: Literal["started", "activity"] = "started"
    limit: UpTo100 = 50
    offset: Offset = 0


class SessionInList(Session):
    """A session with what a list shows of it."""

    last_seen_at: Instant
    cwd: str | None
    worktree: str | None
    model: str | None
    context_bytes: int | None
    project_name: str | None
    project_path: str | None
    last_prompt: str | None
    running_subagents: int


class SessionPage(Answer):
    """A page of sessions; `total` counts all that the filters match."""

    sessions: list[SessionInList]
    total: int
    limit: int
    offset: int


class SessionRequest(Answer):
    """A request of a session, in short."""

    id: UUID
    prompt: str
    prompt_type: str | None
    status: str
    created_at: Instant


class SessionDetails(Session):
    """A session with its twenty newest requests."""

    requests: list[SessionRequest]


class SessionOverview(Answer):
    """Totals over all sessions."""

    total_sessions: int
    active_sessions: int
    total_tools: int
    total_success: int
    total_errors: int
    avg_tools_per_session: float
    oldest_session: Instant | None
    newest_session: Instant | None


class ProjectSessions(Answer):
    """How many sessions a project has."""

    project_name: str | None
    project_path: str
    session_count: int
    total_tools: int


class SessionStats(Answer):
    """Totals over all sessions, and the ten projects that have most."""

    overview: SessionOverview
    by_project: list[ProjectSessions] = Field(max_length=10)
    timestamp: Instant


class HowMuch(Query):
    """How much of a session goes; `everything`: all that hangs on it too."""

    everything: bool = False


class Sessions:
    """/api/sessions"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=Session, status=201, errors=(404,), others={409: SessionExists})
    async def on_post(self, body: NewSession) -> dict[str, Any]:
        """Store a session; one that is there already is left alone and answered with 409."""

        def store(conn: Conn) -> dict[str, Any]:
            if body.project_id:
                require_project(conn, body.project_id)
            row = session_rows.create(conn, body.model_dump())
            if row is None:
                raise Conflict(f"Session {body.id} already exists: PATCH it to change it.", body.id)
            data = {"id": body.id, "session_id": body.id, "project_id": row["project_id"]}
            publish(conn, [Event("session.created", data, session_id=body.id)])
            return row

        return await self._database.write(store)

    @operation(answer=SessionPage)
    async def on_get(self, query: SessionFilter) -> dict[str, Any]:
        """A page of sessions, the last started first, or the last active."""
        rows, total = await self._database.read(
            lambda conn: session_rows.page(
                conn,
                project_id=query.project_id,
                active_only=query.active_only,
                by_activity=query.sort == "activity",
                limit=query.limit,
                offset=query.offset,
            )
        )
        return {"sessions": rows, "total": total, "limit": query.limit, "offset": query.offset}


class SessionStatistics:
    """/api/sessions/stats"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=SessionStats)
    async def on_get(self) -> dict[str, Any]:
        """Totals over all sessions; active are those that have not ended."""

        def read(conn: Conn) -> dict[str, Any]:
            return {"overview": session_rows.overview(conn), "by_project": session_rows.by_project(conn)}

        return {**await self._database.read(read), "timestamp": now()}


class OneSession:
    """/api/sessions/{session_id}"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=SessionDetails, errors=(404,))
    async def on_get(self, session_id: str) -> dict[str, Any]:
        """A session and its twenty newest requests."""

        def read(conn: Conn) -> dict[str, Any]:
            row = session_rows.one(conn, session_id)
            if row is None:
                raise NotFound("Session not found")
            return {**row, "requests": session_rows.requests(conn, session_id)}

        return await self._database.read(read)

    @operation(answer=Session, errors=(404,))
    async def on_patch(self, session_id: str, body: SessionChange) -> dict[str, Any]:
        """Set the end or the totals of a session."""
        given = body.given()
        if not given:
            raise InvalidInput("No fields to update")

        def store(conn: Conn) -> dict[str, Any]:
            row = session_rows.change(
                conn,
                session_id,
                reopen="ended_at" in given and given["ended_at"] is None,
                ended_at=given.get("ended_at"),
                total_tools_used=given.get("total_tools_used"),
                total_success=given.get("total_success"),
                total_errors=given.get("total_errors"),
            )
            if row is None:
                raise NotFound("Session not found")
            if given.get("ended_at"):
                publish(conn, [Event("session.ended", {"id": session_id}, session_id=session_id)])
            return row

        return await self._database.write(store)

    @operation(errors=(404,))
    async def on_delete(self, session_id: str, query: HowMuch, caller: Caller) -> None:
        """Forget a session; its requests and actions stay, unless everything is to go."""

        def store(conn: Conn) -> None:
            gone = forgetting.session(conn, session_id) if query.everything else session_rows.remove(conn, session_id)
            if not gone:
                raise NotFound("Session not found")
            audit.record(conn, caller, "session.deleted", session_id, everything=query.everything)
            publish(conn, [Event("session.deleted", {"id": session_id}, session_id=session_id)])

        await self._database.write(store)
