"""What failed for good: events the database refused, messages no actor could work on. Seen, sent again, dropped."""

import asyncio
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

import redis
from redis.exceptions import RedisError
from redis.typing import EncodableT

from api.database import Database
from api.ingest import Door
from db import audit, rejected
from db.pool import Conn
from db.rejected import Kept, Whole
from dcm import dead_messages
from dcm.broker import INGEST, TELEMETRY_STREAM, redis_client, stream_key
from dcm.dead_messages import DeadMessage
from dcm.domain import streams
from dcm.domain.access import Caller
from dcm.domain.errors import NotFound, Unavailable
from dcm.settings import Settings

Kind = Literal["event", "message"]
Result = TypeVar("Result")
Letter = dict[str, Any]

AT_ONCE = 500
"""Refused events that are sent again in one transaction."""

AGAIN, DROPPED = "dead.sent_again", "dead.dropped"


@dataclass(frozen=True, slots=True)
class _Note:
    """What the audit log says of an act on letters."""

    caller: Caller
    act: str
    subject: str

    def of(self, conn: Conn, count: int) -> int:
        """Note it of so many, unless there were none; the same count."""
        if count:
            audit.record(conn, self.caller, self.act, self.subject, count=count)
        return count


class DeadLetters:
    """Both kinds of what failed for good, as one list."""

    def __init__(self, settings: Settings, database: Database, door: Door) -> None:
        self._settings, self._database, self._door = settings, database, door

    async def counts(self) -> dict[str, int]:
        """How many there are of each kind."""
        events = await self._database.probe(rejected.count)
        messages = await self._ask_valkey(dead_messages.count)
        return {"events": events, "messages": sum(messages.values())}

    async def page(self, kind: Kind | None, limit: int) -> list[Letter]:
        """Those that failed last, the newest first."""
        letters: list[Letter] = []
        if kind != "message":
            kept = await self._database.probe(lambda conn: rejected.page(conn, limit, 0))
            letters += map(_of_event, kept)
        if kind != "event":
            letters += map(_of_message, await self._ask_valkey(lambda client: dead_messages.newest(client, limit)))
        return sorted(letters, key=lambda letter: letter["failed_at"], reverse=True)[:limit]

    async def one(self, letter_id: uuid.UUID) -> Letter:
        """One with all that is known of it.

        Raises:
            NotFound: there is none of that id.
        """
        if kept := await self._database.probe(lambda conn: rejected.one(conn, letter_id)):
            return {**_of_event(kept), "entry_id": kept.entry_id, "payload": kept.payload}
        if dead := await self._ask_valkey(lambda client: dead_messages.one(client, str(letter_id))):
            return {**_of_message(dead), "arguments": dead.arguments, "traceback": dead.traceback}
        raise _none(letter_id)

    async def send_again(self, letter_id: uuid.UUID, caller: Caller) -> None:
        """Have one tried again: an event with its own time and key, a message as if it were new.

        Raises:
            NotFound: there is none of that id.
        """
        noted = _Note(caller, AGAIN, str(letter_id))
        if await self._send_events(lambda conn: list(filter(None, [rejected.take_one(conn, letter_id)])), noted):
            return
        if not await self._act(lambda client: int(dead_messages.send_again(client, str(letter_id))), noted):
            raise _none(letter_id)

    async def send_all_again(self, kind: Kind | None, caller: Caller) -> int:
        """Have all of a kind, or of both, tried again; how many there were."""
        sent, began, events = 0, datetime.now(UTC), _Note(caller, AGAIN, "events")
        if kind != "message":
            while some := await self._send_events(lambda conn: rejected.take_some(conn, began, AT_ONCE), events):
                sent += some
        if kind != "event":
            noted = _Note(caller, AGAIN, "messages")
            sent += await self._act(lambda client: _each(client, dead_messages.send_again), noted)
        return sent

    async def drop(self, letter_id: uuid.UUID, caller: Caller) -> None:
        """Forget one for good.

        Raises:
            NotFound: there is none of that id.
        """
        noted = _Note(caller, DROPPED, str(letter_id))
        if await self._database.write(lambda conn: noted.of(conn, int(rejected.drop_one(conn, letter_id)))):
            return
        if not await self._act(lambda client: int(dead_messages.drop(client, str(letter_id))), noted):
            raise _none(letter_id)

    async def drop_all(self, kind: Kind | None, caller: Caller) -> int:
        """Forget all of a kind, or of both, for good; how many there were."""
        dropped = 0
        if kind != "message":
            events = _Note(caller, DROPPED, "events")
            dropped += await self._database.write(lambda conn: events.of(conn, rejected.drop_all(conn)))
        if kind != "event":
            messages = _Note(caller, DROPPED, "messages")
            dropped += await self._act(lambda client: _each(client, dead_messages.drop), messages)
        return dropped

    async def _send_events(self, take: Callable[[Conn], Sequence[Whole]], noted: _Note) -> int:
        """Put refused events into the stream and note it in one transaction: the drain waits for its end."""

        def work(conn: Conn) -> Sequence[Whole]:
            taken = take(conn)
            noted.of(conn, len(taken))
            self._with_valkey(lambda client: _append(client, taken, self._settings.shards))
            return taken

        taken = await self._database.write(work)
        for shard in {_shard(kept, self._settings.shards) for kept in taken}:
            self._door.ask(INGEST, "drain", shard)
        return len(taken)

    async def _act(self, work: Callable[[redis.Redis], int], noted: _Note) -> int:
        """Do something to messages, and note it while the database can: to how many."""
        return await self._database.write(lambda conn: noted.of(conn, self._with_valkey(work)))

    async def _ask_valkey(self, work: Callable[[redis.Redis], Result]) -> Result:
        return await asyncio.to_thread(self._with_valkey, work)

    def _with_valkey(self, work: Callable[[redis.Redis], Result]) -> Result:
        try:
            with redis_client(self._settings) as client:
                return work(client)
        except (RedisError, OSError) as error:
            raise Unavailable(f"Valkey does not answer ({error}). Try again in a moment.") from error


def _each(client: redis.Redis, act: Callable[[redis.Redis, str], bool]) -> int:
    return sum(act(client, dead_id) for dead_id in dead_messages.ids(client))


def _append(client: redis.Redis, taken: Iterable[Whole], shards: int) -> None:
    pipeline = client.pipeline(transaction=True)
    for kept in taken:
        own = TELEMETRY_STREAM if kept.event == streams.EXPORT else stream_key(_shard(kept, shards))
        pipeline.xadd(own, _entry(kept))
    pipeline.execute()


def _entry(kept: Whole) -> dict[EncodableT, EncodableT]:
    entry: dict[EncodableT, EncodableT] = {
        streams.TIME_FIELD: streams.stamp(round(kept.at.timestamp() * 1e6) * 1000),
        streams.PAYLOAD_FIELD: kept.payload,
        streams.AGAIN_FIELD: kept.entry_id,
    }
    if kept.came_as:
        entry[streams.KEY_FIELD] = kept.came_as
    if kept.recovered:
        entry[streams.RECOVERED_FIELD] = 1
    return entry


def _shard(kept: Whole, shards: int) -> int:
    return streams.shard_of(kept.session_id or "", shards)


def _of_event(kept: Kept) -> Letter:
    return {
        "id": str(kept.id),
        "kind": "event",
        "name": kept.event or "an event without a name",
        "session_id": kept.session_id,
        "reason": kept.reason,
        "tries": kept.refusals,
        "failed_at": kept.refused_at,
        "sent_again_at": kept.sent_again_at,
        "happened_at": kept.at,
    }


def _of_message(dead: DeadMessage) -> Letter:
    return {
        "id": dead.id,
        "kind": "message",
        "name": dead.actor,
        "session_id": None,
        "reason": dead.reason,
        "tries": dead.tries,
        "failed_at": dead.failed_at,
        "sent_again_at": None,
        "queue": dead.queue,
        "message_id": dead.message_id,
        "request_id": dead.request_id,
    }


def _none(letter_id: uuid.UUID) -> NotFound:
    return NotFound(f"No dead letter has the id {letter_id}: it was stored, sent again or dropped. `dcm dead list`")
