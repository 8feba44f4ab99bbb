"""Which of the events that wait are written next: the oldest, but for those of sessions that somebody waits for."""

from typing import cast

import redis

from dcm.broker import stream_key, urgent_key

Entry = tuple[bytes, dict[bytes, bytes]]
"""(id, fields) of an entry of the stream."""

LOOKED_AT = 500
"""Entries that Valkey looks through in one go: it serves nobody else for these two or three milliseconds."""

OF_SESSION = """
local found, last = {}, ARGV[1]
local entries = redis.call('XRANGE', KEYS[1], '(' .. last, '+', 'COUNT', ARGV[2])
for _, entry in ipairs(entries) do
    last = entry[1]
    for i = 1, #entry[2], 2 do
        if entry[2][i] == 's' and entry[2][i + 1] == ARGV[3] then
            found[#found + 1] = entry
        end
    end
end
return {#entries, last, found}
"""
"""The entries of a session among the next so many after an id: (how many there were, the last id, those of it).

`s` is SESSION_FIELD of dcm/domain/streams.py.
"""


def next_batch(client: redis.Redis, shard: int, most: int) -> list[Entry]:
    """At most so many entries of a shard to write next, in the order in which they came; empty when none waits."""
    while urgent := cast("bytes | None", client.spop(urgent_key(shard))):
        entries = _of_session(client, shard, urgent, most)
        if len(entries) == most:
            client.sadd(urgent_key(shard), urgent)
        if entries:
            return entries
    return cast("list[Entry]", client.xrange(stream_key(shard), count=most))


def _of_session(client: redis.Redis, shard: int, session_id: bytes, most: int) -> list[Entry]:
    entries: list[Entry] = []
    last, looked_at = b"0-0", LOOKED_AT
    while looked_at == LOOKED_AT and len(entries) < most:
        answer = client.eval(OF_SESSION, 1, stream_key(shard), last, LOOKED_AT, session_id)
        looked_at, last, found = cast("tuple[int, bytes, list[tuple[bytes, list[bytes]]]]", answer)
        entries += [(entry_id, dict(zip(fields[::2], fields[1::2], strict=True))) for entry_id, fields in found]
    return entries[:most]
