"""`dcm snapshot`, `dcm context`, `dcm search`, `dcm health` against answers in the contract's shapes."""

from pathlib import Path

import pytest
from command import answer, run
from recorder import Recorder, Said

from dcm.client import Absent
from dcm.domain.errors import InvalidInput, NotFound

SAVED = {
    "success": True,
    "snapshot": {"session_id": "s", "trigger": "manual", "tasks_count": 3, "files_count": 2, "decisions_count": 0},
    "saved_at": "2026-11-21T12:00:00.000Z",
}


def session(name: str, **more: str) -> dict[str, str]:
    return {"id": name, **more}


@pytest.mark.contract("dcm snapshot")
def test_snapshot_saves_the_session_that_is_named(recorder: Recorder, home: Path) -> None:
    recorder.answer(Said(200, {"session": session("s")}), Said(201, SAVED))
    said = run(home, "snapshot", "s", "--url", recorder.url)
    assert said.output == "Saved where session s stands: 3 tasks, 2 files, 0 decisions.\n"
    first, asked = recorder.asked
    assert (first.method, first.path) == ("GET", "/api/sessions/s")
    assert (asked.method, asked.path) == ("POST", "/api/compact/save")
    assert asked.body == {"session_id": "s", "trigger": "manual"}
    assert answer(run(home, "snapshot", "s", "--json", "--url", recorder.url)) == SAVED


@pytest.mark.parametrize(
    ("sessions", "chosen"),
    [
        ([session("other", project_path="/w"), session("mine", project_path="HERE"), session("old")], "mine"),
        ([session("other", project_path="/w"), session("tree", worktree="HERE", project_path="/w/main")], "tree"),
        ([session("newest"), session("other", project_path="/w")], "newest"),
        ([session("near", project_path="HERE-too"), session("other")], "near"),
    ],
)
def test_snapshot_takes_the_newest_session_of_the_project_one_is_in_or_else_the_newest(
    recorder: Recorder,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    sessions: list[dict[str, str]],
    chosen: str,
) -> None:
    inside = home / "src" / "deep"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    told = [{name: value.replace("HERE", str(home)) for name, value in each.items()} for each in sessions]
    recorder.answer(Said(200, {"sessions": told, "total": 3, "limit": 100, "offset": 0}), Said(201, SAVED))
    assert run(home, "snapshot", "--url", recorder.url).exit_code == 0
    assert recorder.asked[1].body["session_id"] == chosen


def test_snapshot_without_any_session_says_so(recorder: Recorder, home: Path) -> None:
    recorder.answer(Said(200, {"sessions": [], "total": 0, "limit": 100, "offset": 0}))
    result = run(home, "snapshot", "--url", recorder.url)
    assert isinstance(result.exception, NotFound)
    assert str(result.exception).startswith("No session is known yet")


@pytest.mark.contract("dcm context")
def test_context_prints_the_brief_of_an_agent(recorder: Recorder, home: Path) -> None:
    brief = {"id": "b", "content": "# Context Brief", "token_count": 4, "truncated": False, "generated_at": "now"}
    found = {"agent_id": "qa", "session_id": "s", "agent_type": "qa-testing", "brief": brief, "sources": []}
    recorder.answer(Said(200, {"session": session("s")}), Said(200, found))
    assert run(home, "context", "qa", "s", "--url", recorder.url).output == "# Context Brief\n"
    asked = recorder.asked[1]
    assert (asked.path, asked.query) == ("/api/context/qa", {"session_id": "s", "format": "brief"})
    assert answer(run(home, "context", "qa", "s", "--json", "--url", recorder.url)) == found


def test_context_is_the_orchestrators_of_the_newest_session_unless_told(recorder: Recorder, home: Path) -> None:
    page = {"sessions": [session("new"), session("old")], "total": 2, "limit": 100, "offset": 0}
    nothing = {"agent_id": "orchestrator", "context": None, "message": "No session found."}
    recorder.answer(Said(200, page), Said(200, nothing))
    assert run(home, "context", "--url", recorder.url).output == "No session found.\n"
    assert (recorder.asked[1].path, recorder.asked[1].query["session_id"]) == ("/api/context/orchestrator", "new")


RESULTS = {
    "query": "cart",
    "count": 1,
    "results": [{"kind": "prompt", "session_id": "24afd06f-b8a7", "at": "2026-11-20T12:00:01.000Z",
                 "snippet": "make the [cart]\n faster"}],
}  # fmt: skip


def test_search_prints_a_line_for_each_result(recorder: Recorder, home: Path) -> None:
    recorder.answer(Said(200, RESULTS))
    said = run(home, "search", "cart", "--project", "/w", "--session", "s", "--limit", "5", "--url", recorder.url)
    assert said.output == "2026-11-20 12:00 prompt 24afd06f make the [cart] faster\n"
    [asked] = recorder.asked
    assert asked.query == {"q": "cart", "project": "/w", "session_id": "s", "limit": "5"}
    assert answer(run(home, "search", "cart", "--json", "--url", recorder.url)) == RESULTS


def test_search_takes_times_and_how_long_ago(recorder: Recorder, home: Path) -> None:
    recorder.answer(Said(200, {"results": []}))
    said = run(home, "search", "x", "--since", "7d", "--until", "2999-11-21T12:00:00+02:00", "--url", recorder.url)
    assert said.output == "Nothing is remembered of 'x'.\n"
    query = recorder.asked[0].query
    assert query["until"] == "2999-11-21T10:00:00.000Z"
    assert query["since"].endswith("Z")
    assert run(home, "search", "x", "--since", "yesterday").exit_code != 0


@pytest.mark.parametrize("arguments", [("snapshot", "nosuch"), ("context", "orchestrator", "nosuch")])
def test_a_session_nobody_knows_is_said_and_nothing_is_saved(
    recorder: Recorder, home: Path, arguments: tuple[str, ...]
) -> None:
    recorder.answer(Said(404, {"error": "Session not found"}))
    result = run(home, *arguments, "--url", recorder.url)
    assert isinstance(result.exception, NotFound)
    assert "No session 'nosuch' is known" in str(result.exception)
    assert [asked.method for asked in recorder.asked] == ["GET"]


@pytest.mark.parametrize("arguments", [("context", "../x"), ("context", ""), ("snapshot", "")])
def test_a_name_that_can_be_none_is_refused(recorder: Recorder, home: Path, arguments: tuple[str, ...]) -> None:
    assert "cannot be the id of anything" in run(home, *arguments, "--url", recorder.url).output
    assert recorder.asked == []


def test_search_where_nothing_is_known_says_so(recorder: Recorder, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    recorder.answer(Said(200, {"results": []}), Said(404, {"error": "no"}))
    said = run(home, "search", "x", "--project", ".", "--session", "typo", "--url", recorder.url)
    assert said.exit_code == 0
    assert said.stderr == f"dcm: no project {home} is known.\ndcm: no session typo is known.\n"
    assert recorder.asked[0].query["project"] == str(home)


def test_search_refuses_a_span_that_is_none_and_takes_capitals(recorder: Recorder, home: Path) -> None:
    result = run(home, "search", "x", "--since", "7D", "--until", "9D", "--url", recorder.url)
    assert isinstance(result.exception, InvalidInput)
    assert "is after --until" in str(result.exception)


def test_stored_text_does_not_command_the_terminal(recorder: Recorder, home: Path) -> None:
    found = {"kind": "prompt", "session_id": "s", "at": "2026-11-20T12:00:01.000Z"}
    recorder.answer(Said(200, {"results": [{**found, "snippet": "a\x1b]0;title\x07\nb " + "c" * 200}]}))
    said = run(home, "search", "x", "--url", recorder.url)
    assert said.stdout.count("\n") == 1
    assert "\x1b" not in said.stdout
    brief = {"brief": {"content": "# A\n\x1b[2J\tb"}}
    recorder.answer(Said(200, {"session": session("s")}), Said(200, brief))
    said = run(home, "context", "qa", "s", "--url", recorder.url)
    assert said.output == "# A\n\N{REPLACEMENT CHARACTER}[2J\tb\n"


def test_search_of_an_api_without_it_says_so(recorder: Recorder, home: Path) -> None:
    recorder.answer(Said(404, {"error": "There is nothing at /api/search."}))
    result = run(home, "search", "x", "--url", recorder.url)
    assert isinstance(result.exception, Absent)


@pytest.mark.contract("dcm health")
def test_health_prints_the_answer_and_exits_1_when_dcm_is_not_healthy(recorder: Recorder, home: Path) -> None:
    well = {"status": "healthy", "timestamp": "t", "version": "1.2", "database": {"healthy": True, "latencyMs": 3}}
    ill = {**well, "status": "unhealthy", "database": {"healthy": False, "latencyMs": 0, "error": "it is away"}}
    recorder.answer(Said(200, well))
    said = run(home, "health", "--url", recorder.url)
    assert (said.exit_code, said.output) == (0, "DCM 1.2 is healthy; the database answers in 3 ms.\n")
    assert answer(run(home, "health", "--json", "--url", recorder.url)) == well
    recorder.answer(Said(503, ill))
    said = run(home, "health", "--url", recorder.url)
    assert (said.exit_code, said.output) == (1, "DCM 1.2 is unhealthy; the database it is away.\n")


SUMS = {"messages": 2, "input_tokens": 1200, "output_tokens": 30, "cache_read_tokens": 5, "cache_creation_tokens": 6,
        "cache_creation_1h_tokens": 0}  # fmt: skip
USED = {
    "session_id": "s",
    "models": [{**SUMS, "model": "opus", "cost": 1.234}, {**SUMS, "model": "odd", "cost": None}],
    "total": {**SUMS, "cost": 1.234},
    "unpriced": ["odd"],
    "context": {"tokens": 50_000, "model": "opus", "window": 200_000, "percent": 25.0, "told_at": "now"},
}


def test_usage_prints_tokens_money_and_context(recorder: Recorder, home: Path) -> None:
    recorder.answer(Said(200, USED))
    assert run(home, "usage", "s", "--url", recorder.url).output.splitlines() == [
        "opus: 1,200 in, 30 out, 5 read from the cache, 6 written to it, 1.23 $",
        "odd: 1,200 in, 30 out, 5 read from the cache, 6 written to it, no price",
        "The context holds 50,000 tokens of 200,000 (25 %).",
    ]
    assert recorder.asked[0].path == "/api/sessions/s/usage"
    assert answer(run(home, "usage", "s", "--json", "--url", recorder.url)) == USED


def test_usage_of_a_session_nothing_tells_of_says_so(recorder: Recorder, home: Path) -> None:
    recorder.answer(Said(200, {**USED, "models": [], "context": None}))
    assert (
        run(home, "usage", "s", "--url", recorder.url).output
        == "Neither a transcript nor telemetry told what session s used.\n"
    )
