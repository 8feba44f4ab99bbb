"""What sessions used: tokens, room in the model's window, money as the client told it or by the price table."""

from dataclasses import asdict, dataclass
from datetime import UTC
from typing import Annotated, Any, Literal

from pydantic import Field

from api.database import Database
from api.fields import Answer, Body, Instant, Name
from api.operations import operation
from db import session_rows, telemetry, usage
from db.pool import Conn
from dcm.domain import costs, prices
from dcm.domain.errors import NotFound
from dcm.domain.usage import MOST_TOKENS, ContextUse, MessageUse, Tokens, together
from dcm.prices import Prices

TokenCount = Annotated[int, Field(ge=0, lt=MOST_TOKENS)]
"""A number of tokens."""


class Sums(Answer):
    """Tokens, and US dollars; cache_creation_1h_tokens are a part of cache_creation_tokens.

    `cost_source` says who knew the cost: the client, which told it, the price table, or each of a part.
    """

    messages: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int
    cache_creation_1h_tokens: int
    cost: float | None
    cost_source: Literal["client", "prices", "both"] | None


class ModelSums(Sums):
    """What the answers of one model took; `cost` is null when nobody told it and the table has no price."""

    model: str


class AgentSums(Sums):
    """What the answers to one asker took: main, a subagent, or auxiliary, which are compactions and the like.

    `agent_id` is null where telemetry alone told of it, `agent_name` where a transcript alone did.
    """

    kind: Literal["main", "subagent", "auxiliary"]
    agent_id: str | None
    agent_name: str | None


class ContextSize(Answer):
    """How large the main conversation is; `tokens` is null from a compaction to the next answer."""

    tokens: int | None
    model: str
    window: int | None
    percent: float | None
    told_at: Instant


class SessionUsage(Answer):
    """What a session used, subagents included. The total's cost leaves out the models of `unpriced`.

    `failed_requests` is how many the client's telemetry told of.
    """

    session_id: str
    models: list[ModelSums]
    agents: list[AgentSums]
    total: Sums
    unpriced: list[str]
    failed_requests: int
    context: ContextSize | None


class MessageUsed(Body):
    """What one answer of a model took."""

    message_id: Name
    session_id: Name
    agent_id: Annotated[str, Field(max_length=300)] = ""
    request_id: Name | None = None
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
        """The tokens a session used by model and by agent, what they cost, and how full its context is."""
        found = await self._database.read(lambda conn: _found(conn, session_id))
        if found is None:
            raise NotFound("Session not found")
        table = self._prices.table()
        return {
            "session_id": session_id,
            **_summed(table, found),
            "failed_requests": found.failed,
            "context": _context(table, found.context),
        }


class Usage:
    """/api/usage"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=UsageKept, scope="ingest")
    async def on_post(self, body: Used) -> dict[str, int]:
        """Count what transcripts on another machine tell; an answer that is known is counted once."""

        def store(conn: Conn) -> None:
            usage.keep(conn, together(_told(used) for used in body.messages))
            for context in body.contexts:
                found = ContextUse(context.session_id, _at(context.at), context.tokens, context.model)
                usage.keep_context(conn, found)

        await self._database.write(store)
        return {"messages": len(body.messages), "contexts": len(body.contexts)}


@dataclass(frozen=True, slots=True)
class _Found:
    """What is known of a session's use."""

    answers: list[costs.Answered]
    metrics: list[telemetry.Sum]
    failed: int
    context: usage.Context | None


def _found(conn: Conn, session_id: str) -> _Found | None:
    answers, metrics = usage.of_session(conn, session_id), telemetry.sums(conn, session_id)
    failed = telemetry.failed_requests(conn, session_id)
    if not (answers or metrics or failed) and session_rows.one(conn, session_id) is None:
        return None
    return _Found(answers, metrics, failed, usage.context(conn, session_id))


def _summed(table: prices.Table, found: _Found) -> dict[str, Any]:
    models, askers = costs.by_model(table, found.answers, found.metrics), costs.by_asker(table, found.answers)
    return {
        "models": [{"model": model, **asdict(sums)} for model, sums in models.items()],
        "agents": [_agent(asker, sums) for asker, sums in askers.items()],
        "total": asdict(costs.total(models.values())),
        "unpriced": [model for model, sums in models.items() if sums.cost is None],
    }


def _agent(asker: costs.Asker, sums: costs.Sums) -> dict[str, Any]:
    names = {"agent_id": asker.agent_id or None, "agent_name": asker.agent_name or None}
    return {"kind": asker.kind, **names, **asdict(sums)}


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
    return MessageUse(
        used.message_id, used.session_id, used.agent_id, used.model, _at(used.at), tokens, used.request_id
    )


def _at(moment: Any) -> str:
    text: str = moment.astimezone(UTC).isoformat()
    return text
