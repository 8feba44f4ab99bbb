"""Tasks: the waves of a request (contract, section 3.4)."""

from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict, JsonValue

from api.database import Database
from api.fields import Answer, Body, Count, Instant, Offset, Query, Text, UpTo100, Words
from api.operations import operation
from db import audit, requests, subtask_contexts, subtask_rows, tasks
from db.pool import Conn
from db.publish import publish
from dcm.domain import tasks as rules
from dcm.domain.access import Caller
from dcm.domain.errors import InvalidInput, NotFound


class Task(Answer):
    """A wave of a request: subtasks that are worked on together."""

    id: UUID
    request_id: UUID | None
    name: str | None
    wave_number: int
    status: str
    created_at: Instant
    completed_at: Instant | None


class NewTask(Body):
    """A wave to store: without a number it is the next of its request, without a name it is called by its number."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"request_id": "0b8f4c0e-8f5d-4f0e-a0a5-1b8a0d9d7c21", "name": "Tests", "status": "running"}]
        }
    )

    request_id: UUID
    name: Text | None = None
    wave_number: Count | None = None
    status: rules.Status = "pending"


class TaskChange(Body):
    """What is set of a wave, at least one of them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "completed"}]})

    status: rules.Status | None = None
    name: Words | None = None


class TaskSaved(Answer):
    """The wave as it is stored."""

    success: Literal[True]
    task: Task


class TaskFilter(Query):
    """Which waves: all that is given must hold."""

    request_id: UUID | None = None
    status: Text | None = None
    limit: UpTo100 = 100
    offset: Offset = 0


class TaskPage(Answer):
    """A page of waves: those of one request in their order, else newest first; `count` are on it."""

    tasks: list[Task]
    count: int
    limit: int
    offset: int


class TaskSubtask(Answer):
    """A subtask of a wave; `task_id` is `task_list_id` again."""

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
    result: dict[str, JsonValue] | None


class TaskDetails(Task):
    """A wave with its subtasks, oldest first."""

    subtasks: list[TaskSubtask]


class TaskShown(Answer):
    """A wave and its subtasks."""

    task: TaskDetails


def _told(row: dict[str, Any], session_id: str | None) -> rules.Task:
    return rules.Task(row["id"], row["request_id"], row["wave_number"], row["status"], session_id)


class Tasks:
    """/api/tasks"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=TaskSaved, status=201, errors=(404,))
    async def on_post(self, body: NewTask) -> dict[str, Any]:
        """Store a wave of a request."""

        def store(conn: Conn) -> dict[str, Any]:
            session_id = requests.hold(conn, body.request_id)
            if session_id is None:
                raise NotFound(f"Request not found: {body.request_id}")
            wave = tasks.next_wave(conn, body.request_id) if body.wave_number is None else body.wave_number
            row = tasks.create(conn, body.request_id, rules.name_of(body.name, wave), wave, body.status)
            publish(conn, [rules.created(_told(row, session_id))])
            return row

        return {"success": True, "task": await self._database.write(store)}

    @operation(answer=TaskPage)
    async def on_get(self, query: TaskFilter) -> dict[str, Any]:
        """A page of waves: those of one request in their order, else newest first."""

        def read(conn: Conn) -> list[dict[str, Any]]:
            asked: dict[str, Any] = {"status": query.status, "limit": query.limit, "offset": query.offset}
            if query.request_id:
                return tasks.of_request(conn, query.request_id, **asked)
            return tasks.newest(conn, **asked)

        rows = await self._database.read(read)
        return {"tasks": rows, "count": len(rows), "limit": query.limit, "offset": query.offset}


class OneTask:
    """/api/tasks/{task_id}"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=TaskShown, errors=(404,))
    async def on_get(self, task_id: UUID) -> dict[str, Any]:
        """A wave with its subtasks, oldest first."""

        def read(conn: Conn) -> dict[str, Any]:
            row = tasks.one(conn, task_id)
            if row is None:
                raise NotFound("Task not found")
            found = subtask_rows.of_task(conn, task_id)
            shown = [{name: part[name] for name in TaskSubtask.model_fields} for part in found]
            return {"task": {**row, "subtasks": shown}}

        return await self._database.read(read)

    @operation(answer=TaskSaved, errors=(404,))
    async def on_patch(self, task_id: UUID, body: TaskChange) -> dict[str, Any]:
        """Set the status or the name of a wave."""
        if not body.given():
            raise InvalidInput("No update fields provided")

        def store(conn: Conn) -> dict[str, Any]:
            row = tasks.change(conn, task_id, body.status, body.name)
            if row is None:
                raise NotFound("Task not found")
            publish(conn, [rules.patched(_told(row, tasks.session_of(conn, task_id)), body.status)])
            return row

        return {"success": True, "task": await self._database.write(store)}

    @operation(errors=(404,))
    async def on_delete(self, task_id: UUID, caller: Caller) -> None:
        """Forget a wave with its subtasks and their tool calls."""

        def store(conn: Conn) -> None:
            row = tasks.hold(conn, task_id)
            if row is None:
                raise NotFound("Task not found")
            told = rules.deleted(_told(row, tasks.session_of(conn, task_id)))
            subtask_contexts.forget_of_task(conn, task_id)
            tasks.remove(conn, task_id)
            audit.record(conn, caller, "task.deleted", str(task_id))
            publish(conn, [told])

        await self._database.write(store)
