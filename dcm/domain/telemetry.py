"""What OpenTelemetry of Claude Code tells: what its log events and the points of its metrics mean. Pure."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dcm.domain.errors import InvalidInput
from dcm.domain.texts import storable
from dcm.domain.turns import EARLIEST
from dcm.domain.usage import LONGEST_ID, MOST_TOKENS

Attributes = Mapping[str, str | int | float | bool]
"""The attributes of a record, without lists and maps."""

OURS = "claude_code."
"""Begins the names of the client's events and metrics."""

LONGEST_ERROR = 2000
"""Characters that are kept of why a request or a compaction failed."""

PARTS = {"input": "input", "output": "output", "cacheRead": "cache_read", "cacheCreation": "cache_creation"}
"""The client's types of tokens, and how they are stored."""

AHEAD = timedelta(days=1)
"""How far after now a time may lie: clocks differ, and what is never in the past is never pruned."""

COST = "cost"
"""The part of a sum that is US dollars."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """A request to the model: what it took, or why it failed. `key` is the same however often it is told."""

    session_id: str
    key: str
    request_id: str | None
    prompt_id: str | None
    model: str
    source: str
    agent_name: str
    created_at: str
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int
    cost: float | None
    duration_ms: int | None
    status: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class CompactionSize:
    """How large a conversation was before and after a compaction; `created_at` is its end."""

    session_id: str
    key: str
    created_at: str
    trigger: str
    success: bool
    pre_tokens: int | None
    post_tokens: int | None
    duration_ms: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class UsageSum:
    """A point of a metric. `told_at` of a cumulative one is its start: the newest takes the place of those before."""

    session_id: str
    stream: str
    started_at: str
    told_at: str
    model: str
    source: str
    agent_name: str
    part: str
    value: float


def of_event(name: str, attributes: Attributes, at: datetime, now: datetime) -> ModelRequest | CompactionSize | None:
    """What a log event tells, None where it is not kept.

    Raises:
        InvalidInput: it is one that is kept, and cannot be used.
    """
    if name in {OURS + "api_request", OURS + "api_error"}:
        return _request(attributes, _past(at, now))
    if name == OURS + "compaction":
        return _compaction(attributes, _past(at, now))
    return None


def of_point(
    name: str, attributes: Attributes, value: float, started: datetime, at: datetime, *, now: datetime, cumulative: bool
) -> UsageSum | None:
    """What a point of a metric tells, None where it is not kept or is nothing.

    Raises:
        InvalidInput: it is one that is kept, and cannot be used.
    """
    if name == OURS + "token.usage":
        part = PARTS.get(_text(attributes, "type"))
    else:
        part = COST if name == OURS + "cost.usage" else None
    if part is None or value == 0:
        return None
    if not math.isfinite(value) or not 0 < value < MOST_TOKENS:
        raise InvalidInput(f"{name} is {value!r}: give a number from 0.")
    return UsageSum(
        session_id=_session(attributes),
        stream=stream(name, attributes),
        started_at=_past(started, now).isoformat(),
        told_at=(started if cumulative else _past(at, now)).isoformat(),
        model=_text(attributes, "model"),
        source=_text(attributes, "query_source"),
        agent_name=_text(attributes, "agent.name"),
        part=part,
        value=value,
    )


def stream(name: str, attributes: Attributes) -> str:
    """What the points of one stream have in common: their metric and attributes."""
    told = json.dumps([name, sorted((key, str(value)) for key, value in attributes.items())])
    return hashlib.blake2b(told.encode(), digest_size=12).hexdigest()


def kind(source: str, agent_id: str, agent_name: str) -> str:
    """Who asked the model: main, subagent or auxiliary (compactions, titles and the like).

    Metrics say so themselves; log events name the place in the client.
    """
    if agent_id or agent_name or source.startswith("agent:") or source == "subagent":
        return "subagent"
    main = source in {"", "main", "sdk"} or source.startswith("repl_main_thread")
    return "main" if main else "auxiliary"


def _request(attributes: Attributes, at: datetime) -> ModelRequest:
    request_id, error = _text(attributes, "request_id") or None, _text(attributes, "error", LONGEST_ERROR) or None
    return ModelRequest(
        session_id=_session(attributes),
        key=request_id or _key(attributes, at),
        request_id=request_id,
        prompt_id=_text(attributes, "prompt.id") or None,
        model=_text(attributes, "model"),
        source=_text(attributes, "query_source"),
        agent_name=_text(attributes, "agent.name"),
        created_at=at.isoformat(),
        input_tokens=_count(attributes, "input_tokens") or 0,
        output_tokens=_count(attributes, "output_tokens") or 0,
        cache_read_tokens=_count(attributes, "cache_read_tokens") or 0,
        cache_creation_tokens=_count(attributes, "cache_creation_tokens") or 0,
        cost=_number(attributes, "cost_usd"),
        duration_ms=_count(attributes, "duration_ms"),
        status=_status(attributes),
        error=error,
    )


def _compaction(attributes: Attributes, at: datetime) -> CompactionSize:
    return CompactionSize(
        session_id=_session(attributes),
        key=_key(attributes, at),
        created_at=at.isoformat(),
        trigger=_text(attributes, "trigger") or "auto",
        success=_text(attributes, "success").lower() != "false",
        pre_tokens=_count(attributes, "pre_tokens"),
        post_tokens=_count(attributes, "post_tokens"),
        duration_ms=_count(attributes, "duration_ms"),
        error=_text(attributes, "error", LONGEST_ERROR) or None,
    )


def _past(at: datetime, now: datetime) -> datetime:
    if not EARLIEST <= at <= now + AHEAD:
        raise InvalidInput(f"its time is {at.isoformat()}: give one from 2020 to now.")
    return at


def _session(attributes: Attributes) -> str:
    session_id = _text(attributes, "session.id")
    if not session_id:
        raise InvalidInput("session.id is missing: leave OTEL_METRICS_INCLUDE_SESSION_ID at true.")
    return session_id


def _key(attributes: Attributes, at: datetime) -> str:
    return f"{at.astimezone(UTC).isoformat()}#{_text(attributes, 'event.sequence')}"


def _text(attributes: Attributes, name: str, longest: int = LONGEST_ID) -> str:
    value = attributes.get(name, "")
    return storable(str(value))[:longest]


def _number(attributes: Attributes, name: str) -> float | None:
    """A number that may be told as text, None where it is none from 0."""
    try:
        value = float(attributes.get(name, ""))
    except (ValueError, OverflowError):
        return None
    return value if 0 <= value < MOST_TOKENS else None


def _count(attributes: Attributes, name: str) -> int | None:
    value = _number(attributes, name)
    return None if value is None else int(value)


def _status(attributes: Attributes) -> int | None:
    status = _count(attributes, "status_code")
    return status if status is not None and status < 1000 else None
