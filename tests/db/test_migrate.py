"""Migrations: forward, once, by one at a time; and the schema they end at is the contract's (section 5)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psycopg
import pytest

from db import migrate as migrations
from db.migrate import migrate, migration_files
from db.pool import Conn
from dcm.domain.errors import StartError

COLUMNS = {
    "projects": "id path name created_at updated_at metadata",
    "requests": "id project_id session_id prompt prompt_type status created_at completed_at metadata prompt_id",
    "task_lists": "id request_id name wave_number status created_at completed_at",
    "subtasks": "id task_list_id agent_type agent_id description status blocked_by created_at started_at completed_at "
    "context_snapshot result session_id tool_use_id",
    "actions": "id subtask_id tool_name tool_type input output file_paths exit_code duration_ms created_at metadata "
    "session_id tool_use_id prompt_id agent_id success",
    "keyword_tool_scores": "id keyword tool_name tool_type score usage_count success_count last_used",
    "agent_messages": "id project_id from_agent_id to_agent_id message_type topic payload priority read_by created_at "
    "expires_at",
    "agent_contexts": "id project_id agent_id agent_type role_context skills_to_restore tools_used progress_summary "
    "last_updated",
    "sessions": "id project_id started_at ended_at total_tools_used total_success total_errors",
    "schema_version": "version applied_at",
    "subscriptions": "id agent_id topic callback_url created_at updated_at",
    "blocked_agents": "id blocked_by blocked_agent reason created_at",
    "events": "id",
    "rejected_events": "id reason payload",
    "v_actions_full": "action_id tool_name tool_type exit_code duration_ms file_paths action_created_at subtask_id "
    "agent_type agent_id subtask_description subtask_status task_list_id task_list_name wave_number request_id prompt "
    "prompt_type session_id project_id project_path project_name",
    "v_active_agents": "subtask_id project_id project_name project_path agent_type agent_id status description "
    "started_at created_at session_id request_id actions_count",
    "v_unread_messages": "id project_id from_agent_id to_agent_id message_type topic payload priority read_by "
    "created_at expires_at project_name",
    "v_project_stats": "project_id project_name path total_requests total_subtasks total_actions successful_actions "
    "avg_duration_ms last_activity",
}
INDEXES = """
    idx_requests_project idx_requests_session idx_requests_status idx_subtasks_status idx_subtasks_agent
    idx_subtasks_task_list idx_actions_tool idx_actions_created idx_actions_subtask idx_actions_tool_type
    idx_messages_project idx_messages_to idx_messages_topic idx_messages_created idx_keyword_scores idx_keyword_tool
    idx_contexts_agent idx_contexts_agent_id idx_sessions_project idx_sessions_started idx_projects_metadata
    idx_requests_metadata idx_actions_metadata idx_messages_payload idx_contexts_role
""".split()  # noqa: SIM905 - as the contract lists them
TRIGGERS = {("projects", "update_projects_updated_at"), ("agent_contexts", "update_contexts_updated_at")}
UNIQUE = {
    "projects": ["path"],
    "keyword_tool_scores": ["keyword,tool_name"],
    "agent_contexts": ["project_id,agent_id"],
    "subscriptions": ["agent_id,topic"],
    "blocked_agents": ["blocked_by,blocked_agent"],
}
KEY_COLUMNS = """
    SELECT string_agg(a.attname, ',' ORDER BY k.place) FROM pg_index i
    CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (number, place)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
    WHERE i.indrelid = %s::regclass AND i.indisunique AND NOT i.indisprimary GROUP BY i.indexrelid
"""


def names(conn: Conn, query: str, *parameters: object) -> set[str]:
    """The first column of a query's rows."""
    return {row[0] for row in conn.execute(query.encode(), parameters).fetchall()}


@dataclass(frozen=True)
class File:
    """A migration file that exists only in a test."""

    name: str
    sql: str


def with_files(monkeypatch: pytest.MonkeyPatch, *files: File) -> None:
    """Let the migrations be these, after those that exist."""
    known = [*migration_files(), *((file.name, file.sql) for file in files)]
    monkeypatch.setattr(migrations, "migration_files", lambda: known)


def test_migrating_twice_is_migrating_once(blank_url: str) -> None:
    assert migrate(blank_url) == [name for name, _ in migration_files()]
    assert migrate(blank_url) == []


def test_processes_that_start_at_once_migrate_one_after_the_other(blank_url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        applied = list(threads.map(migrate, [blank_url] * 4))
    assert sorted(applied, key=len) == [[], [], [], [name for name, _ in migration_files()]]


def test_a_file_that_was_changed_after_it_was_applied_is_refused(
    blank_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(blank_url)
    changed = [(name, sql + "\n-- changed") for name, sql in migration_files()]
    monkeypatch.setattr(migrations, "migration_files", lambda: changed)
    with pytest.raises(StartError, match=r"0001_initial\.sql was changed after it was applied"):
        migrate(blank_url)


def test_a_database_of_a_later_version_is_refused(blank_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as later:
        with_files(later, File("0999_later.sql", "CREATE TABLE later_thing (id int)"))
        assert "0999_later.sql" in migrate(blank_url)
    with pytest.raises(StartError, match=r"0999_later\.sql.*update DCM"):
        migrate(blank_url)


def test_a_file_that_fails_leaves_nothing_of_itself_and_is_tried_again(
    blank_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        with_files(broken, File("0998_half.sql", "CREATE TABLE half (id int); SELECT 1/0"))
        with pytest.raises(psycopg.errors.DivisionByZero):
            migrate(blank_url)
    with psycopg.connect(blank_url) as conn:
        assert conn.execute("SELECT to_regclass('half'), to_regclass('sessions')").fetchone() == (None, "sessions")
    with_files(monkeypatch, File("0998_half.sql", "CREATE TABLE half (id int)"))
    assert migrate(blank_url) == ["0998_half.sql"]


def test_every_table_and_view_of_the_contract_has_its_columns(conn: Conn) -> None:
    for table, columns in COLUMNS.items():
        found = names(conn, "SELECT column_name FROM information_schema.columns WHERE table_name = %s", table)
        assert set(columns.split()) <= found, table
    assert names(conn, "SELECT version FROM schema_version") == {"2.0.0"}


def test_every_index_trigger_and_uniqueness_of_the_contract_is_there(conn: Conn) -> None:
    assert set(INDEXES) <= names(conn, "SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")
    found = conn.execute("SELECT event_object_table, trigger_name FROM information_schema.triggers").fetchall()
    assert set(found) >= TRIGGERS
    for table, keys in UNIQUE.items():
        assert set(keys) <= names(conn, KEY_COLUMNS, table), table


def test_a_change_refreshes_the_time_of_a_project_and_of_a_context(conn: Conn) -> None:
    conn.execute("""
        INSERT INTO projects (path, updated_at) VALUES ('/p', '2020-01-01');
        INSERT INTO agent_contexts (agent_id, agent_type, role_context, last_updated)
        VALUES ('a', 't', '{}', '2020-01-01');
        UPDATE projects SET name = 'p';
        UPDATE agent_contexts SET agent_type = 'u'""")
    assert names(conn, "SELECT updated_at > '2021-01-01' FROM projects") == {True}
    assert names(conn, "SELECT last_updated > '2021-01-01' FROM agent_contexts") == {True}


def test_contexts_without_a_project_do_not_double(conn: Conn) -> None:
    insert = "INSERT INTO agent_contexts (agent_id, agent_type, role_context) VALUES ('a', 't', '{}')"
    conn.execute(insert)
    with pytest.raises(psycopg.errors.UniqueViolation):
        conn.execute(insert)


def test_a_project_that_is_deleted_takes_all_that_is_its_own_with_it(conn: Conn) -> None:
    conn.execute("""
        WITH p AS (INSERT INTO projects (path) VALUES ('/p') RETURNING id),
             s AS (INSERT INTO sessions (id, project_id) SELECT 's', id FROM p),
             r AS (INSERT INTO requests (project_id, session_id, prompt) SELECT id, 's', 'do' FROM p RETURNING id),
             t AS (INSERT INTO task_lists (request_id) SELECT id FROM r RETURNING id),
             u AS (INSERT INTO subtasks (task_list_id) SELECT id FROM t RETURNING id)
        INSERT INTO actions (subtask_id, tool_name, tool_type) SELECT id, 'Bash', 'builtin' FROM u""")
    conn.execute("DELETE FROM projects")
    for table in ("sessions", "requests", "task_lists", "subtasks", "actions"):
        assert names(conn, f"SELECT count(*) FROM {table}") == {0}, table  # noqa: S608 - names of our own


def test_every_month_has_one_partition_and_asking_again_is_harmless(conn: Conn) -> None:
    for moment in ("2031-12-31 23:59:59+00", "2032-01-01 00:00:00+00", "2031-12-31 23:30:00-05"):
        conn.execute("SELECT ensure_month(%s)", [moment])
        conn.execute("SELECT ensure_month(%s)", [moment])
        conn.execute("INSERT INTO actions (tool_name, tool_type, created_at) VALUES ('x', 'builtin', %s)", [moment])
    assert names(conn, "SELECT tableoid::regclass::text FROM actions") == {"actions_203112", "actions_203201"}
