"""A machine that reports to a DCM on another: `dcm relay`, and what the other commands make of it."""

import json
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import story
from command import execute, run
from far import Far, free_port, wait_for
from recorder import Recorder, Said
from story import SESSION

from dcm import lease
from dcm.cli import relaying
from dcm.domain.errors import SettingsError
from dcm.embedded.places import places
from dcm.settings import load


@pytest.fixture
def far() -> Iterator[Far]:
    """The server."""
    server = Far()
    yield server
    server.close()


class Laptop:
    """A home that reports to a server, and `dcm` run in it."""

    def __init__(self, folder: Path, server: str) -> None:
        self.folder, self.home, self.port = folder, folder / ".dcm", free_port()
        self.environ = {"DCM_HOME": str(self.home), "PORT": str(self.port), "DCM_SERVER_URL": server}

    def run(self, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        return execute(self.folder, *arguments, **{**self.environ, **environ})

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json").stdout)

    def hook(self, event: str, **fields: Any) -> str:
        """What Claude Code's hook prints."""
        payload = json.dumps({"session_id": "s", "hook_event_name": event, **fields})
        argv = [str(self.home / "launcher"), "hook"]
        done = subprocess.run(argv, input=payload, capture_output=True, text=True, check=True, timeout=30)
        return done.stdout


@pytest.fixture
def laptop(far: Far) -> Iterator[Laptop]:
    """A laptop on which nothing runs."""
    with tempfile.TemporaryDirectory(prefix="dcm-laptop-") as folder:
        made = Laptop(Path(folder), far.url)
        try:
            yield made
        finally:
            made.run("stop")


def parts(laptop: Laptop) -> dict[str, Any]:
    return {part["name"]: part for part in laptop.json("status")["parts"]}


def findings(laptop: Laptop) -> dict[str, Any]:
    return {finding["check"]: finding for finding in laptop.json("doctor")["findings"]}


@pytest.mark.contract("dcm relay")
def test_a_session_that_starts_starts_the_relay_and_reports_by_it(laptop: Laptop, far: Far) -> None:
    assert laptop.run("install").returncode == 0
    laptop.hook("SessionStart", source="startup")
    wait_for(lambda: far.got, "the report of the session's start")
    laptop.hook("Stop")
    wait_for(lambda: len(far.got) == 2, "the next report")
    assert lease.held(places(laptop.home).run / "relay.keeper")
    assert not (laptop.home / "valkey").exists()


@pytest.mark.contract("dcm relay")
def test_start_status_doctor_and_stop_know_the_relay(laptop: Laptop, far: Far) -> None:
    assert parts(laptop)["relay"]["works"] is False
    assert findings(laptop)["relay"]["mend"] == "Run `dcm start`."
    started = laptop.json("start")
    assert (started["started"], started["server"]) == (True, far.url)
    laptop.hook("Stop")
    found = parts(laptop)
    assert {name: part["works"] for name, part in found.items() if name != "hooks"} == {
        "DCM": True, "relay": True, "spool": True, "server": True,
    }  # fmt: skip
    assert found["server"]["says"] == f"{far.url}, version 9.9"
    assert {findings(laptop)[check]["state"] for check in ("relay", "server", "spool")} == {"ok"}
    assert laptop.json("stop") == {"stopped": True}
    assert laptop.json("status")["running"] is False


def test_status_and_doctor_say_what_waits_and_that_events_were_lost(laptop: Laptop, far: Far) -> None:
    (laptop.home / "relay").mkdir(parents=True)
    (laptop.home / "relay" / "lost.json").write_text('{"dropped": 7}')
    laptop.run("start")
    far.close()
    laptop.hook("Stop")
    wait_for(lambda: "1 event wait" in parts(laptop)["spool"]["says"], "that something waits")
    assert "7 EVENTS WERE DROPPED" in parts(laptop)["spool"]["says"]
    assert findings(laptop)["spool"]["state"] == "broken"
    assert findings(laptop)["server"]["state"] == "broken"


@pytest.mark.parametrize("path", ["", "/dcm"])
def test_status_says_of_a_server_that_is_away_to_start_it_where_it_is(path: str) -> None:
    server = f"http://127.0.0.1:{free_port()}{path}"
    part = relaying._server(load({"HOME": "/home/ada", "DCM_SERVER_URL": server}))
    assert (part.works, part.says) == (False, f"nothing answers at {server}: start it there")


@pytest.mark.parametrize(
    ("why", "mend"),
    [
        ("the spool is full", "Raise DCM_RELAY_SPOOL_MB"),
        ("the disk does not take it: No space left on device", "Make room on the disk of DCM_HOME/relay"),
    ],
)
def test_status_and_doctor_say_why_events_were_dropped_and_what_helps(why: str, mend: str) -> None:
    relay = {"dropped": 7, "dropped_why": why, "waiting": 0, "refused": 0}
    assert relaying._spool(relay).says == f"7 EVENTS WERE DROPPED, {why}; nothing waits"
    [finding] = relaying._kept(relay)
    assert finding.says == f"7 events were dropped: {why}"
    assert finding.mend.startswith(mend)


def test_a_second_start_of_the_relay_is_refused_in_a_sentence(laptop: Laptop) -> None:
    laptop.run("start")
    said = laptop.run("relay")
    assert (said.returncode, "already runs" in said.stderr) == (1, True)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("", "DCM_SERVER_URL is not set"),
        ("--server dcm.example.org", "is not the URL of a server"),
        ("--server http://8.8.8.8:3847", "not encrypted"),
        ("--server http://localhost:3847", "where the relay itself listens"),
    ],
)
def test_a_server_that_cannot_be_used_is_one_sentence(home: Path, options: str, says: str) -> None:
    refused = run(home, "relay", *shlex.split(options)).exception
    assert isinstance(refused, SettingsError)
    assert says in str(refused)


def test_its_help_names_the_file_in_which_the_token_is_looked_for(home: Path) -> None:
    assert "DCM_HOME/server-token]" in " ".join(run(home, "relay", "--help").stdout.split())


def test_commands_that_read_ask_the_server_this_machine_reports_to(home: Path, recorder: Recorder) -> None:
    recorder.answer(Said(200, {"results": [], "total": 0}))
    run(home, "search", "x", "--json", DCM_SERVER_URL=recorder.url)
    assert [asked.path for asked in recorder.asked][:1] == ["/api/search"]


def test_new_sends_what_was_added_and_ends(home: Path, recorder: Recorder) -> None:
    recorder.answer(Said(200, {"accepted": 1, "known": 0, "waiting": 0}))
    transcript = str(story.write(home, main=story.MAIN[:4]) / f"{SESSION}.jsonl")
    arguments = ("import", "transcripts", "--new", transcript, "--json", "--url", recorder.url)
    assert json.loads(run(home, *arguments).stdout)["accepted"] > 0
    sent = len(recorder.asked)
    assert json.loads(run(home, *arguments).stdout)["accepted"] == 0
    assert len(recorder.asked) == sent
