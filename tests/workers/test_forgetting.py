"""Deleting a session or a project: nothing of it is left in any table, and its past stays away."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from psycopg import sql
from stories import TTL_MS, a_session, at, event, rows, store, tool

from db import counts, forgetting, telemetry, usage
from db.pool import Conn
from dcm.domain.telemetry import CompactionSize, ModelRequest, of_event, of_point
from dcm.domain.usage import ContextUse, MessageUse, Tokens
from workers.batch import write

STAYS = {"forgotten_sessions"}
"""Tables that name a session on purpose once it is deleted."""

FOLDED = {"action_changes"}
"""Tables whose rows are gone once the figures are folded."""

FURTHER = (
    "INSERT INTO briefs (session_id, made_for, trigger, content, snapshot) VALUES (%(id)s, now(), 'auto', 'x', '{}')",
    "INSERT INTO transcripts (session_id, path) VALUES (%(id)s, '/t')",
    "INSERT INTO rejected_events (entry_id, session_id, reason, payload, at) VALUES (%(id)s, %(id)s, 'x', '{}', now())",
    "INSERT INTO kept_sessions VALUES (%(id)s, now())",
    "INSERT INTO kept_projects SELECT project_id, now() FROM sessions WHERE id = %(id)s ON CONFLICT DO NOTHING",
    """
    INSERT INTO agent_contexts (project_id, agent_id, agent_type, role_context, session_id)
    SELECT project_id, 'compact-snapshot-' || id, 'compact-snapshot', '{}', id FROM sessions WHERE id = %(id)s
    """,
    """
    INSERT INTO agent_messages (project_id, message_type, payload, session_id)
    SELECT project_id, 'a', '{}', id FROM sessions WHERE id = %(id)s
    """,
    "INSERT INTO message_usage VALUES (%(id)s, %(id)s, '', 'opus', now(), 1, 1, 1, 1, 1)",
    """
    INSERT INTO model_requests (session_id, key, model, source, agent_name, created_at, input_tokens, output_tokens,
                                cache_read_tokens, cache_creation_tokens)
    VALUES (%(id)s, 'k', 'opus', '', '', now(), 1, 1, 1, 1)
    """,
    "INSERT INTO usage_sums VALUES (%(id)s, 's', now(), now(), 'opus', '', '', 'input', 1)",
    "INSERT INTO compaction_sizes VALUES (%(id)s, 'k', now(), 'auto', true)",
    "INSERT INTO context_usage VALUES (%(id)s, 1, 'opus', now())",
)
"""What hangs on a session besides what its events make."""


def fill(conn: Conn, session: str, folder: str) -> None:
    """Something of a session in every table that names sessions."""
    moved = [replace(one, session_id=session) for one in a_session(folder)]
    store(conn, *moved)
    for statement in FURTHER:
        conn.execute(statement.encode(), {"id": session})
    counts.fold(conn)


def places(conn: Conn, column: str) -> set[tuple[str, str]]:
    """(table, column) of all tables that have such a column."""
    found = conn.execute(
        """
        SELECT table_name, column_name FROM information_schema.columns c JOIN information_schema.tables t
            USING (table_schema, table_name)
        WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND column_name = %s
          AND to_regclass(table_name) NOT IN (SELECT inhrelid FROM pg_inherits)
        """,
        [column],
    ).fetchall()
    own = {"session_id": ("sessions", "id"), "project_id": ("projects", "id")}[column]
    return {(row[0], row[1]) for row in found if row[0] not in STAYS} | {own}


def number(conn: Conn, place: tuple[str, str], value: object) -> int:
    statement = sql.SQL("SELECT count(*) FROM {} WHERE {}::text = %s").format(*map(sql.Identifier, place))
    row = conn.execute(statement, [str(value)]).fetchone()
    assert row
    return int(row[0])


@pytest.mark.contract("DELETE /api/sessions/:id?everything=true")
def test_nothing_is_left_of_a_deleted_session_in_any_table_and_all_of_another(conn: Conn) -> None:
    fill(conn, "s1", "/w/shop")
    fill(conn, "s2", "/w/shop")
    named = places(conn, "session_id")
    assert {table for table, column in named if not number(conn, (table, column), "s1")} == FOLDED
    before = {place: number(conn, place, "s2") for place in named}
    with conn.transaction():
        assert forgetting.session(conn, "s1")["actions"] == 6
    counts.fold(conn)
    assert {place for place in named if number(conn, place, "s1")} == set()
    assert {place: number(conn, place, "s2") for place in named} == before
    kept = conn.execute("SELECT * FROM counts ORDER BY 1, 2, 3").fetchall()
    counts.recount(conn)
    assert conn.execute("SELECT * FROM counts ORDER BY 1, 2, 3").fetchall() == kept


@pytest.mark.contract("DELETE /api/projects/:id")
def test_nothing_is_left_of_a_deleted_project_in_any_table_and_all_of_another(conn: Conn) -> None:
    fill(conn, "s1", "/w/shop")
    fill(conn, "s2", "/w/bank")
    ids = dict(conn.execute("SELECT path, id FROM projects").fetchall())
    named, of_sessions = places(conn, "project_id"), places(conn, "session_id")
    assert {table for table, column in named if not number(conn, (table, column), ids["/w/shop"])} == set()
    before = {place: number(conn, place, ids["/w/bank"]) for place in named}
    with conn.transaction():
        assert forgetting.project(conn, ids["/w/shop"])
    counts.fold(conn)
    assert {place for place in named if number(conn, place, ids["/w/shop"])} == set()
    assert {place for place in of_sessions if number(conn, place, "s1")} == set()
    assert {place: number(conn, place, ids["/w/bank"]) for place in named} == before
    assert not forgetting.project(conn, ids["/w/shop"])


def test_what_is_told_late_of_before_stays_deleted_and_what_happens_since_is_stored(conn: Conn) -> None:
    store(conn, event(1, "SessionStart", cwd="/w/shop"), tool(2))
    conn.execute("DELETE FROM forgotten_sessions")
    with conn.transaction():
        forgetting.session(conn, "s1")
    conn.execute("UPDATE forgotten_sessions SET forgotten_at = %s", [at(10)])
    assert write(conn, [event(1, "SessionStart"), tool(3), tool(10)], TTL_MS).events == []
    assert rows(conn, "SELECT count(*) FROM sessions") == [(0,)]
    store(conn, tool(11))
    assert rows(conn, "SELECT id, total_tools_used FROM sessions") == [("s1", 1)]


def test_the_tokens_a_transcript_tells_of_a_deleted_session_stay_deleted(conn: Conn) -> None:
    conn.execute("INSERT INTO forgotten_sessions VALUES ('s1', %s)", [at(10)])
    tokens = Tokens(1, 1, 1, 1, 1)
    for second in (9, 11):
        usage.keep(conn, [MessageUse(f"m{second}", "s1", "", "opus", at(second).isoformat(), tokens)])
        usage.keep_context(conn, ContextUse("s1", at(second).isoformat(), second, "opus"))
    assert rows(conn, "SELECT message_id FROM message_usage") == [("m11",)]
    assert rows(conn, "SELECT tokens FROM context_usage") == [(11,)]


def test_what_telemetry_tells_of_a_deleted_session_stays_deleted(conn: Conn) -> None:
    conn.execute("INSERT INTO forgotten_sessions VALUES ('s1', %s)", [at(10)])
    told = {"session.id": "s1", "model": "opus", "type": "input", "trigger": "auto", "success": "true"}
    for second in (9, 11):
        call, size = (of_event(f"claude_code.{name}", told | {"event.sequence": second}, at(second), at(second))
                      for name in ("api_request", "compaction"))  # fmt: skip
        point = of_point("claude_code.token.usage", told, second, at(1), at(second), now=at(second), cumulative=False)
        assert isinstance(call, ModelRequest)
        assert isinstance(size, CompactionSize)
        assert point
        telemetry.keep_requests(conn, [call])
        telemetry.keep_compactions(conn, [size])
        telemetry.keep_sums(conn, [point])
    grown = of_point("claude_code.token.usage", told, 20, at(1), at(20), now=at(20), cumulative=True)
    assert grown
    telemetry.keep_sums(conn, [grown])
    assert rows(conn, "SELECT created_at FROM model_requests") == [(at(11),)]
    assert rows(conn, "SELECT created_at FROM compaction_sizes") == [(at(11),)]
    assert rows(conn, "SELECT told_at, value FROM usage_sums") == [(at(11), 11)]


def test_a_late_event_of_a_month_that_was_dropped_makes_the_month_anew(conn: Conn) -> None:
    past = datetime.now(UTC) - timedelta(days=70)
    store(conn, replace(event(1, "Notification"), at=past))
    for parent in ("actions", "hook_events", "search_entries"):
        conn.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(f"{parent}_{past:%Y%m}")))
    write(conn, [replace(event(2, "Notification", n=2), at=past), event(3, "Notification")], TTL_MS)
    assert rows(conn, "SELECT count(*) FROM hook_events") == [(2,)]
