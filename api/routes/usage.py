"""What sessions used: tokens, room in the model's window, money by the price table."""

from dataclasses import asdict
from datetime import UTC
from typing import Annotated, Any

from pydantic import Field

from api.database import Database
from api.fields import Answer, Body, Instant, Name
from api.operations import operation
from db import session_rows, usage
from db.pool import Conn
from dcm.domain import prices
from dcm.domain.errors import NotFound
from dcm.domain.usage import MOST_TOKENS, ContextUse, MessageUse, Tokens, together
from dcm.prices import Prices

TokenCount = Annotated[int, Field(ge=0, lt=MOST_TOKENS)]
"""A number of tokens."""


class Sums(Answer):
    """Tokens, and US dollars by the price table; cache_creation_1h_tokens are a part of cache_creation_tokens."""

    messages: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int
    cache_creation_1h_tokens: int
    cost: float | None


class ModelSums(Sums):
    """What the answers of one model took; `cost` is null when the table has no price for it."""

    model: str


class ContextSize(Answer):
    """How large the main conversation is; `tokens` is null from a compaction to the next answer."""

    tokens: int | None
    model: str
    window: int | None
    percent: float | None
    told_at: Instant


class SessionUsage(Answer):
    """What a session used, subagents included. The total's cost leaves out the models of `unpriced`."""

    session_id: str
    models: list[ModelSums]
    total: Sums
    unpriced: list[str]
    context: ContextSize | None


class MessageUsed(Body):
    """What one answer of a model took."""

    message_id: Name
    session_id: Name
    agent_id: Annotated[str, Field(max_length=300)] = ""
    model: Name
    at: Instant
    input_tokens: TokenCount = 0
    output_tokens: TokenCount = 0
    cache_read_tokens: TokenCount = 0
    cache_creation_tokens: TokenCount = 0
    cache_creation_1h_tokens: TokenCount = 0


class ContextUsed(Body):
    """How large a main conversation was at a moment."""

    NULLABLE = frozenset({"tokens"})

    session_id: Name
    at: Instant
    model: Annotated[str, Field(max_length=300)] = ""
    tokens: TokenCount | None = None


class Used(Body):
    """What transcripts on another machine tell: at most 1000 answers."""

    messages: list[MessageUsed] = Field(default=[], max_length=1000)
    contexts: list[ContextUsed] = Field(default=[], max_length=1000)


class UsageKept(Answer):
    """How many answers were counted, those included that were known."""

    messages: int
    contexts: int


class UsageOfSession:
    """/api/sessions/{session_id}/usage"""

    def __init__(self, database: Database, models: Prices) -> None:
        self._database, self._prices = database, models

    @operation(answer=SessionUsage, errors=(404,))
    async def on_get(self, session_id: str) -> dict[str, Any]:
        """The tokens a session used by model, what they cost by the price table, and how full its context is."""

        def read(conn: Conn) -> tuple[bool, list[usage.ModelUse], usage.Context | None]:
            known = session_rows.one(conn, session_id) is not None
            return known, usage.of_session(conn, session_id), usage.context(conn, session_id)

        known, models, context = await self._database.read(read)
        if not known and not models:
            raise NotFound("Session not found")
        table = self._prices.table()
        return {"session_id": session_id, **_summed(table, models), "context": _context(table, context)}


class Usage:
    """/api/usage"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=UsageKept)
    async def on_post(self, body: Used) -> dict[str, int]:
        """Count what transcripts on another machine tell; an answer that is known is counted once."""

        def store(conn: Conn) -> None:
            usage.keep(conn, together(_told(used) for used in body.messages))
            for context in body.contexts:
                found = ContextUse(context.session_id, _at(context.at), context.tokens, context.model)
                usage.keep_context(conn, found)

        await self._database.write(store)
        return {"messages": len(body.messages), "contexts": len(body.contexts)}


def _summed(table: prices.Table, models: list[usage.ModelUse]) -> dict[str, Any]:
    rows = [asdict(model) | {"cost": prices.cost(table, model.model, model)} for model in models]
    priced = [row["cost"] for row in rows if row["cost"] is not None]
    counted = [name for name in Sums.model_fields if name != "cost"]
    total = {name: sum(row[name] for row in rows) for name in counted}
    return {
        "models": rows,
        "total": total | {"cost": round(sum(priced), 6) if priced else None},
        "unpriced": [row["model"] for row in rows if row["cost"] is None],
    }


def _context(table: prices.Table, found: usage.Context | None) -> dict[str, Any] | None:
    if found is None:
        return None
    window = prices.window(table, (found.model, found.told_model or ""), found.tokens or 0)
    return {
        "tokens": found.tokens,
        "model": found.model,
        "window": window,
        "percent": prices.percent(found.tokens, window),
        "told_at": found.told_at,
    }


def _told(used: MessageUsed) -> MessageUse:
    tokens = Tokens(
        used.input_tokens,
        used.output_tokens,
        used.cache_read_tokens,
        used.cache_creation_tokens,
        used.cache_creation_1h_tokens,
    )
    return MessageUse(used.message_id, used.session_id, used.agent_id, used.model, _at(used.at), tokens)


def _at(moment: Any) -> str:
    text: str = moment.astimezone(UTC).isoformat()
    return text
