"""`dcm prune`, `dcm retention`, `dcm delete`."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from command import answer, run
from recorder import Recorder, Said

from dcm.cli import retention
from dcm.domain.errors import DcmError, InvalidInput, NotFound, Unavailable

ID = "6f8a4f0e-5d0c-5c9d-9f0b-2a6d3c1e7b44"


def pruning(**more: Any) -> Said:
    begun = {"began_at": "2026-11-21T12:00:00.000Z", "ended_at": None, "stage": "actions", "rows": {}, "bytes": 0}
    return Said(200, {"id": ID, "dry_run": False, "problem": None} | begun | more)


DONE = {"ended_at": "2026-11-21T12:00:09.000Z", "stage": "done", "rows": {"actions": 4_166_400}, "bytes": 3 * 2**30}


@pytest.mark.contract("dcm prune")
def test_prune_waits_for_the_pruning_and_says_what_went(recorder: Recorder, home: Path) -> None:
    recorder.answer(pruning(stage="waiting", began_at=None), pruning(), pruning(**DONE))
    said = run(home, "prune", "--older-than", "30", "--project", "/w/shop", "--url", recorder.url)
    assert said.stdout == "actions: 4,166,400 rows went\n3,072.0 MB came back.\n"
    assert said.stderr == "actions ...\n"
    first, second, *_ = recorder.asked
    assert (first.method, first.path, first.body) == (
        "POST", "/api/prunings", {"older_than_days": 30, "project": "/w/shop"}
    )  # fmt: skip
    assert (second.method, second.path) == ("GET", f"/api/prunings/{ID}")


@pytest.mark.contract("dcm prune")
def test_prune_without_deleting_says_what_would_go(recorder: Recorder, home: Path) -> None:
    recorder.answer(pruning(), pruning(**DONE, dry_run=True))
    said = run(home, "prune", "--dry-run", "--url", recorder.url)
    assert said.stdout == "actions: 4,166,400 rows would go\n3,072.0 MB would come back.\n"
    assert recorder.asked[0].body == {"dry_run": True}


def test_prune_that_finds_nothing_says_so_and_for_scripts_is_an_object(recorder: Recorder, home: Path) -> None:
    recorder.answer(pruning(), pruning(**DONE | {"rows": {}, "bytes": 0}))
    assert run(home, "prune", "--url", recorder.url).stdout == "Nothing is older than it is kept.\n"
    recorder.answer(pruning(), pruning(**DONE))
    assert answer(run(home, "prune", "--json", "--url", recorder.url))["rows"] == {"actions": 4_166_400}


def test_a_pruning_that_fails_is_an_error_with_its_reason(recorder: Recorder, home: Path) -> None:
    recorder.answer(pruning(), pruning(**DONE | {"stage": "failed", "problem": "Somebody reads."}))
    said = run(home, "prune", "--url", recorder.url)
    assert isinstance(said.exception, DcmError)
    assert "Somebody reads." in str(said.exception)


@pytest.mark.parametrize(("begun", "why"), [
    ({}, "is at actions and told nothing for an hour"),
    ({"stage": "waiting", "began_at": None}, "No worker takes up the pruning: it stays queued"),
])  # fmt: skip
def test_a_pruning_that_tells_nothing_any_more_is_not_waited_for_for_ever(
    recorder: Recorder, home: Path, monkeypatch: pytest.MonkeyPatch, begun: dict[str, Any], why: str
) -> None:
    monkeypatch.setattr(retention, "PATIENCE", 0.0)
    monkeypatch.setattr(retention, "SILENCE", 0.0)
    recorder.answer(*[pruning(**begun)] * 3)
    said = run(home, "prune", "--url", recorder.url)
    assert isinstance(said.exception, Unavailable)
    assert why in str(said.exception)


@pytest.mark.contract("dcm retention")
def test_retention_shows_the_days_and_sets_those_of_a_project(recorder: Recorder, home: Path) -> None:
    own = {"id": ID, "path": "/w/shop", "days": 0}
    recorder.answer(Said(200, {"days": {"actions": 90, "events": 1}, "projects": [own], "prunings": []}))
    said = run(home, "retention", "--url", recorder.url)
    assert said.stdout == "actions: 90 days\nevents: 1 day\nall of /w/shop: for ever\n"
    recorder.answer(Said(200, {**own, "days": 7}), Said(200, {**own, "days": None}))
    assert run(home, "retention", "set", "/w/shop", "--days", "7", "--url", recorder.url).stdout == "/w/shop: 7 days\n"
    said = run(home, "retention", "unset", "/w/shop", "--url", recorder.url)
    assert said.stdout == "/w/shop: as the settings say\n"
    assert [asked.body for asked in recorder.asked[1:]] == [
        {"project": "/w/shop", "days": 7}, {"project": "/w/shop", "days": None}
    ]  # fmt: skip


@pytest.mark.parametrize("command", [("set", "/w/shop", "--days", "7"), ("unset", "/w/shop")])
def test_options_before_set_and_unset_hold_for_them_and_those_after_them_more(
    recorder: Recorder, home: Path, command: tuple[str, ...]
) -> None:
    own, away = {"id": ID, "path": "/w/shop", "days": 7}, "http://127.0.0.1:1"
    recorder.answer(*[Said(200, own)] * 2)
    said = run(home, "retention", "--url", recorder.url, "--json", *command, CONTEXT_MANAGER_URL=away)
    assert answer(said) == own
    assert answer(run(home, "retention", "--url", away, *command, "--url", recorder.url, "--json")) == own
    assert [asked.path for asked in recorder.asked] == ["/api/retention"] * 2


@pytest.mark.contract("dcm delete session")
def test_a_session_is_deleted_with_everything_when_the_answer_is_yes(recorder: Recorder, home: Path) -> None:
    for typed in ("no\n", ""):
        said = run(home, "delete", "session", "s1", "--url", recorder.url, typed=typed)
        assert isinstance(said.exception, InvalidInput)
    assert recorder.asked == []
    recorder.answer(Said(204), Said(204))
    assert run(home, "delete", "session", "s1", "--url", recorder.url, typed="yes\n").stdout.endswith("is deleted.\n")
    assert answer(run(home, "delete", "session", "s1", "--yes", "--json", "--url", recorder.url)) == {"deleted": "s1"}
    assert [(one.method, one.path, one.query) for one in recorder.asked] == [
        ("DELETE", "/api/sessions/s1", {"everything": "true"})
    ] * 2


def test_a_session_nobody_knows_is_not_deleted(recorder: Recorder, home: Path) -> None:
    recorder.answer(Said(404, {"error": "Session not found"}))
    said = run(home, "delete", "session", "s1", "--yes", "--url", recorder.url)
    assert isinstance(said.exception, NotFound)


def sessions(*names: str, offset: int = 0, total: int | None = None) -> Said:
    known = [{"id": name} for name in names]
    return Said(200, {"sessions": known, "total": total or len(names), "limit": 100, "offset": offset})


FOUND = Said(200, {"project": {"id": ID, "path": "/w/shop"}})


@pytest.mark.contract("dcm delete project")
@pytest.mark.parametrize("names", [(), ("s0", "s1")])
def test_a_project_is_deleted_each_of_its_sessions_once_and_those_that_begin_meanwhile_with_itself(
    recorder: Recorder, home: Path, names: tuple[str, ...]
) -> None:
    recorder.answer(FOUND, sessions(*names), *[Said(204)] * len(names), Said(204))
    said = run(home, "delete", "project", "/w/shop", "--yes", "--json", "--url", recorder.url)
    assert answer(said) == {"deleted": "/w/shop", "sessions": len(names)}
    assert [one.method for one in recorder.asked] == ["GET", "GET", *["DELETE"] * (len(names) + 1)]
    deleted = [one.path for one in recorder.asked if one.method == "DELETE"]
    assert deleted == [*(f"/api/sessions/{name}" for name in names), f"/api/projects/{ID}"]


def test_a_project_with_more_sessions_than_a_page_is_deleted_with_all_of_them(recorder: Recorder, home: Path) -> None:
    first = [f"s{number}" for number in range(100)]
    pages = [sessions(*first, total=102), sessions("s99", "s100", offset=100, total=102)]
    recorder.answer(FOUND, *pages, *[Said(204)] * 102)
    said = run(home, "delete", "project", "/w/shop", "--yes", "--url", recorder.url)
    assert said.stdout == "/w/shop is deleted, with 101 sessions.\n"
    assert len([one for one in recorder.asked if one.method == "DELETE"]) == 102


def test_a_project_that_another_deletes_at_the_same_time_is_deleted(recorder: Recorder, home: Path) -> None:
    recorder.answer(FOUND, sessions("s0", "s1"), *[Said(404, {"error": "Not found"})] * 3)
    said = run(home, "delete", "project", "/w/shop", "--yes", "--url", recorder.url)
    assert said.stdout == "/w/shop is deleted, with 2 sessions.\n"


@pytest.mark.parametrize(
    "command", ["prune --project ../shop", "retention set ../shop --days 1", "delete project ../shop --yes"]
)
def test_a_project_is_named_by_any_path_that_leads_to_it(
    recorder: Recorder, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "shop").symlink_to(tmp_path / "real")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    recorder.answer(Said(404, {"error": "There is none."}))
    run(home, *command.split(), "--url", recorder.url)
    asked = recorder.asked[0]
    assert str(tmp_path.resolve() / "real") in json.dumps([unquote(asked.path), asked.body, asked.query])
