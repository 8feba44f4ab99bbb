"""Requests: what a user asked (contract, section 3.3)."""

from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict, JsonValue

from api.database import Database
from api.fields import Answer, Body, Instant, Metadata, Name, Offset, Query, Text, UpTo100, Words
from api.operations import operation
from db import audit, requests, subtask_contexts, tasks
from db.pool import Conn
from db.publish import publish
from dcm.domain.access import Caller
from dcm.domain.errors import InvalidInput, NotFound
from dcm.domain.events import Event

PromptType = Literal["feature", "debug", "explain", "search", "refactor", "test", "review", "other"]
Status = Literal["active", "completed", "failed", "cancelled"]


class Request(Answer):
    """What a user asked in a session; a prompt that a hook told of has no `prompt_type`."""

    id: UUID
    project_id: UUID | None
    session_id: str
    prompt: str
    prompt_type: str | None
    status: str
    created_at: Instant
    completed_at: Instant | None
    metadata: dict[str, JsonValue]


class NewRequest(Body):
    """A request to store."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "project_id": "6f1c2a8e-0d5b-4a57-9c1e-2b7f3f0f9a11",
                    "session_id": "session-1",
                    "prompt": "Mend the failing build",
                    "prompt_type": "debug",
                }
            ]
        }
    )

    project_id: UUID
    session_id: Name
    prompt: Words
    prompt_type: PromptType | None = None
    status: Status = "active"
    metadata: Metadata


class RequestChange(Body):
    """What is set of a request: `metadata` is merged. At least one of them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "completed"}]})

    status: Status | None = None
    metadata: dict[str, JsonValue] | None = None


class RequestSaved(Answer):
    """The request as it is stored."""

    success: Literal[True]
    request: Request


class RequestFilter(Query):
    """Which requests: all that is given must hold."""

    project_id: UUID | None = None
    session_id: Text | None = None
    status: Text | None = None
    limit: UpTo100 = 100
    offset: Offset = 0


class RequestPage(Answer):
    """A page of requests, newest first; `count` are on it."""

    requests: list[Request]
    count: int
    limit: int
    offset: int


class RequestTask(Answer):
    """A wave of a request."""

    id: UUID
    request_id: UUID
    name: str | None
    wave_number: int
    status: str
    created_at: Instant
    completed_at: Instant | None


class RequestDetails(Request):
    """A request with its waves in their order."""

    tasks: list[RequestTask]


class RequestShown(Answer):
    """A request and its waves."""

    request: RequestDetails


class Requests:
    """/api/requests"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=RequestSaved, status=201, errors=(404,))
    async def on_post(self, body: NewRequest) -> dict[str, Any]:
        """Store a request of a project."""
        row = await self._database.write(lambda conn: requests.create(conn, body.model_dump()))
        if row is None:
            raise NotFound(f"Project not found: {body.project_id}")
        return {"success": True, "request": row}

    @operation(answer=RequestPage)
    async def on_get(self, query: RequestFilter) -> dict[str, Any]:
        """A page of requests, newest first."""
        rows = await self._database.read(lambda conn: requests.page(conn, **query.model_dump()))
        return {"requests": rows, "count": len(rows), "limit": query.limit, "offset": query.offset}


class OneRequest:
    """/api/requests/{request_id}"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=RequestShown, errors=(404,))
    async def on_get(self, request_id: UUID) -> dict[str, Any]:
        """A request with its waves."""

        def read(conn: Conn) -> dict[str, Any]:
            row = requests.one(conn, request_id)
            if row is None:
                raise NotFound("Request not found")
            return {"request": {**row, "tasks": tasks.of_request(conn, request_id)}}

        return await self._database.read(read)

    @operation(answer=RequestSaved, errors=(404,))
    async def on_patch(self, request_id: UUID, body: RequestChange) -> dict[str, Any]:
        """Set the status of a request, or add to its metadata."""
        if not body.given():
            raise InvalidInput("No update fields provided")
        change = body.metadata or {}
        row = await self._database.write(lambda conn: requests.change(conn, request_id, body.status, change))
        if row is None:
            raise NotFound("Request not found")
        return {"success": True, "request": row}

    @operation(errors=(404,))
    async def on_delete(self, request_id: UUID, caller: Caller) -> None:
        """Forget a request with its waves, their subtasks and tool calls."""

        def store(conn: Conn) -> None:
            session_id = requests.hold(conn, request_id)
            if session_id is None:
                raise NotFound("Request not found")
            tasks.hold_all(conn, request_id)
            subtask_contexts.forget_of_request(conn, request_id)
            requests.remove(conn, request_id)
            audit.record(conn, caller, "request.deleted", str(request_id))
            publish(conn, [Event("request.deleted", {"id": str(request_id)}, session_id=session_id)])

        await self._database.write(store)
