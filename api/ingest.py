"""The hot path: append an accepted payload to the stream, nudge the worker, answer.

Payloads that arrive while a write is in flight share the next one, which where several came waits a moment for more;
each is answered only after Valkey has its own.

What polls Valkey looks at a deadline after each command, which ends by itself. A time limit around the whole loop
would cancel one of its commands, and the client may take that cancellation for its own and go on for ever.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from contextvars import copy_context
from functools import partial

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from api import figures
from api.append import AWAITED_MS, Waiting, append
from dcm.broker import (
    INGEST,
    MAIL_SECONDS,
    NUDGE_MS,
    connection_options,
    enqueue,
    open_broker,
    recorded_key,
    stream_key,
)
from dcm.domain import streams
from dcm.domain.errors import Unavailable
from dcm.settings import Settings
from dcm.tracing import traces

logger = logging.getLogger("dcm.api")

WRITE_TIMEOUT = 0.5
"""Seconds until a Valkey that does not answer counts as away, whatever the client tries meanwhile."""

REST_AFTER_STALL = 1.0
"""Seconds without further tries after a Valkey that did not answer in time: nobody waits for it twice."""

MAIL_PATIENCE = 0.2
"""Seconds for which a SubagentStart, whose hook ends after 0.3, waits for its mail."""

GATHER = 0.001
"""Seconds between two writes while several callers send: one write of eight costs little more than one of two."""


class Door:
    """Where payloads enter. One per process."""

    def __init__(self, settings: Settings) -> None:
        self._shards = settings.shards
        self._valkey = redis.asyncio.Redis.from_url(
            settings.redis_url,
            retry=Retry(NoBackoff(), 1),
            retry_on_error=[RuntimeError],  # what uvloop raises for a connection that was reset
            **connection_options(WRITE_TIMEOUT),
        )
        self._broker = open_broker(settings)
        self._waiting: list[Waiting] = []
        self._writer: asyncio.Task[None] | None = None
        self._nudges: set[asyncio.Future[None]] = set()
        self._resting_until = 0.0
        self._traces = traces(settings, "api")

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
        urgent: bool = False,
    ) -> bytes | None:
        """Accept a checked payload; it is safe when this returns. Returns what lay in the mailbox.

        `at_ns`: nanoseconds since the epoch. `marks`: keys to set in Valkey with it, for an hour.
        `mailbox`: a key to read and empty with it. `awaited`: who reads in the next moment waits until it is stored.
        `recovered`: no hook reported it, a transcript told it. `urgent`: somebody waits for what follows from it.

        Raises:
            Unavailable: Valkey does not take it; nothing was accepted.
        """
        if time.monotonic() < self._resting_until:
            raise _away("it did not answer a moment ago")
        span, trace = self._traces.accept(session_id, at_ns) if self._traces else (None, b"")
        flags = (b"1" if recovered else b"", trace, b"1" if urgent else b"")
        entry = (streams.stamp(at_ns), session_id, raw, *flags)
        taken: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        shard = streams.shard_of(session_id, self._shards)
        self._waiting.append(Waiting(shard, entry, marks or {}, mailbox, awaited, taken))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all())
        try:
            return await taken
        finally:
            if span:
                span.end()

    async def append(self, stream: str, payload: bytes, nudge: str, queue: str, actor: str) -> None:
        """Append to a stream that is not of hooks, and send to the actor that writes it, if none is on its way.

        Raises:
            Unavailable: Valkey does not take it; nothing was accepted.
        """
        if time.monotonic() < self._resting_until:
            raise _away("it did not answer a moment ago")
        pipeline = self._valkey.pipeline(transaction=False)
        pipeline.set(nudge, 1, nx=True, px=NUDGE_MS)
        pipeline.xadd(stream, {streams.PAYLOAD_FIELD: payload})
        try:
            async with asyncio.timeout(WRITE_TIMEOUT):
                nudged, _ = await pipeline.execute()
        except (RedisError, OSError) as error:
            raise _away(_told(error)) from error
        if nudged:
            self.ask(queue, actor)

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
        deadline, pause = time.monotonic() + MAIL_PATIENCE, 0.01
        with contextlib.suppress(RedisError, OSError):
            while not await self._valkey.exists(mailbox) and time.monotonic() < deadline:
                await asyncio.sleep(pause)
                pause = min(2 * pause, MAIL_PATIENCE / 4)
            return await self.emptied(mailbox)
        return None

    async def emptied(self, mailbox: str) -> bytes | None:
        """What lies in a mailbox, which is emptied; None when it cannot be had, and it stays."""
        with contextlib.suppress(RedisError, OSError):
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
                if len(batch) > 1:
                    await asyncio.sleep(GATHER)
        finally:
            self._writer = None

    async def _write(self, batch: list[Waiting]) -> None:
        mailboxes = list({waiting.mailbox: None for waiting in batch if waiting.mailbox})
        try:
            async with asyncio.timeout(WRITE_TIMEOUT):
                nudged, filled = await append(self._valkey, batch, mailboxes)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody is left waiting
            self._refuse(batch, error)
            return
        figures.ACCEPTED.inc(len(batch))
        mail = {mailbox: await self.emptied(mailbox) for mailbox in filled}
        for waiting in batch:
            if not waiting.taken.done():
                waiting.taken.set_result(mail.pop(waiting.mailbox, None) if waiting.mailbox else None)
        for shard in nudged:
            self.ask(INGEST, "drain", shard)

    def _refuse(self, batch: list[Waiting], error: Exception) -> None:
        reason = _told(error)
        logger.warning("Valkey did not take %d events: %s", len(batch), reason)
        if isinstance(error, TimeoutError | redis.exceptions.TimeoutError):
            self._resting_until = time.monotonic() + REST_AFTER_STALL
            batch, self._waiting = batch + self._waiting, []
        figures.UNAVAILABLE.inc(len(batch))
        for waiting in batch:
            if not waiting.taken.done():
                waiting.taken.set_exception(_away(reason))

    async def close(self) -> None:
        """Close the connections."""
        await self._valkey.aclose()
        self._broker.close()


def _told(error: Exception) -> str:
    """What Valkey said, without the commands that the client puts before it and the script behind it."""
    said = str(error).rpartition(" caused error: ")[2].partition(" script: ")[0]
    return "its disk is full: make room there" if "No space left on device" in said else said


def _away(reason: str) -> Unavailable:
    return Unavailable(
        f"Valkey did not take the event ({reason or 'no answer in time'}). It was not accepted; it may be sent again."
    )
