"""The hot path: append an accepted payload to the stream, nudge the worker, answer.

Payloads that arrive while a write is in flight share the next one; each is answered only after
Valkey has its own.

What polls Valkey looks at a deadline after each command, which ends by itself. A time limit around the whole loop
would cancel one of its commands, and the client may take that cancellation for its own and go on for ever.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.typing import EncodableT

from api import figures
from dcm.broker import (
    INGEST,
    MAIL_SECONDS,
    connection_options,
    enqueue,
    nudge_key,
    open_broker,
    recorded_key,
    stream_key,
)
from dcm.domain import streams
from dcm.domain.errors import Unavailable
from dcm.settings import Settings

logger = logging.getLogger("dcm.api")

WRITE_TIMEOUT = 0.5
"""Seconds until a Valkey that does not answer counts as away, whatever the client tries meanwhile."""

REST_AFTER_STALL = 1.0
"""Seconds without further tries after a Valkey that did not answer in time: nobody waits for it twice."""

AWAITED_MS = 1000
"""Milliseconds for which a read waits for what a program has just reported."""

MAIL_PATIENCE = 0.2
"""Seconds for which a SubagentStart, whose hook ends after 0.3, waits for its mail."""

NUDGE_MS = 1000
"""Milliseconds after which a nudge that nobody took up is forgotten."""


@dataclass(slots=True)
class _Waiting:
    shard: int
    entry: dict[EncodableT, EncodableT]
    marks: Mapping[str, bytes]
    mailbox: str | None
    awaited: bool
    taken: asyncio.Future[bytes | None]


class Door:
    """Where payloads enter. One per process."""

    def __init__(self, settings: Settings) -> None:
        self._shards = settings.shards
        self._valkey = redis.asyncio.Redis.from_url(
            settings.redis_url, retry=Retry(NoBackoff(), 1), **connection_options(WRITE_TIMEOUT)
        )
        self._broker = open_broker(settings)
        self._waiting: list[_Waiting] = []
        self._writer: asyncio.Task[None] | None = None
        self._nudges: set[asyncio.Future[None]] = set()
        self._resting_until = 0.0

    async def take(
        self,
        session_id: str,
        raw: bytes,
        at_ns: int,
        *,
        marks: Mapping[str, bytes] | None = None,
        mailbox: str | None = None,
        awaited: bool = False,
        recovered: bool = False,
    ) -> bytes | None:
        """Accept a checked payload; it is safe when this returns. Returns what lay in the mailbox.

        `at_ns`: nanoseconds since the epoch. `marks`: keys to set in Valkey with it, for an hour.
        `mailbox`: a key to read and empty with it. `awaited`: who reads in the next moment waits until it is stored.
        `recovered`: no hook reported it, a transcript told it.

        Raises:
            Unavailable: Valkey does not take it; nothing was accepted.
        """
        if time.monotonic() < self._resting_until:
            raise _away("it did not answer a moment ago")
        entry: dict[EncodableT, EncodableT] = {
            streams.TIME_FIELD: streams.stamp(at_ns),
            streams.PAYLOAD_FIELD: raw,
        }
        if recovered:
            entry[streams.RECOVERED_FIELD] = 1
        taken: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        shard = streams.shard_of(session_id, self._shards)
        self._waiting.append(_Waiting(shard, entry, marks or {}, mailbox, awaited, taken))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all())
        return await taken

    async def mark(self, key: str) -> bytes | None:
        """A mark set earlier, None when there is none or Valkey is away."""
        try:
            async with asyncio.timeout(WRITE_TIMEOUT):
                value = await self._valkey.get(key)
        except (RedisError, OSError):
            return None
        return value.encode() if isinstance(value, str) else value

    async def collect(self, mailbox: str) -> bytes | None:
        """What lies in a mailbox, which is emptied; what is on its way there is waited for a moment."""
        deadline = time.monotonic() + MAIL_PATIENCE
        with contextlib.suppress(RedisError, OSError):
            while not await self._valkey.exists(mailbox) and time.monotonic() < deadline:  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0.01)
            mail = await self._valkey.getdel(mailbox)
            return mail.encode() if isinstance(mail, str) else mail
        return None

    async def put_back(self, mailbox: str, letters: bytes) -> None:
        """Put letters into a mailbox again; when Valkey is away they are still unread messages."""
        with contextlib.suppress(RedisError, OSError):
            pipeline = self._valkey.pipeline(transaction=True)
            pipeline.append(mailbox, letters)
            pipeline.expire(mailbox, MAIL_SECONDS)
            await pipeline.execute()

    async def settled(self) -> None:
        """Wait until what was accepted up to here is stored, if any of it is awaited; for a second at most."""
        deadline = time.monotonic() + AWAITED_MS / 1000
        with contextlib.suppress(RedisError, OSError):
            marks = await self._valkey.mget([recorded_key(shard) for shard in range(self._shards)])
            for shard, mark in enumerate(marks):
                if mark:
                    await self._stored(shard, deadline)

    async def _stored(self, shard: int, deadline: float) -> None:
        stream = stream_key(shard)
        newest = await self._valkey.xrevrange(stream, count=1)
        if not newest:
            return
        last = newest[0][0] or b"+"
        while await self._valkey.xrange(stream, max=last, count=1) and time.monotonic() < deadline:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.005)

    def ask(self, queue: str, actor: str, *arguments: object) -> None:
        """Send to an actor without waiting; when Valkey is away the clock or a later event makes up for it."""
        send = partial(copy_context().run, enqueue, self._broker, queue, actor, *arguments)
        sent = asyncio.get_running_loop().run_in_executor(None, send)
        self._nudges.add(sent)
        sent.add_done_callback(self._sent)

    def _sent(self, sent: asyncio.Future[None]) -> None:
        self._nudges.discard(sent)
        if not sent.cancelled() and (error := sent.exception()):
            logger.warning("a message was not sent: %s", error)

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._write(batch)
        finally:
            self._writer = None

    async def _write(self, batch: list[_Waiting]) -> None:
        shards = sorted({waiting.shard for waiting in batch})
        pipeline = self._valkey.pipeline(transaction=False)
        for shard in shards:
            pipeline.set(nudge_key(shard), 1, nx=True, px=NUDGE_MS)
        for waiting in batch:
            _append(pipeline, waiting)
        mailboxes = [waiting for waiting in batch if waiting.mailbox]
        for waiting in mailboxes:
            pipeline.getdel(waiting.mailbox or "")
        try:
            async with asyncio.timeout(WRITE_TIMEOUT):
                results = await pipeline.execute()
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody is left waiting
            self._refuse(batch, error)
            return
        figures.ACCEPTED.inc(len(batch))
        mail = dict(zip(map(id, mailboxes), results[len(results) - len(mailboxes) :], strict=True))
        for waiting in batch:
            if not waiting.taken.done():
                waiting.taken.set_result(mail.get(id(waiting)))
        for shard, nudge in zip(shards, results, strict=False):
            if nudge:
                self.ask(INGEST, "drain", shard)

    def _refuse(self, batch: list[_Waiting], error: Exception) -> None:
        logger.warning("Valkey did not take %d events: %s", len(batch), error)
        if isinstance(error, TimeoutError | redis.exceptions.TimeoutError):
            self._resting_until = time.monotonic() + REST_AFTER_STALL
            batch, self._waiting = batch + self._waiting, []
        figures.UNAVAILABLE.inc(len(batch))
        for waiting in batch:
            if not waiting.taken.done():
                waiting.taken.set_exception(_away(str(error)))

    async def close(self) -> None:
        """Close the connections."""
        await self._valkey.aclose()
        self._broker.close()


def _append(pipeline: "redis.asyncio.client.Pipeline", waiting: _Waiting) -> None:
    """The commands of one payload: into the stream, and the keys that go with it."""
    pipeline.xadd(stream_key(waiting.shard), waiting.entry)
    for key, value in waiting.marks.items():
        pipeline.set(key, value, ex=3600)
    if waiting.awaited:
        pipeline.set(recorded_key(waiting.shard), 1, px=AWAITED_MS)


def _away(reason: str) -> Unavailable:
    return Unavailable(
        f"Valkey did not take the event ({reason or 'no answer in time'}). It was not accepted; it may be sent again."
    )
