"""Watch how large contexts grow. Sizes and pauses: contract, section 11.5."""

import logging
from datetime import UTC, datetime

import dramatiq

from db import sessions
from dcm.broker import DEFAULT
from dcm.domain.compactions import PROACTIVE
from workers import running, transcripts
from workers.briefs import make_brief

logger = logging.getLogger("dcm.contexts")
broker = running.broker()

YELLOW_BYTES, RED_BYTES, COOLDOWN_S = 512_000, 819_200, 60
"""Sizes of a transcript that are logged and that save a snapshot, and seconds between two such of a session."""


@dramatiq.actor(queue_name=DEFAULT, max_retries=1)
def watch_context(session_id: str) -> None:
    """Record how large a session's transcript is; past the red line, save a snapshot before a compaction does."""
    with running.pool().connection() as conn:
        facts = sessions.facts(conn, session_id)
        size = transcripts.size(facts.transcript_path) if facts else None
        if size is None:
            return
        due = sessions.record_context(conn, session_id, size, COOLDOWN_S, RED_BYTES)
    if size >= YELLOW_BYTES:
        logger.warning("the context is large", extra={"session": session_id, "bytes": size})
    if due:
        make_brief.send(session_id, datetime.now(UTC).isoformat(), PROACTIVE)
