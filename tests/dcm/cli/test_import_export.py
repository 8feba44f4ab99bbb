"""`dcm import export`: into other folders and beside what is known, and files that are not whole."""

import gzip
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from api_server import ApiServer
from moves import bring_in, emptied, exported, imported, line_set, rows
from story import SESSION

from dcm.cli import export_files
from dcm.domain.errors import InvalidInput


def test_an_import_into_other_folders_keeps_ids_and_renames_paths(lived: ApiServer, home: Path) -> None:
    exported(lived, home)
    imported(emptied(lived), home, "all.jsonl", "--map-project", "/w=/srv/code")
    assert rows(lived, "SELECT path FROM projects") == [("/srv/code/shop",)]
    assert rows(lived, "SELECT id, cwd FROM sessions") == [(SESSION, "/srv/code/shop")]
    assert rows(lived, "SELECT DISTINCT unnest(file_paths) FROM actions") == [("/srv/code/shop/cart.py",)]
    missed = bring_in(lived, home, "all.jsonl", "--map-project", "/v=/x")
    assert "No project of" in str(missed.exception)
    odd = bring_in(lived, home, "all.jsonl", "--map-project", "/v")
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
    said = bring_in(lived, home, "bad.jsonl")
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
    said = bring_in(server, home, "odd.jsonl")
    assert isinstance(said.exception, InvalidInput)
    assert sentence in str(said.exception)


def test_a_packed_file_that_is_cut_off_says_where(lived: ApiServer, home: Path) -> None:
    exported(lived, home, "all.jsonl.gz")
    whole = (home / "all.jsonl.gz").read_bytes()
    (home / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    said = bring_in(lived, home, "cut.jsonl.gz")
    assert isinstance(said.exception, InvalidInput)
    assert "is damaged or cut off after line" in str(said.exception)


@pytest.mark.parametrize("name", ["long.jsonl", "long.jsonl.gz"])
def test_a_line_longer_than_any_export_has_is_refused_before_it_is_read_whole(
    server: ApiServer, home: Path, name: str
) -> None:
    text = b'{"kind": "header"' + b" " * (4 * export_files.LONGEST)
    (home / name).write_bytes(gzip.compress(text, 1) if name.endswith(".gz") else text)
    tracemalloc.start()
    try:
        said = bring_in(server, home, name)
        assert tracemalloc.get_traced_memory()[1] < 3 * export_files.LONGEST
    finally:
        tracemalloc.stop()
    assert isinstance(said.exception, InvalidInput)
    assert str(said.exception).startswith("Line 1 of ")


def test_a_line_the_database_refuses_is_told_and_all_others_are_stored(lived: ApiServer, home: Path) -> None:
    lines = exported(lived, home)
    number = next(place for place, line in enumerate(lines) if line["kind"] == "request")
    lines[number] |= {"project_id": "6f8a4f0e-5d0c-5c9d-9f0b-2a6d3c1e7b44"}
    kept = (home / "all.jsonl").read_text(encoding="utf-8").splitlines()[0]
    (home / "all.jsonl").write_text("\n".join([kept, *map(json.dumps, lines)]), encoding="utf-8")
    said = bring_in(emptied(lived), home, "all.jsonl", "--json")
    told = json.loads(said.stdout)
    assert said.exit_code == 1
    assert told["refused"][0]["line"] == number + 2
    assert "is not present in table" in told["refused"][0]["reason"] or "foreign key" in told["refused"][0]["reason"]
    assert told["stored"] == len(lines) - 1 - len(told["refused"])
    assert len(rows(lived, "SELECT FROM actions")) == sum(line["kind"] == "action" for line in lines)


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


def test_rows_of_more_months_than_one_body_may_name_are_sent_in_several(lived: ApiServer, home: Path) -> None:
    with psycopg.connect(lived.database_url, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO requests (session_id, prompt, status, created_at) "
            "SELECT %s, 'long ago', 'completed', '2021-01-01Z'::timestamptz + make_interval(months => n) "
            "FROM generate_series(1, 50) AS n",
            [SESSION],
        )
    first = exported(lived, home)
    assert imported(emptied(lived), home)["refused"] == []
    assert line_set(exported(lived, home, "second.jsonl")) == line_set(first)
