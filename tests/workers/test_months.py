"""Months of the large tables: made beside who reads and writes, each like every other."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import sql
from stories import a_session, event, rows, store, tool

from db import partitions
from db.pool import Conn

MONTH = 30 * 24 * 3600.0
"""Seconds between moments of two months."""

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'actions'::regclass"


@pytest.fixture
def other(database_url: str) -> Iterator[Conn]:
    """A connection beside `conn`."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("held", ["hook_events", "actions", "search_entries"])
def test_a_batch_of_a_new_month_waits_for_no_reader_nor_a_reader_for_it(conn: Conn, other: Conn, held: str) -> None:
    conn.execute("SET lock_timeout = '3s'")
    with other.transaction():
        other.execute("SET LOCAL lock_timeout = '3s'")
        other.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(held)))
        store(conn, event(40 * MONTH, "Notification"), tool(40 * MONTH))
        for table in ("hook_events", "actions", "search_entries"):
            found = other.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
            assert found == (1,), table


def test_a_new_month_waits_for_no_writer_but_of_subtasks_and_no_writer_for_it(conn: Conn, other: Conn) -> None:
    store(conn, *a_session())
    with other.transaction():
        other.execute("DELETE FROM hook_events")
        other.execute("DELETE FROM actions")
        conn.execute("SET lock_timeout = '3s'")
        store(conn, tool(40 * MONTH))
        other.execute("DELETE FROM search_entries")
    assert rows(conn, "SELECT count(*) FROM actions") == [(1,)]


def test_a_request_of_a_month_nobody_made_makes_that_of_its_words_alone(conn: Conn) -> None:
    conn.execute("INSERT INTO requests (session_id, prompt, created_at) VALUES ('s1', 'do', '2040-02-03Z')")
    assert rows(conn, "SELECT to_regclass('search_entries_204002') IS NOT NULL, to_regclass('actions_204002')") == [
        (True, None)
    ]


def test_two_may_make_a_month_at_once(conn: Conn, other: Conn) -> None:
    with ThreadPoolExecutor() as threads:
        with conn.transaction():
            conn.execute("SELECT ensure_month_of('actions', '2040-02-03Z')")
            second = threads.submit(other.execute, b"SELECT ensure_month_of('actions', '2040-02-04Z')")
            while rows(conn, WAITING) != [(1,)]:
                assert not second.done()
        second.result(10)


@pytest.mark.parametrize("big", partitions.ALL, ids=lambda big: big.name)
def test_a_month_is_as_a_partition_is_that_postgres_makes(conn: Conn, big: partitions.Big) -> None:
    conn.execute("SELECT ensure_month_of(%s, '2040-02-03Z')", [big.name])
    conn.execute(
        sql.SQL("CREATE TABLE made PARTITION OF {} FOR VALUES FROM ('2040-03-01Z') TO ('2040-04-01Z')").format(
            sql.Identifier(big.name)
        )
    )

    def make(table: str) -> list[tuple[object, ...]]:
        found = rows(conn, """
            SELECT attname, format_type(atttypid, atttypmod), attnotnull, attstorage, attcompression,
                   pg_get_expr(adbin, adrelid)
            FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
            WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY 1
            """, table)  # fmt: skip
        found += rows(conn, """
            SELECT pg_get_constraintdef(oid), conparentid <> 0 FROM pg_constraint
            WHERE conrelid = %s::regclass AND contype <> 'n' ORDER BY 1
            """, table)  # fmt: skip
        return found + rows(conn, """
            SELECT inhparent::regclass::text FROM pg_index JOIN pg_inherits ON inhrelid = indexrelid
            WHERE indrelid = %s::regclass ORDER BY 1
            """, table)  # fmt: skip

    assert make(f"{big.name}_204002") == make("made")
