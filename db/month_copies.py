"""A month written anew without what is not kept of it, while it is read and written to."""

from dataclasses import asdict

from psycopg import sql

from db import counts
from db.locks import shortly
from db.partitions import ACTIONS, ALL, Big, Month, bury, months, of_month
from db.pool import Conn
from dcm.domain.retention import Since

WORTH_COPYING = 0.25
"""Share of a month's rows that must go for it to be copied."""


def rewrite(conn: Conn, big: Big, month: Month, since: Since) -> int:
    """Put a copy of what is kept of a month in its place; how many rows went.

    Writers wait only while the two change places: what they do meanwhile is noted by a trigger, and done to the copy.
    """
    shortly(conn, lambda: _watch(conn, big, month))
    with conn.transaction():
        _copy(conn, big, month, since)
    if big is ACTIONS:
        _refer_to_subtasks(conn, big, month)
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        _catch_up(conn, big, month, since)
    shortly(conn, lambda: _swap(conn, big, month, since))
    return bury(conn, big, month, since)


def sweep(conn: Conn) -> None:
    """Remove what one who was interrupted left; the caller is the only one who prunes.

    Which rows of a month that was taken off are in its copy nobody knows any more: all is counted anew.
    """
    interrupted = _left(conn, "gone")
    for big in ALL:
        for month in months(conn, big):
            _unwatch(conn, big, month)
    for name in [*_left(conn, "frame"), *_left(conn, "copy"), *interrupted]:
        statement = sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(sql.Identifier(name))
        shortly(conn, lambda statement=statement: conn.execute(statement))  # type: ignore[misc]
    if interrupted:
        counts.recount(conn)


def _left(conn: Conn, beginning: str) -> list[str]:
    rows = conn.execute(
        """
        SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
        AND relname ~ ('^' || %(beginning)s || '_(actions|hook_events|search_entries)_[0-9]+$') ORDER BY 1
        """,
        {"beginning": beginning},
    ).fetchall()
    return [row[0] for row in rows]


def _watch(conn: Conn, big: Big, month: Month) -> None:
    """Note from now on which rows of a month change."""
    conn.execute("TRUNCATE month_changes")
    conn.execute(
        of_month(
            big,
            month,
            """
            CREATE TRIGGER note_month_change AFTER INSERT OR UPDATE OR DELETE ON {month}
            FOR EACH ROW EXECUTE FUNCTION note_month_change({key_text})
            """,
        )
    )


def _unwatch(conn: Conn, big: Big, month: Month) -> None:
    row = conn.execute(
        "SELECT FROM pg_trigger WHERE tgrelid = %(month)s::regclass AND tgname = 'note_month_change'",
        {"month": month.name},
    ).fetchone()
    if row is not None:
        shortly(conn, lambda: conn.execute(of_month(big, month, "DROP TRIGGER note_month_change ON {month}")))


def _copy(conn: Conn, big: Big, month: Month, since: Since) -> None:
    """Copy what is kept; a parent of the same make gives the copy its indexes once it is filled."""
    conn.execute("SELECT set_config('maintenance_work_mem', '128MB', true)")
    for statement in (
        "CREATE TABLE {copy} (LIKE {month} INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMPRESSION)",
        "INSERT INTO {copy} SELECT m.* FROM {rows} WHERE {kept}",
        "ALTER TABLE {copy} ADD CONSTRAINT bounds CHECK ({at} IS NOT NULL AND {at} >= {begins} AND {at} < {ends})",
        "CREATE TABLE {frame} (LIKE {parent} INCLUDING ALL) PARTITION BY RANGE ({at})",
        "ALTER TABLE {frame} ATTACH PARTITION {copy} FOR VALUES FROM ({begins}) TO ({ends})",
        "ALTER TABLE {frame} DETACH PARTITION {copy}",
        "DROP TABLE {frame}",
        "ANALYZE {copy}",
    ):
        conn.execute(of_month(big, month, statement), asdict(since) if "{kept}" in statement else None)


def _refer_to_subtasks(conn: Conn, big: Big, month: Month) -> None:
    """Let the copy refer to subtasks as its table does, without those deleted since it was made."""
    refer = of_month(
        big,
        month,
        """
        ALTER TABLE {copy} ADD CONSTRAINT of_subtask FOREIGN KEY (subtask_id)
        REFERENCES subtasks (id) ON DELETE CASCADE NOT VALID
        """,
    )
    shortly(conn, lambda: conn.execute(refer))
    conn.execute(
        of_month(
            big,
            month,
            """
            DELETE FROM {copy} c
            WHERE subtask_id IS NOT NULL AND NOT EXISTS (SELECT FROM subtasks s WHERE s.id = c.subtask_id)
            """,
        )
    )
    conn.execute(of_month(big, month, "ALTER TABLE {copy} VALIDATE CONSTRAINT of_subtask"))


def _catch_up(conn: Conn, big: Big, month: Month, since: Since) -> None:
    """Bring the rows of the copy that changed to what they are now; looked up one by one, they are few."""
    for name in ("enable_hashjoin", "enable_mergejoin"):
        conn.execute("SELECT set_config(%(name)s, 'off', true)", {"name": name})
    for statement in (
        """
        DELETE FROM {copy} c USING (SELECT DISTINCT ref, at FROM month_changes) AS changed
        WHERE c.{at} = changed.at AND c.{key} = changed.ref
        """,
        """
        INSERT INTO {copy} SELECT m.* FROM (SELECT DISTINCT ref, at FROM month_changes) AS changed
        JOIN {month} m ON m.{at} = changed.at AND m.{key} = changed.ref
        LEFT JOIN kept_sessions k ON k.session_id = m.session_id
        WHERE {kept}
        """,
        "DELETE FROM month_changes",
    ):
        conn.execute(of_month(big, month, statement), asdict(since) if "{kept}" in statement else None)


def _swap(conn: Conn, big: Big, month: Month, since: Since) -> None:
    conn.execute(of_month(big, month, "LOCK TABLE ONLY {parent} IN ACCESS EXCLUSIVE MODE"))
    conn.execute(of_month(big, month, "LOCK TABLE {month} IN ACCESS EXCLUSIVE MODE"))
    _catch_up(conn, big, month, since)
    for statement in (
        "ALTER TABLE {parent} DETACH PARTITION {month}",
        "ALTER TABLE {month} RENAME TO {gone}",
        "ALTER TABLE {copy} RENAME TO {month}",
        "ALTER TABLE {parent} ATTACH PARTITION {month} FOR VALUES FROM ({begins}) TO ({ends})",
        "ALTER TABLE {month} DROP CONSTRAINT bounds",
    ):
        conn.execute(of_month(big, month, statement))
