"""POST /api/import: hook events of the past, with their own times; GET /api/intake: what waits to be written."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import redis
from falcon.asgi import Request, Response
from pydantic import JsonValue
from redis.exceptions import RedisError

from api.bodies import kept_bytes, of_elsewhere, parse_json, read_body, storable
from api.database import Database
from api.fields import Answer, Body, Instant
from api.ingest import Door
from api.operations import documented, operation
from api.redaction import beside
from db import intake
from db.intake import PastEvent
from dcm import accepted, redaction
from dcm.broker import redis_client
from dcm.domain.errors import InvalidInput, Unavailable
from dcm.domain.hook_events import TOOL_ENDED, check
from dcm.domain.turns import AHEAD, EARLIEST
from dcm.settings import Settings

MOST = 1000
"""Payloads of one body."""

NEVER = frozenset({"PreCompact", "PostCompact"})
"""Events that ask for a brief: nobody waits for one of the past."""


class PastPayload(Body):
    """A hook payload and when its event happened."""

    at: Instant
    payload: dict[str, JsonValue]


class PastPayloads(Body):
    """At most 1000 events of the past."""

    payloads: list[PastPayload]


class Imported(Answer):
    """How many events were taken, how many were known, and how many wait to be stored."""

    accepted: int
    known: int
    waiting: int


class Refused(Answer):
    """The events the database refused."""

    total: int
    last_day: int
    newest_reason: str | None
    newest_at: Instant | None


class IntakeState(Answer):
    """What was accepted and is not stored."""

    waiting: int
    rejected: Refused


class Import:
    """Takes what a transcript tells, as hooks would have told it, and leaves out what is known."""

    def __init__(self, settings: Settings, door: Door, database: Database) -> None:
        self._settings, self._door, self._database = settings, door, database

    @documented(body=PastPayloads, answer=Imported, errors=(400, 413, 503), scope="ingest")
    async def on_post(self, req: Request, resp: Response) -> None:
        """Take hook events of the past, each once, with their own times; their sessions are answered nothing."""
        raw = await read_body(req)
        told = past_events(parse_json(raw), datetime.now(UTC))
        if not req.context.caller.owns_files:
            told = [(at, of_elsewhere(payload)) for at, payload in told]
        rows = await beside(raw, lambda: _identities(told, redaction.redactor(self._settings).text))
        known = await self._database.read(lambda conn: intake.stored(conn, rows))
        new = [told[row.position] for row in rows if row.position not in known]
        await asyncio.gather(*(self._take(at, payload) for at, payload in new))
        waiting = await asyncio.to_thread(count_waiting, self._settings)
        resp.media = {"accepted": len(new), "known": len(known), "waiting": waiting}

    async def _take(self, at: datetime, payload: dict[str, Any]) -> None:
        raw = json.dumps(payload, ensure_ascii=True, separators=(",", ":")).encode()
        await self._door.take(
            storable(payload["session_id"]),
            kept_bytes(raw, payload),
            round(at.timestamp() * 1e6) * 1000,
            recovered=True,
        )


class Intake:
    """What was accepted and is not stored."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database

    @operation(answer=IntakeState)
    async def on_get(self) -> dict[str, Any]:
        """How many events wait in the streams, and which the database refused."""
        refused = await self._database.probe(intake.refusals)
        return {"waiting": await asyncio.to_thread(count_waiting, self._settings), "rejected": asdict(refused)}


def count_waiting(settings: Settings) -> int:
    """Events and exports of telemetry that were accepted and are not stored.

    Raises:
        Unavailable: Valkey does not answer.
    """
    with asked_valkey(settings) as client:
        return accepted.count(client, settings)


@contextmanager
def asked_valkey(settings: Settings) -> Iterator[redis.Redis]:
    """A client to ask what waits.

    Raises:
        Unavailable: Valkey does not answer.
    """
    try:
        with redis_client(settings) as client:
            yield client
    except (RedisError, OSError) as error:
        raise Unavailable(f"Valkey does not tell what waits ({error}). Try again in a moment.") from error


def past_events(body: object, now: datetime) -> list[tuple[datetime, dict[str, Any]]]:
    """(time, payload) of each member of a body.

    Raises:
        InvalidInput: the body or one of its members cannot be taken; the message says which.
    """
    members = body.get("payloads") if isinstance(body, Mapping) else None
    if not isinstance(members, list):
        raise InvalidInput("Validation failed", {"payloads": ["give a list of {at, payload}"]})
    if len(members) > MOST:
        raise InvalidInput("Validation failed", {"payloads": [f"{len(members)} given: {MOST} are taken at most"]})
    return [_past_event(number, member, now) for number, member in enumerate(members)]


def _past_event(number: int, member: object, now: datetime) -> tuple[datetime, dict[str, Any]]:
    told = member if isinstance(member, Mapping) else {}
    try:
        payload = _answered_by_nobody(check(told.get("payload")))
        return _moment(told.get("at"), now), payload
    except InvalidInput as error:
        raise InvalidInput("Validation failed", {f"payloads.{number}": [str(error)]}) from None


def _answered_by_nobody(payload: Mapping[str, Any]) -> dict[str, Any]:
    if payload["hook_event_name"] in NEVER:
        raise InvalidInput(f"{payload['hook_event_name']} is not taken: nobody waits for its answer any more.")
    return dict(payload)


def _moment(text: object, now: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise InvalidInput("at is not a time with its zone: give one like 2026-11-21T12:00:00.000Z.")
    if not EARLIEST <= at <= now + AHEAD:
        raise InvalidInput(f"at is {text}: give a time from 2020 to now.")
    return at.astimezone(UTC)


def _identities(told: Sequence[tuple[datetime, dict[str, Any]]], redact: Callable[[str], str]) -> list[PastEvent]:
    return [_identity(position, at, payload, redact) for position, (at, payload) in enumerate(told)]


def _identity(position: int, at: datetime, payload: Mapping[str, Any], redact: Callable[[str], str]) -> PastEvent:
    """What the event is known by; its prompt as it is stored, without secrets."""

    def text(field: str) -> str:
        value = payload.get(field)
        return storable(value) if isinstance(value, str) else ""

    name = text("hook_event_name")
    tool_use_id = text("tool_use_id") if name in TOOL_ENDED else ""
    prompt = redact(text("prompt"))
    return PastEvent(position, text("session_id"), name, tool_use_id, text("prompt_id"), text("agent_id"), prompt, at)
