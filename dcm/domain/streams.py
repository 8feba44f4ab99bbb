"""Entries of the stream of accepted events: time, session, payload, and whether a transcript told it."""

import zlib
from datetime import UTC, datetime

TIME_FIELD, PAYLOAD_FIELD, SESSION_FIELD = b"t", b"p", b"s"

RECOVERED_FIELD = b"r"
"""Stands in entries that a transcript told; a hook's own report of the same event goes before it."""

TRACE_FIELD = b"c"
"""Stands in entries of events that are traced: what carries the trace on."""

AGAIN_FIELD, KEY_FIELD = b"x", b"k"
"""Stand in entries that were refused and are sent again: the entry it was, and the key where redaction changed it."""


EXPORT = "telemetry"
"""What a refused export of telemetry is called among refused events: it is sent again to a stream of its own."""


def shard_of(session_id: str, shards: int) -> int:
    """The shard that holds a session: always the same one, so a session has one writer."""
    return zlib.crc32(session_id.encode("utf-8", "replace")) % shards


def stamp(moment_ns: int) -> bytes:
    """The time field of an entry: microseconds since the epoch."""
    return b"%d" % (moment_ns // 1000)


def moment(stamped: bytes) -> datetime:
    """The time of an entry."""
    seconds, micros = divmod(int(stamped), 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)
