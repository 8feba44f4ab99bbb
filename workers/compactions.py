"""Settle whose compaction it was, by the boundary it left, and give the main conversation a brief it still lacks."""

import time
from datetime import datetime

import dramatiq

from db import briefs, compact, compactions, hook_events, sessions
from db.compactions import Pending
from db.pool import Conn
from dcm import transcript_ends
from dcm.broker import DEFAULT
from dcm.domain.compactions import CLOCK_SLACK, GIVEN_SLACK, Subject, newest_boundary
from dcm.domain.instants import instant
from dcm.domain.mail import Letter
from dcm.transcript_files import of_subagents
from workers import running
from workers.briefs import assemble
from workers.mail import post

broker = running.broker()

BOUNDARY_PATIENCE, BOUNDARY_PAUSE = 2.0, 0.05
"""Seconds a boundary is waited for (0.4 were seen at most), and between two looks."""


@dramatiq.actor(broker=broker, queue_name=DEFAULT, max_retries=3)
def settle_compaction(session_id: str, ended: str, trigger: str) -> None:
    """Settle the compaction that a PostCompact at `ended` (ISO time) is about."""
    with running.pool().connection() as conn:
        pending = _pending(conn, session_id, datetime.fromisoformat(ended), trigger)
        if pending is None:
            return
        facts = sessions.facts(conn, session_id)
        path = facts.transcript_path if facts else None
        whose, boundary = _find_boundary(path, pending) if path else (Subject.UNKNOWN, None)
        if whose == Subject.UNKNOWN:
            whose = Subject(pending.subject)
        compactions.settle(conn, session_id, pending.made_for, whose)
        if whose == Subject.SUBAGENT:
            return
        if pending.subject != Subject.MAIN:
            snapshot = assemble(conn, session_id, pending.made_for, trigger)
            if snapshot and whose == Subject.MAIN:
                compact.save(conn, session_id, snapshot.role_context())
        if whose == Subject.MAIN:
            mark = _mark(conn, session_id, datetime.fromisoformat(ended))
            compact.mark(conn, session_id, mark)
            if mark["compact_summary"]:
                briefs.keep_summary(conn, session_id, pending.made_for, mark["compact_summary"])
        given = compactions.last_given(conn, session_id)
        if pending.content and (given is None or given < (boundary or pending.made_for) - GIVEN_SLACK):
            post(session_id, "", Letter(pending.content))
            compactions.give(conn, session_id, pending.made_for)


def _mark(conn: Conn, session_id: str, ended: datetime) -> dict[str, str | None]:
    """What is noted of a compaction of the main conversation: when it ended and what the client wrote of it."""
    summary = hook_events.at(conn, session_id, "PostCompact", ended).get("compact_summary")
    return {
        "compacted_at": instant(ended),
        "compact_summary": summary if isinstance(summary, str) and summary else None,
        "compact_agent": "main",
    }


def _pending(conn: Conn, session_id: str, ended: datetime, trigger: str) -> Pending | None:
    """The compaction, once the brief for it is made."""
    deadline = time.monotonic() + BOUNDARY_PATIENCE
    while True:
        pending = compactions.newest_pending(conn, session_id, trigger, ended)
        if pending or time.monotonic() > deadline:
            return pending
        time.sleep(BOUNDARY_PAUSE)


def _find_boundary(path: str, pending: Pending) -> tuple[Subject, datetime | None]:
    """Whose transcript has a boundary since the compaction began, the main one's first, and when it was written."""
    deadline = time.monotonic() + BOUNDARY_PATIENCE
    since = pending.made_for - CLOCK_SLACK
    while True:
        boundary = newest_boundary(transcript_ends.tail(path))
        if boundary and boundary >= since:
            return Subject.MAIN, boundary
        for subagent in of_subagents(path):
            boundary = newest_boundary(transcript_ends.tail(subagent))
            if boundary and boundary >= since:
                return Subject.SUBAGENT, boundary
        if time.monotonic() > deadline:
            return Subject.UNKNOWN, None
        time.sleep(BOUNDARY_PAUSE)
