"""What a batch leaves behind when it is written: its figures, its line, and what becomes of second tries."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from db import rejected
from db.pool import Conn
from dcm.domain import streams
from dcm.domain.hook_events import HookEvent
from workers import figures
from workers.batch import Written
from workers.waiting import Entry

logger = logging.getLogger("dcm.ingest")


def entry_id(entry: Entry) -> str:
    """The entry an event was first accepted as: of one that is sent again, not its newest."""
    return entry[1].get(streams.AGAIN_FIELD, entry[0]).decode()


def happened_at(entry: Entry) -> datetime:
    """When an event happened; of an entry that does not say so, when it was put into the stream."""
    entry_id, fields = entry
    try:
        return streams.moment(fields[streams.TIME_FIELD])
    except (KeyError, ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(int(entry_id.partition(b"-")[0]) / 1000, UTC)


def as_it_came(event: HookEvent, fields: Mapping[bytes, bytes]) -> HookEvent:
    """The event with the key it had before redaction changed its payload, where it is sent again."""
    came_as = fields.get(streams.KEY_FIELD)
    return replace(event, came_as=came_as.decode()) if came_as else event


def note(conn: Conn, entries: Sequence[Entry], written: Written, began: float) -> None:
    """Count a committed batch, say so when debugging, and forget what was refused before and is stored now."""
    seconds = time.monotonic() - began
    figures.batch(len(entries), len(written.events), seconds)
    if again := [entry_id(entry) for entry in entries if streams.AGAIN_FIELD in entry[1]]:
        rejected.settle(conn, again)
    if logger.isEnabledFor(logging.DEBUG):
        said = {
            "entries": len(entries),
            "stored": len(written.events),
            "first_entry": entries[0][0].decode(),
            "last_entry": entries[-1][0].decode(),
            "sessions": sorted({event.session_id for event in written.events}),
            "ms": round(seconds * 1000, 1),
        }
        logger.debug("a batch was stored", extra=said)
