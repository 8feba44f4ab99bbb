"""One write of accepted events: into their streams, with the keys that go with them, by as few commands as can be."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import redis.asyncio
from redis.typing import EncodableT

from dcm.broker import NUDGE_MS, nudge_key, recorded_key, stream_key, urgent_key

AWAITED_MS = 1000
"""Milliseconds for which a read waits for what a program has just reported."""

LONG_QUEUE = 2000
"""Events that wait from which on those that somebody waits for, and their session's before them, go first."""

APPEND = """
local nudged = redis.call('SET', KEYS[2], 1, 'NX', 'PX', ARGV[1])
for i = 3, #ARGV, 6 do
    local fields = {'t', ARGV[i], 's', ARGV[i + 1], 'p', ARGV[i + 2]}
    if ARGV[i + 3] ~= '' then
        table.insert(fields, 'r')
        table.insert(fields, ARGV[i + 3])
    end
    if ARGV[i + 4] ~= '' then
        table.insert(fields, 'c')
        table.insert(fields, ARGV[i + 4])
    end
    redis.call('XADD', KEYS[1], '*', unpack(fields))
    if ARGV[i + 5] ~= '' and redis.call('XLEN', KEYS[1]) > tonumber(ARGV[2]) then
        redis.call('SADD', KEYS[3], ARGV[i + 1])
    end
end
return nudged
"""
"""Appends (time, session, payload, recovered, trace, urgent) to a shard, as fields of dcm/domain/streams.py.

Answers whether to nudge; notes the session of what is urgent where the queue is long.

A script, because client and server spend more on forty commands than on one with forty arguments.
"""


@dataclass(slots=True)
class Waiting:
    """An event that waits for its write. `entry` is what the script takes of it, `taken` what lay in its mailbox."""

    shard: int
    entry: tuple[EncodableT, ...]
    marks: Mapping[str, bytes]
    mailbox: str | None
    awaited: bool
    taken: asyncio.Future[bytes | None]


async def append(
    valkey: redis.asyncio.Redis, batch: list[Waiting], mailboxes: list[str]
) -> tuple[list[int], list[str]]:
    """Put a batch into its streams; (the shards whose worker is to be nudged, the mailboxes with something in)."""
    by_shard: dict[int, list[EncodableT]] = {}
    pipeline = valkey.pipeline(transaction=False)
    for waiting in batch:
        by_shard.setdefault(waiting.shard, [NUDGE_MS, LONG_QUEUE]).extend(waiting.entry)
    for shard, entries in by_shard.items():
        pipeline.eval(APPEND, 3, stream_key(shard), nudge_key(shard), urgent_key(shard), *entries)
    for waiting in batch:
        _mark(pipeline, waiting)
    if mailboxes:
        pipeline.mget(mailboxes)
    results = await pipeline.execute()
    nudged = [shard for shard, first in zip(by_shard, results, strict=False) if first]
    letters = results[-1] if mailboxes else []
    return nudged, [mailbox for mailbox, letter in zip(mailboxes, letters, strict=True) if letter]


def _mark(pipeline: "redis.asyncio.client.Pipeline", waiting: Waiting) -> None:
    """The keys that go with a payload."""
    for key, value in waiting.marks.items():
        pipeline.set(key, value, ex=3600)
    if waiting.awaited:
        pipeline.set(recorded_key(waiting.shard), 1, px=AWAITED_MS)
