"""`dcm export`: what is remembered, out and in again, against the real API."""

import errno
import json
import re
import stat
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from access_tokens import administer, credential
from api_server import ApiServer, wait_for
from command import answer, run
from moves import (
    COUNTED_AGAIN,
    DERIVED,
    NOT_MOVED,
    PADDING,
    TABLES,
    emptied,
    exported,
    imported,
    line_set,
    rows,
    url,
)
from recorder import Recorder, Said
from story import SESSION

from db import counts
from dcm.broker import stream_key
from dcm.cli import export_files
from dcm.client.errors import Absent, ClientError
from dcm.domain import exports
from dcm.domain.errors import InvalidInput
from workers.briefs import make_brief


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
    [(content, made_for)] = before = rows(lived, "SELECT content, made_for FROM briefs")
    stored = administer(emptied(lived), "POST", "/api/import/export", {"rows": lines})
    assert (stored.json["stored"], stored.json["refused"]) == (len(lines), [])
    make_brief.fn(SESSION, made_for.isoformat(), "manual")
    assert rows(lived, "SELECT content, made_for FROM briefs") == before
    assert content.startswith("# Where this session stood in /w/shop")


def test_an_import_done_twice_or_interrupted_changes_nothing_more(lived: ApiServer, home: Path) -> None:
    first = exported(lived, home)
    emptied(lived)
    half = [json.dumps(line) for line in first[: len(first) // 2]]
    told = administer(lived, "POST", "/api/import/export", {"rows": [json.loads(line) for line in half]})
    assert told.json["stored"] == len(half)
    told = imported(lived, home)
    assert (told["stored"], told["known"]) == (len(first) - 1 - len(half), len(half))
    everything = exported(lived, home, "second.jsonl")
    again = imported(lived, home)
    assert (again["stored"], again["known"]) == (0, len(first) - 1)
    assert line_set(exported(lived, home, "third.jsonl")) == line_set(everything) == line_set(first)


def test_an_import_is_in_the_audit_log_with_how_much_it_stored(lived: ApiServer, home: Path) -> None:
    noted = "SELECT who, (details ->> 'count')::int FROM audit_log WHERE act = 'export.imported' ORDER BY id"
    known = len(rows(lived, noted))
    first = exported(lived, home)
    emptied(lived)
    told = [imported(lived, home)["stored"] for _ in range(2)]
    new = rows(lived, noted)[known:]
    assert told == [len(first) - 1, 0]
    assert ({who for who, _ in new}, sum(count for _, count in new)) == ({"token file"}, told[0])


def test_messages_to_an_agent_with_a_credential_are_left_out_of_an_export(lived: ApiServer, home: Path) -> None:
    def told() -> list[tuple[str | None, str | None]]:
        lines = exported(lived, home)
        return [(line["to_agent_id"], line["from_agent_id"]) for line in lines if line["kind"] == "message"]

    before = told()
    for to_agent in ("guarded", "open"):
        said = {"from_agent": "lead", "to_agent": to_agent, "topic": "task.created", "content": "cherry"}
        assert lived.ask("POST", "/api/messages", json.dumps(said)).status == 201
    credential(lived, "guarded")
    assert [each for each in told() if each not in before] == [("open", "lead")]


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
    said = run(home, "export", "--output", "-", "--url", url(lived), "--json")
    assert json.loads(said.stderr)["totals"] == lines[-1]["totals"]
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


def test_an_export_that_ends_without_totals_is_an_error_and_leaves_no_file(recorder: Recorder, home: Path) -> None:
    recorder.answer(Said(200, "{}", type="application/x-ndjson"))
    said = run(home, "export", "--output", str(home / "all.jsonl"), "--url", recorder.url)
    assert isinstance(said.exception, ClientError)
    assert "cut off after line 1" in str(said.exception)
    assert list(home.iterdir()) == []


def test_an_export_waits_for_what_was_accepted_before_it_alone(server: ApiServer, home: Path) -> None:
    valkey = server.valkey.client
    before = valkey.xadd(stream_key(0), {"p": "{}"})
    valkey.config_resetstat()
    with ThreadPoolExecutor() as beside:
        made = beside.submit(exported, server, home)
        wait_for(lambda: "cmdstat_xrange" in valkey.info("commandstats"), "a look at what waits")
        valkey.xadd(stream_key(0), {"p": "{}"})
        valkey.xdel(stream_key(0), before)
        assert made.result(60)[-1]["kind"] == exports.TOTALS


def test_a_draft_that_somebody_laid_down_is_not_written_into(lived: ApiServer, home: Path) -> None:
    draft, theirs = home / ".all.jsonl.part", home / "theirs"
    theirs.write_text("before", encoding="utf-8")
    theirs.chmod(0o666)
    for lay in (draft.hardlink_to, draft.symlink_to):
        lay(theirs)
        assert len(exported(lived, home)) > 1
        assert theirs.read_text(encoding="utf-8") == "before"
        assert stat.S_IMODE((home / "all.jsonl").stat().st_mode) == 0o600
        draft.unlink()
        (home / "all.jsonl").unlink()


def test_a_file_that_cannot_be_written_is_called_as_it_was_asked_for(home: Path) -> None:
    for path in (home / "missing" / "all.jsonl", home):
        with pytest.raises(OSError, match=re.escape(f"'{path}'")), export_files.written(path):
            pass
    with pytest.raises(OSError, match=r"all\.jsonl'"), export_files.written(home / "all.jsonl"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(home.iterdir()) == []


def test_two_exports_to_one_file_at_once_are_each_whole_when_they_have_its_name(home: Path) -> None:
    path = home / "all.jsonl"
    with export_files.written(path) as one:
        one.write(b"the first, ")
        with export_files.written(path) as other:
            other.write(b"the second")
        assert path.read_bytes() == b"the second"
        one.write(b"whole")
    assert path.read_bytes() == b"the first, whole"
    assert [file.name for file in home.iterdir()] == ["all.jsonl"]
