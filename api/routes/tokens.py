"""Access tokens: who may call from other machines, and administer."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from api.database import Database
from api.fields import Answer, Body, Instant, Name
from api.operations import operation
from db import audit, tokens
from db.pool import Conn
from dcm.domain import access
from dcm.domain.access import Caller, Scope
from dcm.domain.errors import Conflict, InvalidInput, NotFound

USUAL: dict[str, tuple[Scope, ...]] = {"machine": ("ingest",), "person": ("read", "write")}
"""What a token may do when nobody says it: a machine reports, a person looks and changes."""

NAME = r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$"
"""How a token may be called: it stands in paths, tables and the audit log."""


def named(name: str) -> str:
    """The name, when a token may be called so.

    Raises:
        ValueError: it may not.
    """
    if not re.fullmatch(NAME, name):
        raise ValueError(
            "give up to 100 letters of a to z, digits and . _ @ -, of which the first is a letter or digit"
        )
    return name


class NewToken(Body):
    """A token for a machine or a person. `scopes` left out are `ingest` for a machine, `read` and `write` for a person.

    Without `expires_at` it is good until it is revoked.
    """

    NULLABLE = frozenset({"scopes", "expires_at"})

    name: Annotated[Name, AfterValidator(named), Field(json_schema_extra={"pattern": NAME})]
    kind: Literal["machine", "person"] = "machine"
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=4)] | None = None
    expires_at: Instant | None = None


class StoredToken(Answer):
    """A token without itself: nobody can read it again. `last_used_at` is right to a minute."""

    id: UUID
    name: str
    kind: Literal["machine", "person"]
    scopes: list[Scope]
    created_at: Instant
    created_by: str
    expires_at: Instant | None
    last_used_at: Instant | None
    revoked_at: Instant | None


class MadeToken(StoredToken):
    """The token, shown this once."""

    token: str


class TokenList(Answer):
    """The thousand newest tokens, the revoked ones too."""

    tokens: list[StoredToken]
    count: int


class Tokens:
    """/api/tokens"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=TokenList, scope="admin")
    async def on_get(self) -> dict[str, Any]:
        """The access tokens, newest first."""
        rows = await self._database.read(tokens.page)
        return {"tokens": rows, "count": len(rows)}

    @operation(answer=MadeToken, status=201, errors=(409,), scope="admin")
    async def on_post(self, body: NewToken, caller: Caller) -> dict[str, Any]:
        """Make an access token; it is shown in this answer and never again."""
        made, scopes = access.make_token(access.TOKEN), sorted(set(body.scopes or USUAL[body.kind]))
        expires_at: datetime | None = body.expires_at  # type: ignore[assignment]

        def store(conn: Conn) -> dict[str, Any]:
            if expires_at and not tokens.is_ahead(conn, expires_at):
                raise InvalidInput("Validation failed", {"expires_at": ["give a time that is still to come"]})
            row = tokens.create(
                conn,
                name=body.name,
                kind=body.kind,
                scopes=scopes,
                token_hash=access.digest(made),
                expires_at=expires_at,
                created_by=caller.name,
            )
            if row is None:
                raise Conflict(
                    f"There is a token called {body.name}: revoke it, or give this one another name.",
                    str(tokens.named(conn, body.name)),
                )
            audit.record(conn, caller, "token.created", body.name, kind=body.kind, scopes=scopes)
            return row

        return {**await self._database.write(store), "token": made}


class OneToken:
    """/api/tokens/{key}: the token of this id or name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=StoredToken, errors=(404,), scope="admin")
    async def on_delete(self, key: str, caller: Caller) -> dict[str, Any]:
        """Revoke an access token, by its id or name. It is good for up to five seconds more."""

        def store(conn: Conn) -> dict[str, Any]:
            row = tokens.revoke(conn, key)
            if row is None:
                raise NotFound("Token not found: see `dcm token list`.")
            audit.record(conn, caller, "token.revoked", row["name"], id=str(row["id"]))
            return row

        return await self._database.write(store)
