"""Counts: exact after whatever any writer does, folded or not, without writers waiting for one another."""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

from db import counts
from db.pool import Conn

EVERY_COUNT = """
    SELECT what, part, state, value FROM countable UNION ALL
    SELECT 'keywords', '', '', count(DISTINCT keyword) FROM keyword_tool_scores HAVING count(*) > 0 ORDER BY 1, 2, 3
"""
SESSIONS = """
    SELECT session_id, count(*), count(*) FILTER (WHERE success), coalesce(sum(duration_ms), 0), count(duration_ms),
           max(created_at)
    FROM actions WHERE session_id IS NOT NULL GROUP BY 1 ORDER BY 1
"""
HOURS = """
    SELECT date_trunc('hour', created_at, 'UTC'), tool_name, tool_type, count(*), count(*) FILTER (WHERE success)
    FROM actions GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
TOOLS = """
    SELECT tool_name, tool_type, count(*), sum(score::float8), sum(usage_count) FROM keyword_tool_scores
    GROUP BY 1, 2 ORDER BY 1, 2
"""
NOTES = (
    "SELECT * FROM count_changes",
    "SELECT * FROM action_changes",
    "SELECT * FROM tool_score_changes",
    "SELECT * FROM keyword_changes",
)
IDS = {name: uuid.uuid4() for name in ("project", "request", "wave", "subtask")}
STATEMENTS = [
    "INSERT INTO projects (id, path) VALUES (%(project)s, '/w/shop')",
    "INSERT INTO projects (path) VALUES ('/w/shop'), ('/w/bank') ON CONFLICT (path) DO NOTHING",
    "INSERT INTO sessions (id, project_id, total_tools_used) VALUES ('s1', %(project)s, 3), ('s2', NULL, 4)",
    "INSERT INTO requests (id, project_id, session_id, prompt) VALUES (%(request)s, %(project)s, 's1', 'x')",
    "INSERT INTO task_lists (id, request_id) VALUES (%(wave)s, %(request)s)",
    "INSERT INTO subtasks (id, task_list_id, status) VALUES (%(subtask)s, %(wave)s, 'running')",
    (
        "INSERT INTO actions (tool_name, tool_type, session_id, subtask_id, duration_ms, success, created_at) "
        "SELECT (ARRAY['Bash', 'Read'])[1 + mod(n, 2)], 'builtin', 's' || (1 + mod(n, 3)), %(subtask)s, "
        "nullif(n * 10, 0), n <> 2, now() - make_interval(mins => n * 20) FROM generate_series(0, 8) AS n"
    ),
    "INSERT INTO actions (tool_name, tool_type) VALUES ('Edit', 'builtin')",
    "INSERT INTO agent_messages (message_type, topic, payload) VALUES ('a', 'task.created', '{}'), ('a', NULL, '{}')",
    """INSERT INTO agent_contexts (project_id, agent_id, agent_type, role_context)
       VALUES (NULL, 'a', 'Explore', '{"status": "running"}'), (NULL, 'b', 'Explore', '{}')""",
    (
        "INSERT INTO keyword_tool_scores (keyword, tool_name, tool_type, score) "
        "VALUES ('cart', 'Bash', 'builtin', 0.3), ('cart', 'Edit', 'builtin', 1.7), ('test', 'Bash', 'builtin', 0.1)"
    ),
    "UPDATE keyword_tool_scores SET score = score + 0.1, usage_count = usage_count + 2 WHERE keyword = 'cart'",
    (
        "INSERT INTO keyword_tool_scores AS k (keyword, tool_name, tool_type) "
        "VALUES ('cart', 'Bash', 'x'), ('n', 'B', 'x') "
        "ON CONFLICT (keyword, tool_name) DO UPDATE SET score = k.score - 0.05"
    ),
    "UPDATE sessions SET ended_at = now(), total_tools_used = total_tools_used + 5, total_errors = 2 WHERE id = 's1'",
    "UPDATE subtasks SET status = 'completed'",
    "UPDATE agent_messages SET read_by = '{s1}' WHERE topic IS NULL",
    """UPDATE agent_contexts SET role_context = '{"status": "completed"}' WHERE agent_id = 'a'""",
    "UPDATE requests SET status = 'failed'",
    "UPDATE requests SET status = 'failed' WHERE false",
    "DELETE FROM actions WHERE created_at = (SELECT max(created_at) FROM actions WHERE session_id = 's1')",
    "DELETE FROM actions WHERE session_id = 's2'",
    "DELETE FROM keyword_tool_scores WHERE keyword = 'test'",
    "DELETE FROM agent_contexts WHERE agent_id = 'b'",
    "DELETE FROM subtasks WHERE id = %(subtask)s",
    "INSERT INTO subtasks (id, task_list_id) VALUES (%(subtask)s, %(wave)s)",
    "INSERT INTO actions (tool_name, tool_type, session_id, subtask_id) VALUES ('Bash', 'x', 's1', %(subtask)s)",
    "DELETE FROM projects WHERE id = %(project)s",
    "DELETE FROM agent_messages",
]


@pytest.fixture
def second(database_url: str) -> Iterator[Conn]:
    """A connection beside `conn`."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def rows(conn: Conn, query: str) -> list[tuple[object, ...]]:
    return conn.execute(query.encode()).fetchall()


def now(conn: Conn) -> list[tuple[object, ...]]:
    """Every count as it is read."""
    names = ["keywords"] if counts.of(conn, "keywords")["keywords"] else []
    return sorted(
        [row for row in rows(conn, "SELECT what, part, state, value FROM counts_now") if row[0] != "keywords"]
        + [(name, "", "", counts.of(conn, name)[name]) for name in names]
    )  # type: ignore[type-var]


def assert_true(conn: Conn) -> None:
    """What is read is what the tables hold."""
    assert now(conn) == rows(conn, EVERY_COUNT)
    assert rows(conn, "SELECT * FROM tool_scores_now ORDER BY 1, 2") == rows(conn, TOOLS)


def assert_folded(conn: Conn) -> None:
    """What is kept is what the tables hold, and no note is left."""
    assert [rows(conn, notes) for notes in NOTES] == [[], [], [], []]
    assert rows(conn, "SELECT * FROM session_actions ORDER BY 1") == rows(conn, SESSIONS)
    kept = "SELECT hour, tool_name, tool_type, total, success FROM action_hours WHERE total > 0 ORDER BY 1, 2, 3"
    assert rows(conn, kept) == rows(conn, HOURS)


@pytest.mark.parametrize("folding", [False, True])
def test_after_every_statement_the_counts_are_what_counting_would_give(conn: Conn, folding: bool) -> None:
    conn.execute("SELECT ensure_month(now() - interval '1 day')")
    for statement in STATEMENTS:
        conn.execute(statement.encode(), IDS)
        assert_true(conn)
        if folding:
            counts.fold(conn)
            assert_true(conn)
            assert_folded(conn)
    counts.fold(conn)
    assert_folded(conn)


def test_names_are_totals_and_states_and_what_does_not_exist_is_zero(conn: Conn) -> None:
    conn.execute("INSERT INTO subtasks (status) VALUES ('running'), ('running'), ('failed')")
    names = ("subtasks", "subtasks.running", "subtasks.paused", "projects", "keywords", "keyword_tool_scores")
    assert counts.of(conn, *names) == dict(zip(names, (3, 2, 0, 0, 0, 0), strict=True))
    found = [(count.state, count.value) for count in counts.split(conn, "subtasks")]
    assert found == [("running", 2), ("failed", 1)]


def test_what_is_rolled_back_is_not_counted(conn: Conn) -> None:
    with conn.transaction(force_rollback=True):
        conn.execute("INSERT INTO subtasks (status) VALUES ('running')")
        assert counts.of(conn, "subtasks") == {"subtasks": 1}
    assert counts.of(conn, "subtasks") == {"subtasks": 0}


def test_a_writer_in_its_transaction_holds_up_neither_another_writer_nor_the_fold(conn: Conn, second: Conn) -> None:
    second.execute("SET lock_timeout = '1s'")
    statement = b"INSERT INTO actions (tool_name, tool_type, session_id) VALUES ('Bash', 'builtin', 's1')"
    conn.execute(statement)
    counts.fold(conn)
    with ExitStack() as stack:
        stack.enter_context(conn.transaction())
        conn.execute(statement)
        second.execute(statement)
        counts.fold(second)
        assert counts.of(second, "actions") == {"actions": 2}
    counts.fold(second)
    assert counts.of(second, "actions") == {"actions": 3}
    assert_folded(second)


def test_one_who_folds_while_another_does_leaves_it_alone(conn: Conn, second: Conn) -> None:
    second.execute("SET lock_timeout = '1s'")
    conn.execute("INSERT INTO subtasks (status) VALUES ('running')")
    with conn.transaction():
        counts.fold(conn)
        counts.fold(second)
        assert counts.of(second, "subtasks") == {"subtasks": 1}
    assert counts.of(second, "subtasks") == {"subtasks": 1}


def test_a_recount_mends_what_no_trigger_saw_and_forgets_no_writer_that_commits_meanwhile(
    conn: Conn, second: Conn
) -> None:
    for statement in STATEMENTS[:13]:
        conn.execute(statement.encode(), IDS)
    counts.fold(conn)
    conn.execute("UPDATE counts SET value = value + 7")
    conn.execute("DELETE FROM action_hours")
    with second.transaction():
        second.execute("INSERT INTO subtasks (status) VALUES ('running')")
        counts.recount(conn)
        assert_true(conn)
    assert_true(conn)
    counts.fold(conn)
    assert_true(conn)
    assert_folded(conn)
