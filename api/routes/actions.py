"""Actions: finished tool calls (contract, section 3.6)."""

import time
import uuid
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from pydantic import Field

from api.bodies import kept_bytes
from api.database import Database
from api.fields import Answer, Body, Count, Instant, Integer, Name, Offset, Query, Text, UpTo5000
from api.ingest import Door
from api.operations import operation
from db import actions, audit
from db.pool import Conn
from db.publish import publish
from dcm.domain import keywords
from dcm.domain.access import Caller
from dcm.domain.actions import record
from dcm.domain.errors import NotFound
from dcm.domain.events import Event

ToolType = Literal["builtin", "agent", "skill", "command", "mcp"]


class NewAction(Body):
    """A finished tool call to record; success is exit code 0."""

    tool_name: Name
    tool_type: ToolType
    input: Text = ""
    output: Text = ""
    exit_code: Integer = 0
    duration_ms: Count = 0
    file_paths: Annotated[list[Text], Field(max_length=1000, default_factory=list)]
    subtask_id: UUID | None = None
    session_id: Annotated[Text, Field(max_length=300)] = ""
    project_path: Text = ""


class RecordedAction(Answer):
    """The tool call as it will be stored; `keywords_extracted` counts the words that were scored."""

    id: UUID
    tool_name: str
    tool_type: ToolType
    exit_code: int
    duration_ms: int | None
    created_at: Instant
    session_id: str | None = None
    keywords_extracted: int


class ActionRecorded(Answer):
    """The tool call is accepted."""

    success: Literal[True]
    action: RecordedAction


class ActionFilter(Query):
    """Which tool calls: all that is given must hold."""

    tool_type: Text | None = None
    tool_name: Text | None = None
    session_id: Text | None = None
    limit: UpTo5000 = 100
    offset: Offset = 0


class Action(Answer):
    """A finished tool call."""

    id: UUID
    tool_name: str
    tool_type: str
    exit_code: int
    success: bool
    duration_ms: int | None
    file_paths: list[str]
    created_at: Instant
    session_id: str | None
    agent_id: str | None
    summary: str


class ActionPage(Answer):
    """A page of tool calls, newest first; `count` is how many fit the filters in all."""

    actions: list[Action]
    count: int
    limit: int
    offset: int


class Hour(Answer):
    """How many tool calls an hour had."""

    hour: Instant
    count: int


class HourlyActions(Answer):
    """The hours of the last day that had any, oldest first."""

    data: list[Hour]
    period: Literal["24h"]


class ActionsDeleted(Answer):
    """How many tool calls of a session were deleted."""

    success: Literal[True]
    deleted_count: int
    session_id: str


class Actions:
    """/api/actions"""

    def __init__(self, database: Database, door: Door) -> None:
        self._database = database
        self._door = door

    @operation(answer=ActionRecorded, status=201, errors=(503,), scope="ingest")
    async def on_post(self, body: NewAction) -> dict[str, Any]:
        """Record a tool call.

        It is answered as soon as it is queued, with the id it will have; a read within the next second waits until it
        is stored. An unknown subtask is left out and noted in the metadata.
        """
        action_id, now = uuid.uuid4(), time.time_ns()
        waiting = record(action_id, **body.model_dump())
        await self._door.take(body.session_id, kept_bytes(orjson.dumps(waiting), waiting), now, awaited=True)
        action = {
            "id": str(action_id),
            "tool_name": body.tool_name,
            "tool_type": body.tool_type,
            "exit_code": body.exit_code,
            "duration_ms": body.duration_ms or None,
            "created_at": datetime.fromtimestamp(now / 1e9, UTC),
            "keywords_extracted": len(keywords.extract(body.input)),
        }
        return {"success": True, "action": action | ({"session_id": body.session_id} if body.session_id else {})}

    @operation(answer=ActionPage)
    async def on_get(self, query: ActionFilter) -> dict[str, Any]:
        """A page of tool calls, newest first."""

        def read(conn: Conn) -> dict[str, Any]:
            wanted = query.model_dump(exclude={"limit", "offset"})
            return {"actions": actions.page(conn, **query.model_dump()), "count": actions.matching(conn, **wanted)}

        return {**await self._database.read(read), "limit": query.limit, "offset": query.offset}


class Hourly:
    """/api/actions/hourly"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=HourlyActions)
    async def on_get(self) -> dict[str, Any]:
        """Tool calls an hour over the last day; hours without any are left out."""
        rows = await self._database.read(actions.hourly)
        return {"data": [{"hour": hour, "count": count} for hour, count in rows], "period": "24h"}


class OneAction:
    """/api/actions/{action_id}"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(errors=(404,))
    async def on_delete(self, action_id: UUID, caller: Caller) -> None:
        """Delete a tool call."""

        def store(conn: Conn) -> None:
            if not actions.remove(conn, action_id):
                raise NotFound("Action not found")
            audit.record(conn, caller, "action.deleted", str(action_id))

        await self._database.write(store)


class SessionActions:
    """/api/actions/by-session/{session_id}"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=ActionsDeleted)
    async def on_delete(self, session_id: str, caller: Caller) -> dict[str, Any]:
        """Delete all tool calls of a session; there may be none."""

        def store(conn: Conn) -> int:
            count = actions.remove_of_session(conn, session_id)
            data = {"session_id": session_id, "deleted_count": count}
            audit.record(conn, caller, "actions.deleted", session_id, count=count)
            publish(conn, [Event("actions.bulk_deleted", data, session_id=session_id)])
            return count

        return {"success": True, "deleted_count": await self._database.write(store), "session_id": session_id}
