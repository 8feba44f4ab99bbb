"""Compactions under way: what runs meanwhile, and how each was settled."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row

from db import messages
from db.pool import Conn
from dcm.domain.briefs import told
from dcm.domain.compactions import Running, Subject
from dcm.domain.snapshots import of_facts

STALE = timedelta(minutes=10)
"""After this time a compaction that was announced and never ended counts as not made."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A compaction that has begun: the brief made for it."""

    made_for: datetime
    subject: str
    given_at: datetime | None
    content: str


def running(conn: Conn, session_id: str, began: datetime) -> Running:
    """What runs in a session while a compaction begins."""
    with conn.cursor(row_factory=class_row(Running)) as cursor:
        found = cursor.execute(
            """
            SELECT (SELECT count(*) FROM subtasks
                    WHERE session_id = %(session)s AND status = 'running') AS subagents,
                   (SELECT count(*) FROM hook_events
                    WHERE session_id = %(session)s AND event = 'PreToolUse' AND agent_id IS NULL
                      AND payload ->> 'tool_name' IN ('Agent', 'Task') AND created_at <= %(began)s
                      AND created_at > coalesce(
                          (SELECT max(created_at) FROM hook_events
                           WHERE session_id = %(session)s AND event IN ('UserPromptSubmit', 'Stop')
                             AND created_at <= %(began)s), '-infinity')) AS agent_calls,
                   (SELECT count(*) FROM hook_events h
                    WHERE session_id = %(session)s AND event = 'PreCompact'
                      AND created_at BETWEEN %(began)s - %(stale)s AND %(began)s + interval '1 minute'
                      AND created_at <> %(began)s
                      AND NOT EXISTS (SELECT FROM briefs b WHERE b.session_id = h.session_id
                                      AND b.made_for = h.created_at AND b.settled_at IS NOT NULL)) AS others
            """,
            {"session": session_id, "began": began, "stale": STALE},
        ).fetchone()
    assert found is not None
    return found


def newest_pending(conn: Conn, session_id: str, trigger: str, ended: datetime) -> Pending | None:
    """The compaction of this trigger that a PostCompact at `ended` is about: the last that began and is not settled.

    An older one that is not settled was announced and called off.
    """
    with conn.cursor(row_factory=class_row(Pending)) as cursor:
        return cursor.execute(
            """
            SELECT made_for, subject, given_at, content FROM briefs
            WHERE session_id = %(session)s AND trigger = %(trigger)s AND settled_at IS NULL AND NOT imported
              AND made_for BETWEEN %(ended)s - %(stale)s AND %(ended)s
            ORDER BY made_for DESC LIMIT 1
            """,
            {"session": session_id, "trigger": trigger, "ended": ended, "stale": STALE},
        ).fetchone()


def settle(conn: Conn, session_id: str, made_for: datetime, subject: Subject) -> None:
    """Say whose compaction it was and that it is over."""
    conn.execute(
        """
        UPDATE briefs SET subject = %(subject)s, settled_at = now()
        WHERE session_id = %(session)s AND made_for = %(made_for)s
        """,
        {"session": session_id, "made_for": made_for, "subject": str(subject)},
    )


def give(conn: Conn, session_id: str, made_for: datetime) -> bool:
    """Note that a brief is given to its conversation, which then has read its messages; False when it was before."""
    with conn.transaction():
        given = conn.execute(
            """
            UPDATE briefs SET given_at = now()
            WHERE session_id = %(session)s AND made_for = %(made_for)s AND given_at IS NULL
            """,
            {"session": session_id, "made_for": made_for},
        ).rowcount
        if given:
            mark_told(conn, session_id, made_for)
    return bool(given)


def mark_told(conn: Conn, session_id: str, made_for: datetime) -> None:
    """Note that the session has read the messages that stand in one of its briefs."""
    row = conn.execute(
        """
        SELECT content, snapshot -> 'facts' FROM briefs
        WHERE session_id = %(session)s AND made_for = %(made_for)s AND snapshot -> 'facts' ? 'notes'
        """,
        {"session": session_id, "made_for": made_for},
    ).fetchone()
    if row and (ids := [note.id for note in told(row[0], of_facts(row[1]).notes) if note.id]):
        messages.mark_read(conn, ids, session_id)


def last_given(conn: Conn, session_id: str) -> datetime | None:
    """When a brief was last given to a session's main conversation."""
    row = conn.execute(
        "SELECT max(given_at) FROM briefs WHERE session_id = %(session)s", {"session": session_id}
    ).fetchone()
    return row[0] if row else None
