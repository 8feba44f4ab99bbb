"""The audit log: administrative acts and deletions."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, JsonValue

from api.database import Database
from api.fields import Answer, Instant, Query, Text, UpTo1000
from api.operations import operation
from db import audit


class AuditFilter(Query):
    """Which acts: those whose name begins with `act`, those before the act of id `before`."""

    act: Text | None = None
    before: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    limit: UpTo1000 = 100


class Act(Answer):
    """Who did what to what. `who` is `token` and its name, `token file`, `local`, or a part of DCM."""

    id: int
    at: Instant
    who: str
    token_id: UUID | None
    address: str
    act: str
    subject: str
    details: dict[str, JsonValue]


class AuditPage(Answer):
    """A page of acts, newest first."""

    acts: list[Act]
    count: int


class Audit:
    """/api/audit"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=AuditPage, scope="admin")
    async def on_get(self, query: AuditFilter) -> dict[str, Any]:
        """Administrative acts and deletions, newest first."""
        rows = await self._database.read(lambda conn: audit.page(conn, **query.model_dump()))
        return {"acts": rows, "count": len(rows)}
