"""The figures of the last 24 hours: to the moment, though whole hours come from a rollup."""

import pytest

from db import actions, counts, kpis
from db.pool import Conn

MINUTES_AGO = """
    INSERT INTO actions (tool_name, tool_type, session_id, success, created_at)
    SELECT tool, 'builtin', session, success, now() - make_interval(mins => ago)
    FROM (VALUES ('Old', 's0', true, 24 * 60 + 1), ('Cut', 's1', true, 24 * 60 - 1), ('Bash', 's1', false, 22 * 60),
                 ('Bash', 's2', true, 12 * 60), ('Bash', NULL, true, 0)) AS v (tool, session, success, ago)
"""


@pytest.mark.parametrize("folded", [False, True])
def test_what_lies_a_minute_within_the_last_24_hours_counts_and_what_lies_a_minute_beyond_does_not(
    conn: Conn, folded: bool
) -> None:
    conn.execute("SELECT ensure_month(now() - interval '2 days')")
    conn.execute(MINUTES_AGO.encode())
    if folded:
        counts.fold(conn)
    assert kpis.blocks(conn)["actions_24h"] == {
        "total": 4, "success": 3, "success_rate": 75, "unique_tools": 2, "active_sessions": 2, "avg_per_hour": 0.2,
    }  # fmt: skip
    hours = actions.hourly(conn)
    assert [count for _, count in hours][:1] == [1]
    assert sum(count for _, count in hours) == 4
    assert hours == sorted(hours)


@pytest.mark.parametrize("folded", [False, True])
def test_a_project_counts_the_calls_of_its_sessions_without_reading_them(conn: Conn, folded: bool) -> None:
    project = conn.execute("INSERT INTO projects (path) VALUES ('/w/shop') RETURNING id").fetchone()
    assert project
    conn.execute("INSERT INTO sessions (id, project_id) VALUES ('s1', %s), ('s2', NULL)", project)
    conn.execute("""
        INSERT INTO actions (tool_name, tool_type, session_id, success, duration_ms)
        VALUES ('Bash', 'builtin', 's1', true, 10), ('Bash', 'builtin', 's1', false, 30),
               ('Bash', 'builtin', 's1', true, NULL), ('Bash', 'builtin', 's2', true, 99)""")
    if folded:
        counts.fold(conn)
    row = conn.execute("""
        SELECT total_actions, successful_actions, avg_duration_ms,
               last_activity = (SELECT max(created_at) FROM actions) FROM v_project_stats""").fetchone()
    assert row == (3, 2, 20.0, True)
