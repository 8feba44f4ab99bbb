"""What the database refuses of a batch: its entries are written one by one, and those that fail are set aside."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from db import rejected
from db.pool import Conn, is_away
from workers import figures
from workers.waiting import Entry

W = TypeVar("W")

logger = logging.getLogger("dcm.ingest")


def write(
    conn: Conn,
    entries: Sequence[Entry],
    store: Callable[[Sequence[Entry]], W],
    kept: Callable[[Entry, str], rejected.Rejected],
) -> list[W]:
    """Store a batch together, where its data is refused each entry alone; gives what each storing gave.

    `kept`: what is kept of an entry that was refused for a reason.
    """
    try:
        return [store(entries)]
    except Exception as error:
        if is_away(error):
            raise
        logger.exception("a batch was refused, writing its %d entries one by one", len(entries))
    return [written for entry in entries for written in _alone(conn, entry, store, kept)]


def _alone(
    conn: Conn,
    entry: Entry,
    store: Callable[[Sequence[Entry]], W],
    kept: Callable[[Entry, str], rejected.Rejected],
) -> list[W]:
    try:
        return [store([entry])]
    except Exception as error:
        if is_away(error):
            raise
        logger.exception("an entry was refused and set aside", extra={"entry": entry[0].decode()})
        figures.SET_ASIDE.inc()
        with conn.transaction():
            rejected.keep(conn, kept(entry, f"{type(error).__name__}: {error}"))
        return []
