"""Subtasks: what an agent was given and what came of it (contract, section 3.5)."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, WithJsonSchema

from api.database import Database
from api.fields import NAME_LIMIT, Answer, Body, Instant, Offset, Query, Text, UpTo100, Words
from api.ingest import Door
from api.operations import operation
from api.speaking import Speaker
from db import audit, messages, subtask_contexts, subtask_rows
from db.pool import Conn
from db.publish import publish
from dcm.broker import DEFAULT
from dcm.domain import subtasks as rules
from dcm.domain.access import Caller
from dcm.domain.errors import InvalidInput, NotFound
from dcm.domain.events import Event

Label = Annotated[
    Text,
    Field(max_length=NAME_LIMIT),
    AfterValidator(lambda text: text or None),
    WithJsonSchema({"type": "string", "maxLength": NAME_LIMIT}),
]
"""A kind or an id of an agent; an empty one counts as none."""

BlockedBy = Annotated[list[UUID], Field(max_length=1000)]

ACTIONS_SHOWN = 1000
"""Tool calls of a subtask that its page shows, the newest."""


class Subtask(Answer):
    """What an agent was given; `task_id` is `task_list_id` again. One that a hook told of may have no description."""

    id: UUID
    task_list_id: UUID
    task_id: UUID
    agent_type: str | None
    agent_id: str | None
    description: str | None
    status: str
    blocked_by: list[UUID]
    created_at: Instant
    started_at: Instant | None
    completed_at: Instant | None
    context_snapshot: dict[str, JsonValue] | None
    result: dict[str, JsonValue] | None


class NewSubtask(Body):
    """A subtask to store; `blocked_by` names subtasks that are there."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "task_id": "5d0f6c1b-4a0e-4a7e-8c59-0e6f7b0c2d33",
                    "description": "Find where the build fails",
                    "agent_type": "Explore",
                    "agent_id": "explore-1",
                    "status": "running",
                }
            ]
        }
    )

    task_id: UUID
    description: Words
    agent_type: Label | None = None
    agent_id: Label | None = None
    status: rules.Status = "pending"
    blocked_by: BlockedBy = Field(default_factory=list)
    context_snapshot: dict[str, JsonValue] | None = None


class SubtaskChange(Body):
    """What is set of a subtask, at least one of them; the status decides which of the others is heeded."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"status": "completed", "result": {"summary": "A test was missing"}}]}
    )

    status: rules.Status | None = None
    result: dict[str, JsonValue] | None = None
    agent_id: Label | None = None
    blocked_by: BlockedBy | None = None


class SubtaskSaved(Answer):
    """The subtask as it is stored."""

    success: Literal[True]
    subtask: Subtask


class SubtaskFilter(Query):
    """Which subtasks: all that is given must hold."""

    task_id: UUID | None = None
    status: Text | None = None
    agent_type: Text | None = None
    limit: UpTo100 = 100
    offset: Offset = 0


class SubtaskPage(Answer):
    """A page of subtasks: those of one wave oldest first, else newest first; `count` are on it."""

    subtasks: list[Subtask]
    count: int
    limit: int
    offset: int


class SubtaskAction(Answer):
    """A finished tool call of a subtask."""

    id: UUID
    tool_name: str
    tool_type: str
    exit_code: int
    duration_ms: int | None
    file_paths: list[str]
    created_at: Instant


class SubtaskDetails(Subtask):
    """A subtask with its newest tool calls, oldest first."""

    actions: list[SubtaskAction] = Field(max_length=ACTIONS_SHOWN)


class SubtaskShown(Answer):
    """A subtask and its tool calls."""

    subtask: SubtaskDetails


def _changed(row: dict[str, Any], place: subtask_rows.Place) -> rules.SubtaskChange:
    return rules.SubtaskChange(
        id=row["id"],
        task_list_id=row["task_list_id"],
        session_id=place.session_id,
        project_id=place.project_id,
        agent_id=row["agent_id"],
        agent_type=row["agent_type"],
        description=row["description"],
        status=row["status"],
        was=place.status,
        result=rules.result_text(row["result"]),
        completed_at=row["completed_at"],
    )


class Subtasks:
    """/api/subtasks"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=SubtaskSaved, status=201, errors=(404,))
    async def on_post(self, body: NewSubtask) -> dict[str, Any]:
        """Store a subtask of a wave; one that names its agent gets an agent context."""

        def store(conn: Conn) -> dict[str, Any]:
            place = subtask_rows.hold_task(conn, body.task_id)
            if place is None:
                raise NotFound(f"Task not found: {body.task_id}")
            _require_known(conn, body.blocked_by)
            row = subtask_rows.create(conn, body.model_dump())
            made = _changed(row, place)
            remembered = subtask_contexts.remember(conn, made.id)
            publish(conn, rules.created(made) + ([rules.context_created(made)] if remembered else []))
            return row

        return {"success": True, "subtask": await self._database.write(store)}

    @operation(answer=SubtaskPage)
    async def on_get(self, query: SubtaskFilter) -> dict[str, Any]:
        """A page of subtasks: those of one wave oldest first, else newest first."""

        def read(conn: Conn) -> list[dict[str, Any]]:
            asked = query.model_dump(exclude={"task_id"})
            if query.task_id:
                return subtask_rows.of_task(conn, query.task_id, **asked)
            return subtask_rows.newest(conn, **asked)

        rows = await self._database.read(read)
        return {"subtasks": rows, "count": len(rows), "limit": query.limit, "offset": query.offset}


class OneSubtask:
    """/api/subtasks/{subtask_id}"""

    def __init__(self, database: Database, door: Door, message_ttl_ms: int) -> None:
        self._database = database
        self._door = door
        self._message_ttl_ms = message_ttl_ms

    @operation(answer=SubtaskShown, errors=(404,))
    async def on_get(self, subtask_id: UUID) -> dict[str, Any]:
        """A subtask with its thousand newest tool calls, oldest first."""

        def read(conn: Conn) -> dict[str, Any]:
            row = subtask_rows.one(conn, subtask_id)
            if row is None:
                raise NotFound("Subtask not found")
            return {"subtask": {**row, "actions": subtask_rows.actions(conn, subtask_id, ACTIONS_SHOWN)}}

        return await self._database.read(read)

    @operation(answer=SubtaskSaved, errors=(404,))
    async def on_patch(self, subtask_id: UUID, body: SubtaskChange, speaker: Speaker) -> dict[str, Any]:
        """Change a subtask; its end is told to every agent of its project, in the name of its kind of agent.

        With status running, `agent_id` is set too; with completed or failed, `result`, and without one the earlier
        result stays; with any other status, `blocked_by`. Without a status, `result`, or else `agent_id` and
        `blocked_by`.
        """
        patch = rules.SubtaskPatch(**body.model_dump())
        if patch == rules.SubtaskPatch():
            raise InvalidInput("No update fields provided")

        def store(conn: Conn) -> tuple[dict[str, Any], list[Event]]:
            place = subtask_rows.hold(conn, subtask_id)
            if place is None:
                raise NotFound("Subtask not found")
            row = subtask_rows.change(conn, subtask_id, rules.heeded(patch))
            change = _changed(row, place)
            broadcast = self._broadcast(conn, change, patch, speaker)
            _keep_context(conn, change, patch)
            publish(conn, rules.patched(change, patch.status) + broadcast)
            return row, broadcast

        row, broadcast = await self._database.write(store)
        for event in broadcast:
            self._door.ask(DEFAULT, "call_subscribers", event.data["id"])
        return {"success": True, "subtask": row}

    def _broadcast(
        self, conn: Conn, change: rules.SubtaskChange, patch: rules.SubtaskPatch, speaker: Speaker
    ) -> list[Event]:
        message = rules.ending(change) if patch.ends and change.project_id else None
        if message is None:
            return []
        speaker.require(conn, message.from_agent_id)
        if not messages.announce(conn, message, self._message_ttl_ms):
            return []
        return [rules.message_event(message)]

    @operation(errors=(404,))
    async def on_delete(self, subtask_id: UUID, caller: Caller) -> None:
        """Forget a subtask with its tool calls and its agent context."""

        def store(conn: Conn) -> None:
            place, row = subtask_rows.hold(conn, subtask_id), subtask_rows.remove(conn, subtask_id)
            if place is None or row is None:
                raise NotFound("Subtask not found")
            change = _changed(row, place)
            if change.project_id and change.agent_id:
                subtask_contexts.forget(conn, change.project_id, change.agent_id, subtask_id)
            audit.record(conn, caller, "subtask.deleted", str(subtask_id))
            publish(conn, rules.deleted(change))

        await self._database.write(store)


def _require_known(conn: Conn, blocked_by: list[UUID]) -> None:
    if blocked_by and subtask_rows.known(conn, blocked_by) != len(blocked_by):
        told = "Name each subtask once, and only subtasks that are there."
        raise InvalidInput("Validation failed", {"blocked_by": [told]})


def _keep_context(conn: Conn, change: rules.SubtaskChange, patch: rules.SubtaskPatch) -> None:
    """Let the agent context of a subtask follow its status, to its end."""
    if not (patch.status and change.project_id and change.agent_id):
        return
    if patch.ends:
        subtask_contexts.forget(conn, change.project_id, change.agent_id, change.id)
    else:
        subtask_contexts.set_status(conn, change.project_id, change.agent_id, change.id, change.status)
