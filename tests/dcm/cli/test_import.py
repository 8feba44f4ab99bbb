"""`dcm import transcripts` into the real API, written by the real worker."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import story
from api_server import ApiServer
from command import answer, execute, run
from recorder import Recorder, Said
from story import AGENT, HOOKS, MAIN, SESSION

from dcm import transcript_files
from dcm.cli import sieve
from dcm.domain.errors import DcmError

WriteAll = Callable[[], None]


def imported(server: ApiServer, home: Path, *paths: Path) -> dict[str, int]:
    given = [str(path) for path in paths]
    told = answer(run(home, "import", "transcripts", *given, "--url", f"http://127.0.0.1:{server.port}", "--json"))
    assert isinstance(told, dict)
    return told


def rows(server: ApiServer, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.database_url) as conn:
        return conn.execute(query.encode()).fetchall()


EVENTS = "SELECT event, count(*)::int FROM hook_events GROUP BY 1 ORDER BY 1"
CALLS = "SELECT tool_name, success, exit_code, agent_id, session_id FROM actions ORDER BY created_at"
PROMPTS = "SELECT prompt, status FROM requests WHERE NOT metadata ? 'placeholder' ORDER BY created_at"
SUBTASKS = "SELECT agent_id, agent_type, status, result ->> 'summary' FROM subtasks"
COUNTS = "SELECT total_tools_used, total_success, total_errors, ended_at IS NOT NULL FROM sessions"
ALL = (EVENTS, CALLS, PROMPTS, SUBTASKS, COUNTS)


def everything(server: ApiServer) -> list[list[tuple[Any, ...]]]:
    return [rows(server, query) for query in ALL]


@pytest.mark.contract("dcm import")
def test_import_stores_what_the_hooks_would_have_told(server: ApiServer, home: Path, write_all: WriteAll) -> None:
    folder = story.write(home / ".claude" / "projects")
    told = imported(server, home)
    assert (told["sessions"], told["files"], told["accepted"], told["known"]) == (1, 2, 11, 0)
    write_all()
    found = everything(server)
    assert dict(found[0]) == {
        "SessionStart": 1, "UserPromptSubmit": 2, "SubagentStart": 1, "SubagentStop": 1, "Stop": 2, "SessionEnd": 1,
    }  # fmt: skip
    assert [(name, good, code, agent) for name, good, code, agent, _ in found[1]] == [
        ("Bash", False, 1, None), ("Bash", True, 0, AGENT), ("Explore", True, 0, None),
    ]  # fmt: skip
    assert found[2] == [("make the cart faster", "completed"), ("now the tests", "completed")]
    assert found[3] == [(AGENT, "Explore", "completed", "three are slow")]
    assert found[4] == [(3, 2, 1, True)]
    [(started, ended)] = rows(server, "SELECT started_at, ended_at FROM sessions")
    assert (started.isoformat(), ended.isoformat()) == ("2026-11-20T12:00:00+00:00", "2026-11-20T12:00:23+00:00")
    assert folder.exists()


def test_import_twice_stores_nothing_new(server: ApiServer, home: Path, write_all: WriteAll) -> None:
    folder = story.write(home)
    imported(server, home, folder)
    imported(server, home, folder)
    write_all()
    once = everything(server)
    assert imported(server, home, folder / f"{SESSION}.jsonl", folder)["accepted"] == 0
    write_all()
    assert everything(server) == once
    assert len(once[1]) == 3


def test_import_of_what_the_hooks_reported_gives_no_doubles(server: ApiServer, home: Path, write_all: WriteAll) -> None:
    for payload in HOOKS:
        assert server.hook(payload).status == 200
    write_all()
    reported = everything(server)
    folder = story.write(home, touched=time.time() - 7200)
    assert imported(server, home, folder)["accepted"] == 1, "the start: the hooks' own came later than the transcript's"
    write_all()
    assert everything(server)[1:] == reported[1:]


def test_import_adds_what_the_hooks_missed(server: ApiServer, home: Path, write_all: WriteAll) -> None:
    for payload in HOOKS[:3]:
        server.hook(payload)
    write_all()
    imported(server, home, story.write(home))
    write_all()
    assert [name for name, *_ in rows(server, CALLS)] == ["Bash", "Explore", "Bash"]
    assert rows(server, PROMPTS) == [("now the tests", "completed"), ("make the cart faster", "completed")]
    assert rows(server, SUBTASKS)[0][2] == "completed"


def test_import_of_a_transcript_that_grows_ends_neither_its_session_nor_its_answer(
    server: ApiServer, home: Path, write_all: WriteAll
) -> None:
    folder = story.write(home, touched=time.time())
    imported(server, home, folder)
    write_all()
    assert "SessionEnd" not in dict(rows(server, EVENTS))
    assert rows(server, PROMPTS) == [("make the cart faster", "completed"), ("now the tests", "active")]
    story.write(home, touched=time.time() - 300)
    imported(server, home, folder)
    write_all()
    assert rows(server, PROMPTS)[1] == ("now the tests", "completed")
    assert rows(server, COUNTS)[0][3] is False


def test_import_makes_no_brief_and_opens_no_session_that_ended(
    server: ApiServer, home: Path, write_all: WriteAll
) -> None:
    for payload in HOOKS:
        server.hook(payload)
    write_all()
    imported(server, home, story.write(home, touched=time.time()))
    write_all()
    assert rows(server, COUNTS)[0][3] is True
    assert rows(server, "SELECT FROM briefs") == []
    assert rows(server, "SELECT event FROM hook_events WHERE event LIKE '%Compact'") == []
    asked = server.hook(story.payload("PostToolUse", tool_name="Bash", tool_input={}, tool_use_id="toolu_99"))
    assert asked.json == {}


def test_import_says_in_sentences_what_it_did(recorder: Recorder, home: Path) -> None:
    recorder.answer(Said(200, {"accepted": 9, "known": 2, "waiting": 0}))
    said = run(home, "import", "transcripts", str(story.write(home)), "--url", recorder.url)
    assert said.output == "1 session in 2 transcripts: 9 events are new, 2 were known.\n"


def test_import_pauses_while_the_queue_is_long(recorder: Recorder, home: Path) -> None:
    waits = [{"waiting": waiting, "rejected": {}} for waiting in (4000, 900)]
    recorder.answer(
        Said(200, {"accepted": 11, "known": 0, "waiting": 9000}), *(Said(200, each) for each in waits), Said(500)
    )
    answer(run(home, "import", "transcripts", str(story.write(home)), "--url", recorder.url, "--json"))
    assert [asked.path for asked in recorder.asked] == ["/api/import", "/api/intake", "/api/intake"]


def test_import_sends_bodies_the_api_takes_and_leaves_out_what_is_larger(recorder: Recorder, home: Path) -> None:
    recorder.answer(Said(200, {"accepted": 0, "known": 0, "waiting": 0}))
    many = [story.record(number / 1000, "user", f"prompt {number}") for number in range(1500)]
    huge = story.record(30, "user", "x" * 90_000, prompt="p9")
    giant = story.record(31, "assistant", story.call("Bash", 50, parts=["x" * 16_000] * 70))
    ended = story.record(32, "user", story.result(50, "done"))
    folder = story.write(home, main=[*many, *[huge] * 20, giant, ended])
    told = answer(run(home, "import", "transcripts", str(folder), "--url", recorder.url, "--json"))
    sizes = [(len(asked.body["payloads"]), int(asked.headers["Content-Length"])) for asked in recorder.asked]
    assert all(count <= 1000 and size <= 1024 * 1024 for count, size in sizes)
    assert len(sizes) >= 3
    assert told["too_large"] == 1


def test_import_of_a_folder_without_transcripts_is_said(home: Path, tmp_path: Path) -> None:
    result = run(home, "import", "transcripts", str(home), "--url", "http://127.0.0.1:1")
    assert isinstance(result.exception, DcmError)
    assert str(result.exception) == f"There is no transcript in {home}."


def test_import_passes_over_what_is_no_transcript(recorder: Recorder, home: Path) -> None:
    recorder.answer(Said(200, {"accepted": 9, "known": 2, "waiting": 0}))
    story.write(home)
    (home / "notes.jsonl").write_text('{"a": 1}\nnot json\n[]\n{"timestamp": "x", "message": 5}\n', encoding="utf-8")
    told = answer(run(home, "import", "transcripts", str(home), "--url", recorder.url, "--json"))
    file = home / "notes.jsonl"
    assert told == {
        "accepted": 9, "known": 2, "too_large": 0, "sessions": 1, "files": 3,
        "unreadable_files": 0, "unreadable_lines": 2, "left_out": 1,
        "faults": [
            f"{file} line 2 is not a record in JSON",
            f"{file} line 3 is not a record in JSON",
            f"{file} line 4 has the time 'x': give one from 2020 to now, with its zone",
        ],
    }  # fmt: skip


def test_import_goes_on_over_what_it_cannot_take_and_says_it(
    server: ApiServer, home: Path, write_all: WriteAll
) -> None:
    strange = [
        story.record(24, "user", "caf\xe9", prompt="p4"),
        story.record(25, "user", "late", prompt="p5") | {"timestamp": "never"},
        story.record(25, "user", "later", prompt="p6") | {"timestamp": "9999999-01-01T00:00:00Z"},
        story.record(25, "user", "old", prompt="p7") | {"timestamp": "1999-01-01T00:00:00Z"},
        story.record(25, "user", "whose", prompt="p8") | {"sessionId": "s" * 5000},
    ]
    lines = [json.dumps(each, ensure_ascii=False).encode("latin-1") for each in strange]
    deep = b'{"timestamp": "2026-11-20T12:00:00Z", "message": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    nested = json.dumps(story.record(26, "user", "x") | {"toolUseResult": json.loads("[" * 300 + "]" * 300)}).encode()
    project = story.write(home)
    with (project / f"{SESSION}.jsonl").open("ab") as file:
        file.write(b"\n".join([*lines, deep, nested, b"\x00\x01", b"", b'{"half": ']))
    told = imported(server, home, home)
    assert (told["left_out"], told["unreadable_lines"], told["unreadable_files"]) == (4, 3, 0)
    assert f"{SESSION}.jsonl line {len(MAIN) + 2} has the time 'never'" in str(told["faults"])
    write_all()
    prompts = [prompt for prompt, _ in rows(server, PROMPTS)]
    assert prompts == ["make the cart faster", "now the tests", "caf\N{REPLACEMENT CHARACTER}"]


def test_import_reads_a_last_line_that_lacks_its_end(recorder: Recorder, home: Path) -> None:
    recorder.answer(Said(200, {"accepted": 0, "known": 0, "waiting": 0}))
    project = story.write(home, sub=[], main=MAIN[:-1])
    file = project / f"{SESSION}.jsonl"
    file.write_bytes(file.read_bytes().removesuffix(b"\n"))
    os.utime(file, (0, 0))
    told = answer(run(home, "import", "transcripts", str(file), "--url", recorder.url, "--json"))
    assert told["faults"] == []
    said = [past["payload"].get("last_assistant_message") for past in recorder.asked[0].body["payloads"]]
    assert "They pass." in said


def test_import_says_which_line_is_too_long_to_be_read(
    recorder: Recorder, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.answer(Said(200, {"accepted": 0, "known": 0, "waiting": 0}))
    for module in (transcript_files, sieve):
        monkeypatch.setattr(module, "LINE_BYTES", 4000)
    monkeypatch.setattr(transcript_files, "PIECE_BYTES", 1000)
    giant = story.record(15, "user", "x" * 9000, prompt="giant")
    folder = story.write(home, main=[*MAIN[:11], giant, *MAIN[11:]], sub=[])
    told = answer(run(home, "import", "transcripts", str(folder), "--url", recorder.url, "--json"))
    assert told["faults"] == [f"{folder}/{SESSION}.jsonl line 12 is longer than 4000 bytes"]
    prompts = [past["payload"].get("prompt") for asked in recorder.asked for past in asked.body["payloads"]]
    assert [prompt for prompt in prompts if prompt] == ["make the cart faster", "now the tests"]


def test_import_passes_by_what_is_no_file(recorder: Recorder, home: Path) -> None:
    recorder.answer(Said(200, {"accepted": 9, "known": 2, "waiting": 0}))
    story.write(home)
    (home / "gone.jsonl").symlink_to(home / "nowhere")
    (home / "folder.jsonl").mkdir()
    os.mkfifo(home / "pipe.jsonl")
    said = run(home, "import", "transcripts", str(home), "--url", recorder.url)
    assert said.exit_code == 0
    assert said.stdout == "1 session in 2 transcripts: 9 events are new, 2 were known.\n"
    assert said.stderr.splitlines() == [
        f"Left out: {home}/folder.jsonl is not a file.",
        f"Left out: {home}/gone.jsonl cannot be read: no such file or directory.",
        f"Left out: {home}/pipe.jsonl is not a file.",
    ]


@pytest.mark.parametrize("content", [b"", b"\x7fELF\x00\x01\x02", b"not json\n"])
def test_import_of_what_is_no_transcript_is_refused(recorder: Recorder, home: Path, content: bytes) -> None:
    file = home / "x.jsonl"
    file.write_bytes(content)
    error = f"Nothing in {file} could be read as a transcript of Claude Code."
    said = execute(home, "import", "transcripts", str(file), "--url", recorder.url, "--json")
    assert said.returncode == 1
    assert error.rstrip(".") in said.stderr
    faults = {"details": {"faults": [f"{file} line 1 is not a record in JSON"]}} if content else {}
    assert json.loads(said.stdout) == {"error": error, **faults}
    assert recorder.asked == []


def test_import_where_claude_code_never_ran_says_which_folder_it_looked_in(home: Path) -> None:
    result = run(home, "import", "transcripts", "--url", "http://127.0.0.1:1")
    assert isinstance(result.exception, DcmError)
    assert str(result.exception) == f"There is no transcript in {home}/.claude/projects."


def test_a_subagent_of_an_older_layout_is_told_by_its_own_file(recorder: Recorder, home: Path) -> None:
    recorder.answer(Said(200, {"accepted": 0, "known": 0, "waiting": 0}))
    file = home / f"agent-{AGENT}.jsonl"
    told = [each | {"attributionAgent": "Plan"} for each in story.SUB]
    file.write_text("".join(f"{json.dumps(each)}\n" for each in told), encoding="utf-8")
    run(home, "import", "transcripts", str(file), "--url", recorder.url)
    [asked] = recorder.asked
    payloads = [past["payload"] for past in asked.body["payloads"]]
    assert {(each["agent_id"], each["agent_type"]) for each in payloads} == {(AGENT, "Plan")}


def test_words_before_the_last_call_are_no_answer(recorder: Recorder, home: Path) -> None:
    recorder.answer(Said(200, {"accepted": 0, "known": 0, "waiting": 0}))
    run(home, "import", "transcripts", str(story.write(home, main=MAIN[:3], sub=[])), "--url", recorder.url)
    names = [past["payload"]["hook_event_name"] for past in recorder.asked[0].body["payloads"]]
    assert names == ["SessionEnd", "UserPromptSubmit", "SessionStart"]
