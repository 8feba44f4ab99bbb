"""`dcm export` and `dcm import export` against the real API: what goes out is what comes in."""

import gzip
import json
import stat
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from api_server import ApiServer
from command import answer, run
from story import AGENT, HOOKS, SESSION, tool

from db import counts
from dcm.client.errors import Absent, ClientError
from dcm.domain import exports
from dcm.domain.errors import InvalidInput
from workers.briefs import make_brief

WriteAll = Callable[[], None]

COMPACTED = "2030-01-01T00:00:00+00:00"
"""When the brief was made for: after all of the story."""

PADDING = "x" * 5000
"""Longer than what is stored unpacked."""

DERIVED = {
    "counts", "count_changes", "action_hours", "action_changes", "session_actions", "tool_scores",
    "tool_score_changes", "keywords", "keyword_changes", "search_entries",
}  # fmt: skip
"""Made again of the rows at an import."""

NOT_MOVED = {
    "events": "what a WebSocket client missed; nobody of the other DCM listens here",
    "transcripts": "how far files of that machine were read; they are read again where they lie",
    "last_cleanup": "what that DCM's clock did",
    "migrations": "the schema of that database",
    "schema_version": "the schema of that database",
}

TABLES = {
    "projects": "project", "sessions": "session", "requests": "request", "task_lists": "task_list",
    "subtasks": "subtask", "actions": "action", "hook_events": "hook_event", "agent_messages": "message",
    "agent_contexts": "agent_context", "briefs": "brief", "message_usage": "usage", "context_usage": "context_usage",
    "keyword_tool_scores": "score", "subscriptions": "subscription", "blocked_agents": "block",
    "rejected_events": "rejected_event",
}  # fmt: skip

COUNTED_AGAIN = {
    "sessions": {"total_tools_used", "total_success", "total_errors"},
    "keyword_tool_scores": {"id"},
}
"""Columns that are made anew."""


def emptied(server: ApiServer) -> ApiServer:
    """The same server with nothing in its database, the derived tables included."""
    with psycopg.connect(server.database_url, autocommit=True) as conn:
        kept = {"migrations", "schema_version"}
        names = ", ".join(sorted({*TABLES, *DERIVED, *NOT_MOVED} - kept))
        conn.execute(f"TRUNCATE {names} CASCADE")
    return server


def url(server: ApiServer) -> str:
    return f"http://127.0.0.1:{server.port}"


def exported(server: ApiServer, home: Path, name: str = "all.jsonl", *options: str) -> list[dict[str, Any]]:
    """The lines of an export without its header, whose time is its own."""
    said = run(home, "export", "--output", str(home / name), "--url", url(server), *options)
    assert said.exit_code == 0, said.output
    text = gzip.decompress((home / name).read_bytes()) if name.endswith(".gz") else (home / name).read_bytes()
    head, *lines = [json.loads(line) for line in text.splitlines()]
    assert (head["format"], head["version"], head["waiting"]) == ("dcm-export", 1, 0)
    return lines


def line_set(lines: list[dict[str, Any]]) -> Counter[str]:
    return Counter(json.dumps(line, sort_keys=True) for line in lines)


def imported(server: ApiServer, home: Path, name: str = "all.jsonl", *options: str) -> Any:
    return answer(run(home, "import", "export", str(home / name), "--url", url(server), "--json", *options))


def rows(server: ApiServer, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.database_url) as conn:
        return conn.execute(query.encode()).fetchall()


@pytest.fixture
def lived(server: ApiServer, write_all: WriteAll) -> ApiServer:
    """A DCM that has a row of every kind: a session, its brief, what agents said, what was refused."""
    emptied(server)
    for told in HOOKS[:-1]:
        assert server.hook(told).status == 200
    server.hook(tool("Read", 30, {"file_path": "/w/shop/cart.py"}, tool_response={"file": {"content": PADDING}}))
    write_all()
    shop = rows(server, "SELECT id FROM projects")[0][0]
    posts: list[tuple[str, dict[str, Any]]] = [
        ("/api/actions", {"tool_name": "Deploy", "tool_type": "command", "input": "ship it " + PADDING, "output": "no",
                          "exit_code": 3, "session_id": SESSION, "project_path": "/w/shop"}),
        ("/api/messages", {"project_id": str(shop), "from_agent_id": "a", "to_agent_id": None, "topic": "task.created",
                           "message_type": "info", "payload": {"rule": "prices in cents"}, "ttl_ms": 86400000}),
        ("/api/subscribe", {"agent_id": "a", "topic": "task.created"}),
        ("/api/blocking", {"blocked_by": "a", "blocked_agent": "b", "reason": "loops"}),
        ("/api/usage", {"messages": [{"message_id": "m1", "session_id": SESSION, "model": "opus",
                                      "at": "2026-11-20T12:00:00.000Z", "input_tokens": 3}],
                        "contexts": [{"session_id": SESSION, "model": "opus", "at": "2026-11-20T12:00:00.000Z",
                                      "tokens": 7}]}),
    ]  # fmt: skip
    for path, body in posts:
        said = server.ask("POST", path, json.dumps(body))
        assert said.status in {200, 201}, (path, said.body)
        write_all()
    make_brief.fn(SESSION, COMPACTED, "manual")
    with psycopg.connect(server.database_url, autocommit=True) as conn:
        conn.execute("INSERT INTO rejected_events (entry_id, reason, payload) VALUES ('1-0', 'too odd', '{}')")
        conn.execute(
            "INSERT INTO agent_contexts (project_id, agent_id, agent_type, role_context, session_id) "
            "VALUES (%s, %s, 'Explore', '{\"goal\": \"speed\"}', %s) ON CONFLICT DO NOTHING",
            [shop, AGENT, SESSION],
        )
    return server


def test_every_table_is_exported_derived_or_left_out_for_a_reason(server: ApiServer) -> None:
    found = rows(
        server,
        "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace "
        "WHERE nspname = 'public' AND relkind IN ('r', 'p') AND NOT relispartition",
    )
    assert {name for (name,) in found} == {*TABLES, *DERIVED, *NOT_MOVED}
    assert set(TABLES.values()) == set(exports.KINDS)


@pytest.mark.parametrize("table", sorted(TABLES))
def test_every_column_of_an_exported_table_is_a_field_of_its_lines(server: ApiServer, table: str) -> None:
    found = rows(server, "SELECT table_name, column_name FROM information_schema.columns")
    assert {name for of, name in found if of == table} - COUNTED_AGAIN.get(table, set()) == set(
        exports.KINDS[TABLES[table]]
    )


@pytest.mark.contract("dcm export", "dcm import")
def test_an_export_of_what_was_imported_equals_the_first(lived: ApiServer, home: Path) -> None:
    first = exported(lived, home)
    assert {line["kind"] for line in first} == {*exports.KINDS, exports.TOTALS}
    told = imported(emptied(lived), home)
    assert (told["stored"], told["known"], told["refused"]) == (len(first) - 1, 0, [])
    assert line_set(exported(lived, home, "second.jsonl")) == line_set(first)


def test_what_was_stored_packed_is_plain_in_the_export_and_packed_again_after_it(lived: ApiServer, home: Path) -> None:
    stored = "SELECT id, input, output FROM actions ORDER BY id"
    before = rows(lived, stored)
    actions = [line for line in exported(lived, home) if line["kind"] == "action"]
    assert any(PADDING in line["output"] for line in actions)
    assert any(line["input"] == "ship it " + PADDING for line in actions)
    imported(emptied(lived), home)
    assert rows(lived, stored) == before


def test_counters_and_words_are_made_again(lived: ApiServer, home: Path) -> None:
    totals = "SELECT total_tools_used, total_success, total_errors FROM sessions"
    words = "SELECT kind, ref, session_id, at, words FROM search_entries ORDER BY kind, ref, at"
    before, found_by = rows(lived, totals), rows(lived, words)
    exported(lived, home)
    imported(emptied(lived), home)
    assert rows(lived, totals) == before == rows(
        lived,
        "SELECT count(*)::int, (count(*) FILTER (WHERE success))::int, (count(*) FILTER (WHERE NOT success))::int "
        "FROM actions",
    )  # fmt: skip
    assert rows(lived, words) == found_by
    with psycopg.connect(lived.database_url, autocommit=True) as conn:
        counted = "SELECT what, part, state, value FROM counts_now ORDER BY 1, 2, 3"
        counts.fold(conn)
        told = conn.execute(counted).fetchall()
        counts.recount(conn)
        assert told == conn.execute(counted).fetchall()
    found = answer(run(home, "search", "cents", "--url", url(lived), "--json"))["results"]
    assert [one["kind"] for one in found if one["kind"] == "message"] == ["message"]


def test_the_brief_of_an_imported_session_is_the_same(lived: ApiServer, home: Path) -> None:
    lines = [line for line in exported(lived, home) if line["kind"] not in {"brief", exports.TOTALS}]
    before = rows(lived, "SELECT content FROM briefs")
    stored = emptied(lived).ask("POST", "/api/import/export", json.dumps({"rows": lines}))
    assert (stored.json["stored"], stored.json["refused"]) == (len(lines), [])
    make_brief.fn(SESSION, COMPACTED, "manual")
    assert rows(lived, "SELECT content FROM briefs") == before
    assert before[0][0].startswith("# Where this session stood in /w/shop")


def test_an_import_done_twice_or_interrupted_changes_nothing_more(lived: ApiServer, home: Path) -> None:
    first = exported(lived, home)
    emptied(lived)
    half = [json.dumps(line) for line in first[: len(first) // 2]]
    told = lived.ask("POST", "/api/import/export", json.dumps({"rows": [json.loads(line) for line in half]}))
    assert told.json["stored"] == len(half)
    told = imported(lived, home)
    assert (told["stored"], told["known"]) == (len(first) - 1 - len(half), len(half))
    everything = exported(lived, home, "second.jsonl")
    again = imported(lived, home)
    assert (again["stored"], again["known"]) == (0, len(first) - 1)
    assert line_set(exported(lived, home, "third.jsonl")) == line_set(everything) == line_set(first)


def test_a_project_and_a_session_are_exported_alone_and_packed_by_name(lived: ApiServer, home: Path) -> None:
    project = {"path": "/w/other", "name": "other"}
    assert lived.ask("POST", "/api/projects", json.dumps(project)).status == 201
    with psycopg.connect(lived.database_url, autocommit=True) as conn:
        conn.execute("INSERT INTO sessions (id, project_id) SELECT 's2', id FROM projects WHERE path = '/w/other'")
    everything = exported(lived, home)
    assert sum(line["kind"] == "project" for line in everything) == 2
    shop = exported(lived, home, "shop.jsonl.gz", "--project", "/w/shop")
    assert {line["path"] for line in shop if line["kind"] == "project"} == {"/w/shop"}
    assert {line["id"] for line in shop if line["kind"] == "session"} == {SESSION}
    assert {line["kind"] for line in shop} >= {"action", "subtask", "brief", "usage", "message", "agent_context"}
    assert {line["kind"] for line in shop}.isdisjoint({"score", "subscription", "block"})
    session = exported(lived, home, "session.jsonl", "--session", SESSION)
    assert Counter(line["kind"] for line in session)["action"] == Counter(line["kind"] for line in shop)["action"] > 3
    assert exported(lived, home, "none.jsonl", "--session", "s2")[-1]["totals"]["action"] == 0
    told = imported(emptied(lived), home, "session.jsonl")
    assert told["refused"] == []
    assert line_set(exported(lived, home, "again.jsonl", "--session", SESSION)) == line_set(session)


def test_what_is_not_known_is_not_exported_and_leaves_no_file(lived: ApiServer, home: Path) -> None:
    for options in (("--project", "/w/none"), ("--session", "none")):
        said = run(home, "export", *options, "--output", str(home / "none.jsonl"), "--url", url(lived))
        assert isinstance(said.exception, Absent)
        assert "There is no" in str(said.exception)
    both = run(home, "export", "--project", "/w/shop", "--session", SESSION, "--url", url(lived))
    assert isinstance(both.exception, InvalidInput)
    assert list(home.iterdir()) == []


def test_only_its_owner_may_read_an_export_and_stdout_takes_it_too(lived: ApiServer, home: Path) -> None:
    lines = exported(lived, home)
    assert stat.S_IMODE((home / "all.jsonl").stat().st_mode) == 0o600
    said = run(home, "export", "--output", "-", "--url", url(lived))
    assert line_set([json.loads(line) for line in said.stdout.splitlines()[1:]]) == line_set(lines)
    told = answer(run(home, "export", "--output", str(home / "b.jsonl"), "--url", url(lived), "--json"))
    assert (told["lines"], told["totals"]) == (len(lines) + 1, lines[-1]["totals"])


def test_a_secret_that_was_stored_before_its_pattern_was_known_is_not_exported(lived: ApiServer, home: Path) -> None:
    secret = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
    with psycopg.connect(lived.database_url, autocommit=True) as conn:
        conn.execute("UPDATE requests SET prompt = prompt || %s", [f" token {secret}"])
        conn.execute("UPDATE actions SET input = %s", [json.dumps({"command": f"curl -H 'X: {secret}'"}).encode()])
        conn.execute("UPDATE hook_events SET payload = payload || jsonb_build_object('note', %s::text)", [secret])
    lines = exported(lived, home)
    assert secret not in (home / "all.jsonl").read_text(encoding="utf-8")
    asked = [json.loads(line["input"]) for line in lines if line["kind"] == "action"]
    assert all("[redacted:" in one["command"] for one in asked)


def test_an_import_into_other_folders_keeps_ids_and_renames_paths(lived: ApiServer, home: Path) -> None:
    exported(lived, home)
    imported(emptied(lived), home, "all.jsonl", "--map-project", "/w=/srv/work")
    assert rows(lived, "SELECT path FROM projects") == [("/srv/work/shop",)]
    assert rows(lived, "SELECT id, cwd FROM sessions") == [(SESSION, "/srv/work/shop")]
    assert rows(lived, "SELECT DISTINCT unnest(file_paths) FROM actions") == [("/srv/work/shop/cart.py",)]
    missed = run(home, "import", "export", str(home / "all.jsonl"), "--map-project", "/v=/x", "--url", url(lived))
    assert "No project of" in str(missed.exception)
    odd = run(home, "import", "export", str(home / "all.jsonl"), "--map-project", "/v", "--url", url(lived))
    assert "is not OLD=NEW" in str(odd.exception)


def test_a_project_that_is_known_by_another_id_takes_the_imported_sessions(lived: ApiServer, home: Path) -> None:
    first = exported(lived, home)
    emptied(lived)
    assert lived.ask("POST", "/api/projects", json.dumps({"path": "/w/shop"})).status == 201
    [(here,)] = rows(lived, "SELECT id::text FROM projects")
    told = imported(lived, home)
    assert (told["refused"], told["known"]) == ([], 1)
    assert rows(lived, "SELECT DISTINCT project_id::text FROM sessions") == [(here,)]
    assert imported(lived, home)["stored"] == 0
    assert len(exported(lived, home, "second.jsonl")) == len(first)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda lines: lines[:-1], "cut off"),
        (lambda lines: lines[:2] + lines[3:], "by its totals"),
        (lambda lines: [*lines[:2], "{oops", *lines[2:]], "line 3: it is not JSON"),
        (lambda lines: [*lines[:2], '{"kind": "thing"}', *lines[2:]], "line 3: its kind is 'thing'"),
        (lambda lines: [*lines[:2], '{"kind": "block", "id": 7}', *lines[2:]], "line 3: id is not a UUID"),
        (lambda lines: [*lines, lines[2]], "stands after the totals"),
    ],
)
def test_a_file_that_is_not_whole_is_refused_before_anything_is_stored(
    lived: ApiServer, home: Path, change: Callable[[list[str]], list[str]], sentence: str
) -> None:
    exported(lived, home)
    lines = (home / "all.jsonl").read_text(encoding="utf-8").splitlines()
    (home / "bad.jsonl").write_text("\n".join(change(lines)), encoding="utf-8")
    emptied(lived)
    said = run(home, "import", "export", str(home / "bad.jsonl"), "--url", url(lived))
    assert isinstance(said.exception, InvalidInput)
    assert "nothing was stored" in str(said.exception)
    assert sentence in said.exception.details["lines"][0]
    assert rows(lived, "SELECT FROM projects") == []


@pytest.mark.parametrize(
    ("first", "sentence"),
    [
        ("", "it is empty"),
        ("hello\n", "not an export of DCM"),
        ('{"kind": "project"}\n', "not an export of DCM"),
        ('{"kind": "header", "format": "dcm-export", "version": 2, "dcm": "9.1"}\n', "import it with DCM 9.1 or later"),
    ],
)
def test_what_is_no_export_or_a_later_one_is_refused_with_a_sentence(
    server: ApiServer, home: Path, first: str, sentence: str
) -> None:
    (home / "odd.jsonl").write_text(first, encoding="utf-8")
    said = run(home, "import", "export", str(home / "odd.jsonl"), "--url", url(server))
    assert isinstance(said.exception, InvalidInput)
    assert sentence in str(said.exception)


def test_a_packed_file_that_is_cut_off_says_where(lived: ApiServer, home: Path) -> None:
    exported(lived, home, "all.jsonl.gz")
    whole = (home / "all.jsonl.gz").read_bytes()
    (home / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    said = run(home, "import", "export", str(home / "cut.jsonl.gz"), "--url", url(lived))
    assert isinstance(said.exception, InvalidInput)
    assert "is damaged or cut off after line" in str(said.exception)


def test_a_line_the_database_refuses_is_told_and_all_others_are_stored(lived: ApiServer, home: Path) -> None:
    lines = exported(lived, home)
    number = next(place for place, line in enumerate(lines) if line["kind"] == "request")
    lines[number] |= {"project_id": "6f8a4f0e-5d0c-5c9d-9f0b-2a6d3c1e7b44"}
    kept = (home / "all.jsonl").read_text(encoding="utf-8").splitlines()[0]
    (home / "all.jsonl").write_text("\n".join([kept, *map(json.dumps, lines)]), encoding="utf-8")
    said = run(home, "import", "export", str(home / "all.jsonl"), "--url", url(emptied(lived)), "--json")
    told = json.loads(said.stdout)
    assert said.exit_code == 1
    assert told["refused"][0]["line"] == number + 2
    assert "is not present in table" in told["refused"][0]["reason"] or "foreign key" in told["refused"][0]["reason"]
    assert told["stored"] == len(lines) - 1 - len(told["refused"])
    assert len(rows(lived, "SELECT FROM actions")) == sum(line["kind"] == "action" for line in lines)


def test_an_export_that_ends_without_totals_is_an_error_and_leaves_no_file(recorder: Any, home: Path) -> None:
    from recorder import Said

    recorder.answer(Said(200, "{}", type="application/x-ndjson"))
    said = run(home, "export", "--output", str(home / "all.jsonl"), "--url", recorder.url)
    assert isinstance(said.exception, ClientError)
    assert "cut off after line 1" in str(said.exception)
    assert list(home.iterdir()) == []


def test_rows_of_months_without_partitions_are_stored(lived: ApiServer, home: Path) -> None:
    with psycopg.connect(lived.database_url, autocommit=True) as conn:
        conn.execute("SELECT ensure_month('2021-03-01Z')")
        conn.execute("UPDATE actions SET created_at = '2021-03-05T00:00:00Z'")
    first = exported(lived, home)
    emptied(lived)
    with psycopg.connect(lived.database_url, autocommit=True) as conn:
        conn.execute("DROP TABLE actions_202103, hook_events_202103, search_entries_202103")
    imported(lived, home)
    assert line_set(exported(lived, home, "second.jsonl")) == line_set(first)
