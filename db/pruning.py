"""What is kept no longer: deleted in small transactions, and its space given back to the disk."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from psycopg import sql

from db import counts, month_copies, partitions
from db.locks import alone
from db.month_copies import WORTH_COPYING
from db.partitions import BATCH, Big, Month
from db.pool import Conn
from dcm.domain.retention import Since

PRUNE_LOCK = 0x44434D09
"""One at a time prunes."""

SHRINK_SHARE, SHRINK_BYTES = 0.25, 64 * 2**20
"""A table is written anew when this share of its rows went and what stays is no more than this: its writers wait."""

Tell = Callable[[str, int, int], None]
"""Told of each step: the table, the rows that went, and the bytes that came back."""

_OLD: Mapping[str, LiteralString] = {
    "sessions": """
        FROM sessions t LEFT JOIN kept_sessions k ON k.session_id = t.id
        WHERE t.last_seen_at < coalesce(k.since, %(sessions)s) AND t.ended_at IS NOT NULL
    """,
    "requests": """
        FROM requests t LEFT JOIN kept_sessions k ON k.session_id = t.session_id
        LEFT JOIN kept_projects p ON p.project_id = t.project_id
        WHERE t.created_at < coalesce(k.since, p.since, %(sessions)s)
          AND NOT EXISTS (SELECT FROM sessions s WHERE s.id = t.session_id
                          AND (s.ended_at IS NULL OR s.last_seen_at >= coalesce(k.since, %(sessions)s)))
    """,
    "subtasks": """
        FROM subtasks t LEFT JOIN kept_sessions k ON k.session_id = t.session_id
        WHERE t.created_at < coalesce(k.since, %(sessions)s) AND t.status NOT IN ('running', 'pending')
          AND NOT EXISTS (SELECT FROM task_lists l WHERE l.id = t.task_list_id)
          AND NOT EXISTS (SELECT FROM sessions s WHERE s.id = t.session_id
                          AND (s.ended_at IS NULL OR s.last_seen_at >= coalesce(k.since, %(sessions)s)))
    """,
    "agent_contexts": """
        FROM agent_contexts t LEFT JOIN kept_sessions k ON k.session_id = t.session_id
        LEFT JOIN kept_projects p ON p.project_id = t.project_id
        WHERE t.last_updated < coalesce(k.since, p.since, %(sessions)s)
          AND NOT EXISTS (SELECT FROM sessions s WHERE s.id = t.session_id
                          AND (s.ended_at IS NULL OR s.last_seen_at >= coalesce(k.since, %(sessions)s)))
    """,
    "transcripts": """
        FROM transcripts t LEFT JOIN kept_sessions k ON k.session_id = t.session_id
        WHERE t.updated_at < coalesce(k.since, %(sessions)s)
          AND NOT EXISTS (SELECT FROM sessions s WHERE s.id = t.session_id
                          AND (s.ended_at IS NULL OR s.last_seen_at >= coalesce(k.since, %(sessions)s)))
    """,
    "context_usage": """
        FROM context_usage t LEFT JOIN kept_sessions k ON k.session_id = t.session_id
        WHERE t.told_at < coalesce(k.since, %(sessions)s)
          AND NOT EXISTS (SELECT FROM sessions s WHERE s.id = t.session_id
                          AND (s.ended_at IS NULL OR s.last_seen_at >= coalesce(k.since, %(sessions)s)))
    """,
    "briefs": """
        FROM briefs t LEFT JOIN kept_sessions k ON k.session_id = t.session_id
        WHERE t.created_at < coalesce(k.since, %(briefs)s)
    """,
    "agent_messages": """
        FROM agent_messages t LEFT JOIN kept_sessions k ON k.session_id = t.session_id
        LEFT JOIN kept_projects p ON p.project_id = t.project_id
        WHERE t.created_at < coalesce(k.since, p.since, %(messages)s)
    """,
    "message_usage": """
        FROM message_usage t LEFT JOIN kept_sessions k ON k.session_id = t.session_id
        WHERE t.created_at < coalesce(k.since, %(usage)s)
    """,
    "model_requests": """
        FROM model_requests t LEFT JOIN kept_sessions k ON k.session_id = t.session_id
        WHERE t.created_at < coalesce(k.since, %(usage)s)
    """,
    "usage_sums": """
        FROM usage_sums t LEFT JOIN kept_sessions k ON k.session_id = t.session_id
        WHERE t.told_at < coalesce(k.since, %(usage)s)
    """,
    "compaction_sizes": """
        FROM compaction_sizes t LEFT JOIN kept_sessions k ON k.session_id = t.session_id
        WHERE t.created_at < coalesce(k.since, %(usage)s)
    """,
    "rejected_events": """
        FROM rejected_events t LEFT JOIN kept_sessions k ON k.session_id = t.session_id
        WHERE t.refused_at < coalesce(k.since, %(rejected)s)
    """,
    "events": "FROM events t WHERE t.created_at < %(events)s",
    "keyword_tool_scores": "FROM keyword_tool_scores t WHERE t.last_used < %(scores)s",
    "forgotten_sessions": "FROM forgotten_sessions t WHERE t.forgotten_at < %(sessions)s",
    "prunings": "FROM prunings t WHERE t.ended_at < now() - interval '90 days'",
    "action_hours": "FROM action_hours t WHERE total = 0",
    "tool_scores": "FROM tool_scores t WHERE pairs = 0",
    "keywords": "FROM keywords t WHERE pairs = 0",
}
"""The rows `t` of each table that go, in the order they go: what hangs on a session after the session."""

TABLES = frozenset(_OLD)
"""Tables that are pruned besides those in months."""

FIGURES = frozenset({"action_hours", "tool_scores", "keywords"})
"""Tables of figures: rows of them that went say nothing to anybody."""


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be let go: by kind, of some projects by days of their own; who is told; whether nothing is deleted."""

    since: Since
    projects: Mapping[UUID, datetime]
    tell: Tell
    dry_run: bool

    def moments(self, big: Big) -> list[datetime]:
        """All moments since when rows of a table may be kept."""
        since = self.since
        kinds = {
            "actions": (since.actions,),
            "hook_events": (since.hook_events,),
            "search_entries": (since.actions, since.sessions),
        }
        return [*kinds[big.name], *self.projects.values()]


def begin(conn: Conn) -> bool:
    """Claim to prune until `end`; False while another one does."""
    row = conn.execute("SELECT pg_try_advisory_lock(%s)", [PRUNE_LOCK]).fetchone()
    return bool(row and row[0])


def end(conn: Conn) -> None:
    """Give up the claim."""
    conn.execute("SELECT pg_advisory_unlock(%s)", [PRUNE_LOCK])


def prune(conn: Conn, since: Since, projects: Mapping[UUID, datetime], tell: Tell, *, dry_run: bool = False) -> None:
    """Let go what is kept no longer, or only tell it; the caller has the claim.

    `projects`: since when that is kept which belongs to them, whatever `since` says of the rest.
    """
    order = _Order(since, projects, tell, dry_run)
    if not dry_run:
        month_copies.sweep(conn)
    _keep_of_projects(conn, projects)
    for big in partitions.ALL:
        for month in partitions.months(conn, big):
            _prune_month(conn, big, month, order)
    if not dry_run:
        counts.fold(conn)
    for table in _OLD:
        _prune_table(conn, table, order)
    if not dry_run:
        counts.fold(conn)


def _keep_of_projects(conn: Conn, projects: Mapping[UUID, datetime]) -> None:
    with conn.transaction():
        conn.execute("TRUNCATE kept_projects, kept_sessions")
        conn.execute(
            "INSERT INTO kept_projects SELECT * FROM unnest(%(ids)s::uuid[], %(since)s::timestamptz[])",
            {"ids": list(projects), "since": list(projects.values())},
        )
        conn.execute(
            """
            INSERT INTO kept_sessions (session_id, since)
            SELECT s.id, p.since FROM sessions s JOIN kept_projects p ON p.project_id = s.project_id
            """
        )
    conn.execute("ANALYZE kept_sessions")


def _prune_month(conn: Conn, big: Big, month: Month, order: _Order) -> None:
    moments = order.moments(big)
    if month.begins >= max(moments):
        return
    going, total = partitions.share(conn, big, month, order.since)
    over = going == total and month.ends <= min(moments)
    if not going and not over:
        return
    if order.dry_run:
        order.tell(big.name, going, round(month.size * going / total) if total else month.size)
        return
    if over:
        gone = partitions.drop(conn, big, month, order.since)
    elif going >= total * WORTH_COPYING:
        gone = month_copies.rewrite(conn, big, month, order.since)
    else:
        gone = partitions.delete(conn, big, month, order.since)
    left = sum(other.size for other in partitions.months(conn, big) if other.name == month.name)
    order.tell(big.name, gone, max(0, month.size - left))


def _prune_table(conn: Conn, table: str, order: _Order) -> None:
    moments = asdict(order.since)
    places = [row[0] for row in conn.execute("SELECT t.ctid::text " + _OLD[table], moments).fetchall()]
    if not places:
        return
    before = _size(conn, table)
    if order.dry_run:
        if table not in FIGURES:
            order.tell(table, len(places), round(before * len(places) / max(_rows(conn, table), 1)))
        return
    statement = sql.SQL("DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT t.ctid {old} AND t.ctid = ANY({places})))")
    delete = statement.format(
        table=sql.Identifier(table), old=sql.SQL(_OLD[table]), places=sql.SQL("%(places)s::tid[]")
    )
    gone = sum(
        conn.execute(delete, moments | {"places": places[start : start + BATCH]}).rowcount
        for start in range(0, len(places), BATCH)
    )
    _give_back(conn, table, gone)
    order.tell(table, 0 if table in FIGURES else gone, max(0, before - _size(conn, table)))


def _give_back(conn: Conn, table: str, gone: int) -> None:
    """Give back the space of rows that went: of the end of the table, or of all of it when little is left."""
    left = _rows(conn, table)
    small = _size(conn, table) * left / max(left + gone, 1) <= SHRINK_BYTES
    if gone >= BATCH and gone >= (left + gone) * SHRINK_SHARE and small:
        alone(conn, sql.SQL("VACUUM (FULL) {}").format(sql.Identifier(table)))
    else:
        conn.execute(sql.SQL("VACUUM (INDEX_CLEANUP ON) {}").format(sql.Identifier(table)))


def _rows(conn: Conn, table: str) -> int:
    row = conn.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
    return int(row[0]) if row else 0


def _size(conn: Conn, table: str) -> int:
    row = conn.execute("SELECT pg_total_relation_size(%(table)s::regclass)", {"table": table}).fetchone()
    return int(row[0]) if row else 0
