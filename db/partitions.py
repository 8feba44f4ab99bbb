"""Months of the tables that grow most: which there are, how much of one goes, and what of it is dropped or deleted.

A month of which nothing is kept is taken off and dropped. One of which a good part goes is copied without the rest
(`db/month_copies.py`). Of any other the rows are deleted, and their space comes back with the month.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import LiteralString

from psycopg import sql
from psycopg.rows import class_row

from db.locks import shortly
from db.pool import Conn
from dcm.domain.retention import Since

BATCH = 2000
"""Rows deleted in one transaction."""

GONE = "gone_"
"""What the name of a month begins with that was taken off."""


@dataclass(frozen=True, slots=True)
class Big:
    """A table in months: what a row is known by, its time, and which rows are kept (of `m`, since `k`)."""

    name: str
    key: str
    at: str
    kept: LiteralString


ACTIONS = Big("actions", "id", "created_at", "m.created_at >= coalesce(k.since, %(actions)s)")
HOOK_EVENTS = Big("hook_events", "id", "created_at", "m.created_at >= coalesce(k.since, %(hook_events)s)")
SEARCH_ENTRIES = Big(
    "search_entries",
    "ref",
    "at",
    "m.at >= coalesce(k.since, CASE m.kind WHEN 'action' THEN %(actions)s::timestamptz ELSE %(sessions)s END)",
)
ALL = (ACTIONS, HOOK_EVENTS, SEARCH_ENTRIES)


@dataclass(frozen=True, slots=True)
class Month:
    """A partition, the bounds of its rows' times, and the bytes it takes with its indexes."""

    name: str
    begins: datetime
    ends: datetime
    size: int


def ensure(conn: Conn, moments: Iterable[datetime]) -> None:
    """Make the months that rows of these moments need, outside of any transaction: each is made in one of its own.

    So nobody holds one table while it waits for another, and neither readers nor writers wait for a batch.
    """
    firsts = {moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0) for moment in moments}
    for first in sorted(firsts):
        for big in ALL:
            conn.execute("SELECT ensure_month_of(%(parent)s, %(month)s)", {"parent": big.name, "month": first})


def months(conn: Conn, big: Big) -> list[Month]:
    """The months of a table, the oldest first."""
    with conn.cursor(row_factory=class_row(Month)) as cursor:
        return cursor.execute(
            """
            SELECT name, bounds[1]::timestamptz AS begins, bounds[2]::timestamptz AS ends, size
            FROM (
                SELECT c.relname AS name, pg_total_relation_size(c.oid) AS size,
                       regexp_match(pg_get_expr(c.relpartbound, c.oid), $$FROM \\('(.*)'\\) TO \\('(.*)'\\)$$) AS bounds
                FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent = %(parent)s::regclass
            ) AS parts
            ORDER BY 2
            """,
            {"parent": big.name},
        ).fetchall()


def share(conn: Conn, big: Big, month: Month, since: Since) -> tuple[int, int]:
    """(rows of a month that go, all its rows)."""
    row = conn.execute(
        of_month(big, month, "SELECT count(*) FILTER (WHERE NOT ({kept})), count(*) FROM {rows}"), asdict(since)
    ).fetchone()
    assert row
    return row[0], row[1]


def drop(conn: Conn, big: Big, month: Month, since: Since) -> int:
    """Take a month off and give its space back; writers wait for a moment. How many rows went."""

    def take_off() -> None:
        conn.execute(of_month(big, month, "LOCK TABLE ONLY {parent} IN ACCESS EXCLUSIVE MODE"))
        conn.execute(of_month(big, month, "ALTER TABLE {parent} DETACH PARTITION {month}"))
        conn.execute(of_month(big, month, "ALTER TABLE {month} RENAME TO {gone}"))

    shortly(conn, take_off)
    return bury(conn, big, month, since)


def bury(conn: Conn, big: Big, month: Month, since: Since) -> int:
    """Note which rows of a month went that was taken off, and drop it; how many they were."""
    count = "SELECT count(*) FROM {gone_rows} WHERE NOT ({kept})"
    if big is ACTIONS:
        with conn.transaction():
            conn.execute(of_month(big, month, _NOTE_FIGURES), asdict(since))
            row = conn.execute(of_month(big, month, _NOTE_COUNT), asdict(since)).fetchone()
    else:
        row = conn.execute(of_month(big, month, count), asdict(since)).fetchone()
    shortly(conn, lambda: conn.execute(of_month(big, month, "DROP TABLE {gone}")))
    return int(row[0]) if row else 0


_NOTE_FIGURES: LiteralString = """
    INSERT INTO action_changes
    SELECT m.session_id, date_trunc('hour', m.created_at, 'UTC'), m.tool_name, m.tool_type, -count(*),
           -count(*) FILTER (WHERE m.success), -coalesce(sum(m.duration_ms), 0), -count(m.duration_ms), '-infinity'
    FROM {gone_rows} WHERE NOT ({kept}) GROUP BY 1, 2, 3, 4
"""

_NOTE_COUNT: LiteralString = """
    INSERT INTO count_changes
    SELECT 'actions', '', '', -count(*) FROM {gone_rows} WHERE NOT ({kept}) HAVING count(*) > 0 RETURNING -value
"""


def delete(conn: Conn, big: Big, month: Month, since: Since) -> int:
    """Delete what is not kept of a month, a little at a time; how many rows went."""
    found = conn.execute(of_month(big, month, "SELECT m.ctid::text FROM {rows} WHERE NOT ({kept})"), asdict(since))
    places = [row[0] for row in found.fetchall()]
    statement = of_month(
        big,
        month,
        """
        DELETE FROM {parent} WHERE tableoid = {month_text}::regclass AND {at} >= {begins} AND {at} < {ends}
        AND ctid = ANY(ARRAY(SELECT m.ctid FROM {rows} WHERE NOT ({kept}) AND m.ctid = ANY(%(places)s::tid[])))
        """,
    )
    return sum(
        conn.execute(statement, asdict(since) | {"places": places[start : start + BATCH]}).rowcount
        for start in range(0, len(places), BATCH)
    )


def of_month(big: Big, month: Month, statement: LiteralString) -> sql.Composed:
    """A statement about a month, its table, its copy, or the month that was taken off."""
    join = sql.SQL("{} m LEFT JOIN kept_sessions k ON k.session_id = m.session_id")
    return sql.SQL(statement).format(
        parent=sql.Identifier(big.name),
        month=sql.Identifier(month.name),
        month_text=sql.Literal(month.name),
        rows=join.format(sql.Identifier(month.name)),
        gone=sql.Identifier(GONE + month.name),
        gone_rows=join.format(sql.Identifier(GONE + month.name)),
        copy=sql.Identifier(f"copy_{month.name}"),
        frame=sql.Identifier(f"frame_{month.name}"),
        at=sql.Identifier(big.at),
        key=sql.Identifier(big.key),
        key_text=sql.Literal(big.key),
        begins=sql.Literal(month.begins),
        ends=sql.Literal(month.ends),
        kept=sql.SQL(big.kept),
    )
