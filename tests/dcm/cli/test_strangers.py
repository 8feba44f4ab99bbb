"""What is said of a program on DCM's ports that is not DCM."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import execute, run
from recorder import Recorder, Said

PAGE = b"<html><body><h1>It works!</h1></body></html>"


@pytest.fixture
def mute() -> Iterator[int]:
    """A port on which somebody listens and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.mark.parametrize(
    "said",
    [
        Said(200, PAGE, type="text/html"),
        Said(404, PAGE, type="text/html"),
        Said(200, PAGE, type="application/json"),
        Said(200, {"ok": True}),
        Said(200, ["ok"]),
        Said(200, b"ok", type="text/plain"),
    ],
)
def test_another_server_is_said_to_be_none_of_ours(recorder: Recorder, home: Path, said: Said) -> None:
    recorder.answer(said)
    told = execute(home, "health", "--url", recorder.url)
    assert (told.returncode, told.stderr.count("\n")) == (1, 1)
    assert told.stderr.startswith(f"dcm: What listens at {recorder.url} is not DCM")
    assert "html" not in told.stderr


def test_one_who_does_not_answer_is_left_after_a_few_seconds(mute: int, home: Path) -> None:
    began = time.monotonic()
    told = execute(home, "health", "--url", f"http://127.0.0.1:{mute}")
    assert f"What listens at http://127.0.0.1:{mute} did not answer in time" in told.stderr
    assert "may have taken" not in told.stderr
    assert time.monotonic() - began < 10


def test_status_takes_for_a_part_only_what_is_that_part(recorder: Recorder, home: Path) -> None:
    recorder.answer(Said(200, {"status": "healthy", "version": "1", "database": {"healthy": True, "latencyMs": 1}}))
    port = recorder.url.rpartition(":")[2]
    for variable, part in (("WS_PORT", "websocket"), ("DASHBOARD_PORT", "dashboard")):
        told = json.loads(run(home, "status", "--json", **{"PORT": "1", variable: port}).stdout)
        found = next(each for each in told["parts"] if each["name"] == part)
        assert (found["works"], "is not" in found["says"], variable in found["says"]) == (False, True, True)


EVIL = "a\x1b]0;title\x07\x1b[2J\x9b31m\u202egnp[bold]b[/bold]"


def test_no_command_lets_what_is_stored_or_said_by_a_server_command_the_terminal(
    recorder: Recorder, home: Path
) -> None:
    row = {"model": EVIL, "input_tokens": 1, "output_tokens": 1, "cache_read_tokens": 0,
           "cache_creation_tokens": 0, "cost": None}  # fmt: skip
    sessions = {"sessions": [{"id": "s1", "project_path": "/w"}], "total": 1}
    found = {"at": EVIL, "kind": EVIL, "session_id": EVIL, "snippet": EVIL}
    for arguments, answer in (
        (("usage", "s1"), Said(200, {"session_id": EVIL, "models": [row], "context": None})),
        (("usage", "s1"), Said(400, {"error": EVIL, "details": {EVIL: [EVIL]}})),
        (("search", "x"), Said(200, {"results": [found]})),
        (("search", "x", "--json"), Said(200, {"results": [found]})),
        (("context", "a", "s1"), Said(200, {**sessions, "message": EVIL})),
    ):
        recorder.answer(answer)
        told = execute(home, *arguments, "--url", recorder.url)
        shown = told.stdout + told.stderr
        assert "[bold]b" in shown or "usage" not in arguments
        assert [each for each in "\x1b\x07\x9b\u202e" if each in shown] == []


def test_logs_are_printed_without_what_commands_the_terminal(home: Path) -> None:
    logs = home / ".dcm" / "logs"
    logs.mkdir(parents=True)
    (logs / "postgres.log").write_text(f"ERROR: {EVIL}\n", encoding="utf-8")
    said = run(home, "logs", "postgres").stdout
    assert "title" in said
    assert [each for each in "\x1b\x07\x9b\u202e" if each in said] == []
