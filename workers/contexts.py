"""Watch how large contexts grow. Sizes and pauses: contract, section 11.5."""

import logging
from datetime import UTC, datetime
from enum import IntEnum

import dramatiq

from db import sessions, usage
from db.pool import Conn
from dcm import transcript_ends
from dcm.broker import DEFAULT, watch_key
from dcm.domain import prices
from dcm.domain.compactions import PROACTIVE
from workers import readings, running
from workers.briefs import make_brief

logger = logging.getLogger("dcm.contexts")
broker = running.broker()

YELLOW_BYTES, RED_BYTES, COOLDOWN_S = 512_000, 819_200, 60
"""Sizes of a transcript that are logged and that save a snapshot, and seconds between two such of a session."""

YELLOW_PERCENT, RED_PERCENT = 60, 80
"""The same in percent of the model's window, where the tokens are known: a transcript also holds what is forgotten."""


class Zone(IntEnum):
    """How near the end of its window a conversation is."""

    GREEN = 0
    YELLOW = 1
    RED = 2


@dramatiq.actor(broker=broker, queue_name=DEFAULT, max_retries=1)
def watch_context(session_id: str) -> None:
    """Record how large a session's transcript is; past the red line, save a snapshot before a compaction does."""
    running.valkey().delete(watch_key(session_id))
    with running.pool().connection() as conn:
        facts = sessions.facts(conn, session_id)
        size = transcript_ends.size(facts.transcript_path) if facts else None
        if size is None:
            return
        readings.catch_up(conn, session_id, readings.READ_FOR)
        percent = _percent(conn, session_id)
        zone = _zone(size, percent)
        due = sessions.record_context(conn, session_id, size, COOLDOWN_S, red=zone == Zone.RED)
    if zone >= Zone.YELLOW:
        logger.warning("the context is large", extra={"session": session_id, "bytes": size, "percent": percent})
    if due:
        make_brief.send(session_id, datetime.now(UTC).isoformat(), PROACTIVE)


def _percent(conn: Conn, session_id: str) -> float | None:
    """How much of its model's window a session's main conversation fills, None where that is not known."""
    found = usage.context(conn, session_id)
    if found is None or found.tokens is None:
        return None
    window = prices.window(running.prices().table(), (found.model, found.told_model or ""), found.tokens)
    return prices.percent(found.tokens, window)


def _zone(size: int, percent: float | None) -> Zone:
    measured, yellow, red = (
        (size, YELLOW_BYTES, RED_BYTES) if percent is None else (percent, YELLOW_PERCENT, RED_PERCENT)
    )
    return Zone((measured >= yellow) + (measured >= red))
