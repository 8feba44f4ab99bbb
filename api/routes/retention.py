"""How long things are kept, and letting go what is older: administrative."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from dramatiq.errors import BrokerConnectionError
from pydantic import Field
from redis.exceptions import RedisError

from api.database import Database
from api.fields import Answer, Body, Instant, Words
from api.operations import operation
from api.routes.projects import trimmed
from db import audit, projects, retention
from db.pool import Conn
from dcm.broker import DEFAULT, enqueue, open_broker
from dcm.domain import retention as rules
from dcm.domain.access import Caller
from dcm.domain.errors import InvalidInput, NotFound, Unavailable
from dcm.settings import Settings

Days = Annotated[int, Field(ge=0, le=rules.MOST_DAYS)]
"""Days, 0 for ever."""

MoreThanADay = Annotated[int, Field(ge=1, le=rules.MOST_DAYS)]

UNKNOWN = "Project not found: {}. Give the whole path of a folder in which a session ran."

NEWEST = 10
"""Prunings that are shown."""


class OwnDays(Answer):
    """A project that keeps things longer or shorter than the rest."""

    id: UUID
    path: str
    days: int | None


class NewDays(Body):
    """The days of a project, 0 for ever, null for what the settings say."""

    NULLABLE = frozenset({"days"})

    project: Words
    days: Days | None


class Pruning(Answer):
    """A pruning: what was asked, how far it is, the rows that went by table, the bytes that came back."""

    id: UUID
    older_than_days: int | None
    project_path: str | None
    dry_run: bool
    asked_at: Instant
    began_at: Instant | None
    ended_at: Instant | None
    stage: str
    rows: dict[str, int]
    bytes: int
    problem: str | None


class NewPruning(Body):
    """What is to go: by the settings when nothing is given. `dry_run`: only tell what would."""

    older_than_days: MoreThanADay | None = None
    project: Words | None = None
    dry_run: bool = False


class RetentionShown(Answer):
    """The days of each kind, 0 for ever; the projects with days of their own; the newest prunings."""

    days: dict[str, int]
    projects: list[OwnDays]
    prunings: list[Pruning]


class Retention:
    """/api/retention"""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._settings = database, settings

    @operation(answer=RetentionShown)
    async def on_get(self) -> dict[str, Any]:
        """How long things are kept, and what was pruned last."""

        def read(conn: Conn) -> dict[str, Any]:
            return {"projects": retention.of_projects(conn), "prunings": retention.newest(conn, NEWEST)}

        return {"days": asdict(rules.keep(self._settings.keep_days)), **await self._database.read(read)}

    @operation(answer=OwnDays, errors=(404,), scope="admin")
    async def on_post(self, body: NewDays, caller: Caller) -> dict[str, Any]:
        """Set how long what belongs to a project is kept, whatever the settings say."""
        path = trimmed(body.project)

        def store(conn: Conn) -> dict[str, Any]:
            row = retention.set_days(conn, path, body.days)
            if row is None:
                raise NotFound(UNKNOWN.format(path))
            audit.record(conn, caller, "retention.set", path, days=body.days)
            return row

        return await self._database.write(store)


class Prunings:
    """/api/prunings"""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._broker = database, open_broker(settings)

    @operation(answer=Pruning, status=202, errors=(404,), scope="admin")
    async def on_post(self, body: NewPruning, caller: Caller) -> dict[str, Any]:
        """Have what is older let go; the worker does it, and the pruning tells how far it is."""
        path = trimmed(body.project) if body.project else None

        def store(conn: Conn) -> dict[str, Any]:
            if path is not None:
                require_days(conn, path, body.older_than_days)
            return retention.ask(
                conn, caller, older_than_days=body.older_than_days, project_path=path, dry_run=body.dry_run
            )

        asked = await self._database.write(store)
        try:
            await asyncio.to_thread(enqueue, self._broker, DEFAULT, "prune", str(asked["id"]))
        except (RedisError, BrokerConnectionError, OSError) as error:
            raise Unavailable(f"Valkey takes no work ({error}): ask again in a moment.") from error
        return asked


class OnePruning:
    """/api/prunings/{pruning_id}"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=Pruning, errors=(404,))
    async def on_get(self, pruning_id: UUID) -> dict[str, Any]:
        """How far a pruning is."""
        row = await self._database.read(lambda conn: retention.one(conn, pruning_id))
        if row is None:
            raise NotFound("Pruning not found")
        return row


def require_days(conn: Conn, path: str, days: int | None) -> None:
    """Refuse to prune a project nobody knows, or one whose days nobody said.

    Raises:
        NotFound: it is not known.
        InvalidInput: it has no days of its own.
    """
    if projects.at(conn, path) is None:
        raise NotFound(UNKNOWN.format(path))
    if days is None and all(row["path"] != path for row in retention.of_projects(conn)):
        mend = "say how many (`--older-than`, older_than_days), or set them first with `dcm retention set`."
        raise InvalidInput(f"{path} has no days of its own: {mend}")
