"""Pruning: what is too old goes and its space with it, what stays is whole, and every count is what counting gives."""

import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from old_work import fill
from psycopg import sql

from db import counts, month_copies, partitions, pruning
from db.pool import Conn
from dcm.domain.errors import Unavailable
from dcm.domain.retention import EVER, everything

NOW = datetime.now(UTC)


@pytest.fixture
def second(database_url: str) -> Iterator[Conn]:
    """A connection beside `conn`."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def tell_into(told: dict[str, int]) -> Callable[[str, int, int], None]:
    def tell(table: str, rows: int, _freed: int) -> None:
        told[table] = told.get(table, 0) + rows

    return tell


def prune(
    conn: Conn, days: int, projects: dict[uuid.UUID, datetime] | None = None, *, dry_run: bool = False
) -> dict[str, int]:
    """What a pruning told."""
    told: dict[str, int] = {}
    since = everything(days, datetime.now(UTC))
    pruning.prune(conn, since, projects or {}, tell_into(told), dry_run=dry_run)
    return {table: rows for table, rows in told.items() if rows}


def number(conn: Conn, query: str) -> int:
    row = conn.execute(query.encode()).fetchone()
    assert row
    return int(row[0])


KEPT = {
    **dict.fromkeys(["projects", "task_lists"], "they go with what they belong to"),
    **dict.fromkeys(["counts", "count_changes", "action_changes", "session_actions", "tool_score_changes",
                     "keyword_changes"], "figures"),
    **dict.fromkeys(["kept_projects", "kept_sessions", "month_changes"], "what a pruning notes for itself"),
    **dict.fromkeys(["subscriptions", "blocked_agents", "access_tokens", "agent_credentials"], "until it is ended"),
    **dict.fromkeys(["migrations", "schema_version", "last_cleanup"], "of the database itself"),
    "audit_log": "for ever",
}  # fmt: skip
"""Tables of which nothing goes by age, and why."""


def test_every_table_has_its_days_or_a_reason_to_be_kept(conn: Conn) -> None:
    found = conn.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
        "AND NOT relispartition"
    ).fetchall()
    pruned = {*pruning.TABLES, *(big.name for big in partitions.ALL)}
    assert {row[0] for row in found} == {*pruned, *KEPT}
    assert not pruned & {*KEPT}


def assert_counts_are_true(conn: Conn) -> None:
    """Each figure is what counting everything anew gives."""
    counts.fold(conn)
    figures = (
        "SELECT what, part, state, value FROM counts ORDER BY 1, 2, 3",
        "SELECT * FROM action_hours WHERE total > 0 ORDER BY 1, 2, 3",
        "SELECT * FROM session_actions ORDER BY 1",
        "SELECT * FROM tool_scores WHERE pairs > 0 ORDER BY 1, 2",
        "SELECT * FROM keywords WHERE pairs > 0 ORDER BY 1",
    )
    kept = [conn.execute(figure.encode()).fetchall() for figure in figures]
    counts.recount(conn)
    assert kept == [conn.execute(figure.encode()).fetchall() for figure in figures]


@pytest.mark.parametrize("worth", [0.0, 0.25, 2.0])
@pytest.mark.parametrize("days", [1, 30, 45])
def test_what_is_older_goes_and_nothing_else_and_counts_are_true_without_counting(
    conn: Conn, monkeypatch: pytest.MonkeyPatch, days: int, worth: float
) -> None:
    monkeypatch.setattr(pruning, "WORTH_COPYING", worth)
    fill(conn)
    asked = prune(conn, days, dry_run=True)
    told = prune(conn, days)
    assert asked == told
    for name in ("actions.created_at", "hook_events.created_at", "search_entries.at", "requests.created_at",
                 "sessions.last_seen_at", "subtasks.created_at", "briefs.created_at", "events.created_at",
                 "agent_messages.created_at"):  # fmt: skip
        table, _, at = name.partition(".")
        statement = sql.SQL("SELECT min({}) > %s FROM {}").format(sql.Identifier(at), sql.Identifier(table))
        assert conn.execute(statement, [datetime.now(UTC) - timedelta(days=days)]).fetchone() == (True,), name
    assert number(conn, "SELECT count(*) FROM sessions") == days
    assert number(conn, "SELECT count(*) FROM actions") == number(
        conn, "SELECT count(*) FROM search_entries WHERE kind = 'action'"
    )
    assert number(conn, "SELECT count(*) FROM actions") == days * 40
    assert told["actions"] == (101 - days) * 40
    assert_counts_are_true(conn)


def test_a_project_keeps_longer_or_shorter_than_the_rest(conn: Conn) -> None:
    fill(conn)
    ids: dict[str, uuid.UUID] = dict(conn.execute("SELECT path, id FROM projects").fetchall())
    told = prune(conn, 30, {ids["/w/shop"]: EVER, ids["/w/bank"]: NOW - timedelta(days=7)})
    assert told["actions"] == (50 - 3) * 40
    assert number(conn, "SELECT count(*) FROM sessions") == 51 + 3
    assert number(conn, "SELECT count(*) FROM requests") == 51 + 3
    assert number(conn, "SELECT count(*) FROM actions") == (51 + 3) * 40
    assert_counts_are_true(conn)
    prune(conn, 0, {ids["/w/shop"]: NOW - timedelta(days=1)})
    assert number(conn, "SELECT count(*) FROM actions") == (1 + 3) * 40
    assert_counts_are_true(conn)


def test_a_session_that_runs_stays_and_what_hangs_on_it(conn: Conn) -> None:
    fill(conn)
    conn.execute("UPDATE sessions SET ended_at = NULL WHERE id = 's80'")
    prune(conn, 30)
    assert number(conn, "SELECT count(*) FROM requests WHERE session_id = 's80'") == 1
    assert number(conn, "SELECT count(*) FROM subtasks WHERE session_id = 's80'") == 1


def test_what_is_kept_for_ever_stays_and_a_second_time_finds_nothing(conn: Conn) -> None:
    fill(conn)
    assert prune(conn, 0) == {}
    assert prune(conn, 45)
    assert prune(conn, 45) == {}


def test_a_month_that_was_dropped_or_written_anew_takes_rows_again(conn: Conn) -> None:
    fill(conn)
    prune(conn, 45)
    for days in (99, 70, 50, 40):
        conn.execute("SELECT ensure_month(now() - make_interval(days => %s))", [days])
        conn.execute(
            "INSERT INTO actions (tool_name, tool_type, session_id, created_at) "
            "VALUES ('Bash', 'builtin', 's1', now() - make_interval(days => %s))", [days],
        )  # fmt: skip
    assert_counts_are_true(conn)
    assert prune(conn, 45)["actions"] == 3
    assert_counts_are_true(conn)


def test_a_month_written_anew_is_as_it_was_made_indexes_references_and_storage(conn: Conn) -> None:
    fill(conn)

    def make() -> list[tuple[object, ...]]:
        return conn.execute(
            """
            SELECT c.relispartition, c.relname, a.attname, a.attnotnull, a.attstorage, a.atthasdef
            FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relkind = 'r' AND a.attnum > 0 ORDER BY 2, a.attnum
            """
        ).fetchall()

    def hung_on() -> list[tuple[object, ...]]:
        return conn.execute(
            """
            SELECT i.indrelid::regclass::text, count(*), count(h.inhparent) FROM pg_index i
            LEFT JOIN pg_inherits h ON h.inhrelid = i.indexrelid
            WHERE i.indrelid IN (SELECT inhrelid FROM pg_inherits) GROUP BY 1
            UNION ALL
            SELECT concat(conrelid::regclass, contype), count(*), count(nullif(conparentid, 0)) FROM pg_constraint
            WHERE conrelid IN (SELECT inhrelid FROM pg_inherits) GROUP BY 1 ORDER BY 1
            """
        ).fetchall()

    before = make(), hung_on()
    since = everything(1, NOW)
    conn.execute("TRUNCATE kept_sessions")
    for big in partitions.ALL:
        for month in partitions.months(conn, big):
            month_copies.rewrite(conn, big, month, since)
    assert (make(), hung_on()) == before
    assert number(conn, "SELECT count(*) FROM actions") == 40
    conn.execute("DELETE FROM subtasks")
    assert number(conn, "SELECT count(*) FROM actions WHERE subtask_id IS NOT NULL") == 0
    assert_counts_are_true(conn)


def test_what_is_written_and_deleted_while_a_month_is_copied_is_in_the_copy(
    conn: Conn, second: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(conn)
    since = everything(30, NOW)
    copied, waited = month_copies._refer_to_subtasks, threading.Event()

    def write_meanwhile(*arguments: object) -> None:
        second.execute("DELETE FROM actions WHERE session_id = 's2'")
        second.execute("DELETE FROM subtasks WHERE session_id = 's3'")
        second.execute(
            "INSERT INTO actions (tool_name, tool_type, session_id, created_at) "
            "SELECT 'Edit', 'builtin', 's1', created_at + interval '1 s' FROM actions WHERE session_id IN ('s1', 's40')"
        )
        waited.set()
        copied(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(month_copies, "_refer_to_subtasks", write_meanwhile)
    conn.execute("TRUNCATE kept_sessions")
    for month in partitions.months(conn, partitions.ACTIONS):
        month_copies.rewrite(conn, partitions.ACTIONS, month, since)
    assert waited.is_set()
    assert number(conn, "SELECT count(*) FROM actions WHERE session_id = 's2'") == 0
    assert number(conn, "SELECT count(*) FROM actions WHERE session_id = 's3' AND subtask_id IS NOT NULL") == 0
    assert number(conn, "SELECT count(*) FROM actions WHERE session_id = 's1'") > 40
    assert number(conn, "SELECT count(*) FROM actions WHERE created_at < now() - interval '30 days'") == 0
    assert_counts_are_true(conn)


@pytest.mark.parametrize("interrupted", ["_refer_to_subtasks", "_catch_up", "bury"])
def test_what_an_interrupted_one_left_is_cleared_away_by_the_next(
    conn: Conn, monkeypatch: pytest.MonkeyPatch, interrupted: str
) -> None:
    fill(conn)

    def die(*_: object) -> None:
        raise InterruptedError

    monkeypatch.setattr(pruning, "WORTH_COPYING", 0.0)
    monkeypatch.setattr(month_copies, interrupted, die)
    with pytest.raises(InterruptedError):
        prune(conn, 45)
    monkeypatch.undo()
    conn.execute(
        "INSERT INTO actions (tool_name, tool_type, created_at) SELECT 'Bash', 'builtin', created_at FROM actions"
    )
    prune(conn, 45)
    assert number(conn, "SELECT count(*) FROM actions") == 2 * 45 * 40
    assert number(conn, "SELECT count(*) FROM pg_class WHERE relkind <> 'i' AND relname ~ '^(gone|copy|frame)_'") == 0
    assert number(conn, "SELECT count(*) FROM pg_trigger WHERE tgname = 'note_month_change'") == 0
    assert_counts_are_true(conn)


def test_who_reads_for_long_holds_up_the_pruning_and_no_writer(
    conn: Conn, second: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(conn)
    monkeypatch.setattr("db.locks.TRIES", 2)
    with second.transaction():
        second.execute("SELECT count(*) FROM actions")
        with pytest.raises(Unavailable, match="reads"):
            prune(conn, 45)
        second.execute("INSERT INTO actions (tool_name, tool_type) VALUES ('Bash', 'builtin')")
    assert prune(conn, 45)["actions"] == (101 - 45) * 40


def test_one_at_a_time_prunes(conn: Conn, second: Conn) -> None:
    assert pruning.begin(conn)
    assert not pruning.begin(second)
    pruning.end(conn)
    assert pruning.begin(second)


def test_the_space_of_a_table_comes_back_of_which_little_stays(conn: Conn) -> None:
    conn.execute(
        "INSERT INTO events (channel, event, data, created_at) SELECT 'global', 'x', to_jsonb(repeat('x', 500)), "
        "now() - make_interval(secs => n + 50) FROM generate_series(864000, 1, -100) AS n"
    )
    before = number(conn, "SELECT pg_total_relation_size('events')")
    assert prune(conn, 2) == {"events": 8640 - 1727}
    assert number(conn, "SELECT pg_total_relation_size('events')") < before * 0.3


def test_a_refused_event_goes_so_many_days_after_it_was_last_refused(conn: Conn) -> None:
    conn.execute("""
        INSERT INTO rejected_events (entry_id, reason, payload, at, created_at, refused_at)
        SELECT days::text, 'r', '{}', at, at, now() - days * interval '1 day'
        FROM unnest(ARRAY[29, 31]) days, LATERAL (SELECT now() - interval '100 days') made (at)""")
    assert prune(conn, 30) == {"rejected_events": 1}
    assert [row[0] for row in conn.execute("SELECT entry_id FROM rejected_events")] == ["29"]
