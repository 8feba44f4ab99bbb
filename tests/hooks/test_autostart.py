"""A session that starts also starts the DCM that does not run: through the launcher, as Claude Code would run it."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from claude import REPOSITORY
from stand_in import WELL, StandIn
from system import free_ports, gone, until

from dcm import autostart, lease
from dcm.embedded.places import ROOT_STORE, places
from dcm.launcher import launcher_path
from dcm.settings import Settings, load

HOOK_SECONDS = 5
"""The timeout of SessionStart in hooks.json."""


class Machine:
    """A DCM_HOME with a launcher, and nothing running."""

    def __init__(self, home: Path, **told: str) -> None:
        ports = dict(zip(("PORT", "DASHBOARD_PORT", "WS_PORT"), map(str, free_ports()), strict=True))
        self.home, self.environ = home, {"DCM_HOME": str(home), **ports, **told}
        self.settings: Settings = load(self.environ)
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DCM_", "DB_"))}
        subprocess.run(
            [sys.executable, "-m", "dcm", "install"], cwd=REPOSITORY, env=clean | self.environ, check=True,
            capture_output=True,
        )  # fmt: skip

    def begin(self, session: str, source: str = "startup", **environ: str) -> "subprocess.Popen[bytes]":
        """SessionStart as Claude Code fires it; its environment says nothing of this DCM."""
        process = subprocess.Popen(
            [str(launcher_path(self.home)), "hook"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.home,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.home), **environ},
        )
        payload = {"hook_event_name": "SessionStart", "session_id": session, "source": source, "cwd": "/w/shop"}
        assert process.stdin
        process.stdin.write(json.dumps(payload).encode())
        process.stdin.close()
        process.stdin = None
        return process

    def wait(self, process: "subprocess.Popen[bytes]") -> None:
        """Its end, in time and in silence."""
        assert process.communicate(timeout=HOOK_SECONDS) == (b"", b"")
        assert process.returncode == 0

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.settings.port}{path}", timeout=5) as answer:
            return json.load(answer)

    @property
    def log(self) -> str:
        path = autostart.log_path(self.settings)
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def starts(self) -> int:
        """How often `dcm up` came so far that it said what it is about to start."""
        return self.log.count(f"DCM_HOME  {self.home}")

    def failures(self) -> list[str]:
        return re.findall(r"^\S+ DCM was not started by the session that began: .*$", self.log, re.MULTILINE)

    def settled(self) -> bool:
        """Whether nobody is starting it."""
        return not lease.held(places(self.home).run / "start.lock")

    def pid(self) -> int | None:
        """The process that was started in the background, while it lives."""
        lock = autostart.background_lock(self.settings)
        return lease.read_pid(lock) if lease.held(lock) else None

    def stop(self) -> None:
        until(self.settled, 100, "the start should be settled")
        if pid := self.pid():
            os.kill(pid, signal.SIGTERM)
        until(lambda: not autostart.runs(self.settings), 20, "DCM should stop")
        run = places(self.home).run
        until(lambda: not any(map(lease.held, run.glob("*.child"))), 20, "its processes should end")


@pytest.fixture
def machine() -> Iterator[Callable[..., Machine]]:
    """Makes machines; ends and removes what they leave."""
    made: list[Machine] = []

    def make(**told: str) -> Machine:
        made.append(Machine(Path(tempfile.mkdtemp(prefix="dcm-auto-")), **told))
        return made[-1]

    yield make
    for each in made:
        each.stop()
        store = places(each.home).postgres_data.parent
        for folder in {store if ROOT_STORE in store.parents else each.home, each.home}:
            shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.contract("HOOK DCM is started when a session finds it stopped", "HOOK one start however many sessions")
def test_twenty_sessions_that_begin_at_once_start_one_dcm_and_all_are_told_of(machine: Callable[..., Machine]) -> None:
    stopped = machine()
    sessions = {f"s{number}" for number in range(20)}
    for process in [stopped.begin(session) for session in sorted(sessions)]:
        stopped.wait(process)
    until(lambda: autostart.answers(stopped.settings), 60, f"DCM should run\n{stopped.log}")
    until(lambda: {row["id"] for row in stopped.get("/api/sessions?limit=100")["sessions"]} == sessions, 20, "all")
    assert (stopped.starts(), stopped.failures()) == (1, [])
    until(stopped.settled, 10, "the start should be settled")

    before = stopped.pid()
    stopped.wait(stopped.begin("later"))
    until(lambda: len(stopped.get("/api/sessions?limit=100")["sessions"]) == 21, 10, "it should be told of")
    assert (stopped.starts(), stopped.pid()) == (1, before)

    stopped.stop()
    stopped.wait(stopped.begin("again", "resume"))
    until(lambda: stopped.starts() == 2, 20, "a stopped DCM should be started again")


def test_the_environment_of_a_session_says_nothing_of_ports_and_stores(machine: Callable[..., Machine]) -> None:
    stopped = machine()
    stopped.wait(stopped.begin("s", PORT="1", DB_HOST="db.example.com", DCM_HOME="/nowhere", PYTHONPATH="/nowhere"))
    until(lambda: autostart.answers(stopped.settings), 60, f"DCM should run\n{stopped.log}")


def test_a_start_that_cannot_succeed_leaves_a_line_and_a_pause_that_doubles(machine: Callable[..., Machine]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        blocked = machine(WS_PORT=str(taken.getsockname()[1]))
        for process in [blocked.begin("a"), blocked.begin("b"), blocked.begin("c")]:
            blocked.wait(process)
        until(lambda: blocked.settled() and bool(blocked.failures()), 10, "a failure should be noted")
        [line] = blocked.failures()
        assert f"Port {blocked.settings.ws_port} (the WebSocket bridge) cannot be used: process {os.getpid()}" in line
        assert line.endswith("The next session that begins after 10 s tries again; `dcm up` tries now.")

        blocked.wait(blocked.begin("d"))
        until(blocked.settled, 10, "nobody should be starting it")
        assert len(blocked.failures()) == 1

        retry = places(blocked.home).run / "start.retry"
        retry.write_text(json.dumps([time.time() - 1, 10.0]), encoding="ascii")
        blocked.wait(blocked.begin("e"))
        until(lambda: len(blocked.failures()) == 2, 10, "it should be tried again")
        assert "after 20 s tries again" in blocked.failures()[1]
    retry.write_text(json.dumps([time.time() - 1, 20.0]), encoding="ascii")
    blocked.wait(blocked.begin("f"))
    until(lambda: autostart.answers(blocked.settings), 60, f"DCM should run\n{blocked.log}")
    until(lambda: not retry.exists(), 10, "the failures should be forgotten")


@pytest.mark.contract("HOOK one start however many sessions")
def test_a_start_that_is_killed_in_the_middle_is_not_made_twice(machine: Callable[..., Machine]) -> None:
    stopped = machine()
    first = stopped.begin("first")
    until(lambda: stopped.pid() is not None, 10, "a start should have begun")
    starter = starter_of(stopped)
    starter.kill()
    until(lambda: gone(starter), 5, "it should be dead")
    stopped.wait(first)
    for process in [stopped.begin(f"s{number}") for number in range(3)]:
        stopped.wait(process)
    until(lambda: autostart.answers(stopped.settings), 60, f"DCM should run\n{stopped.log}")
    assert (stopped.starts(), stopped.failures()) == (1, [])


def test_a_dcm_that_is_killed_while_it_starts_is_started_by_a_later_session(machine: Callable[..., Machine]) -> None:
    stopped = machine()
    first = stopped.begin("first")
    until(lambda: bool(stopped.pid()), 10, "a start should have begun")
    pid = stopped.pid()
    assert pid
    os.killpg(pid, signal.SIGKILL)
    stopped.wait(first)
    until(lambda: stopped.settled() and len(stopped.failures()) == 1, 10, "a failure should be noted")
    until(lambda: not autostart.runs(stopped.settings), 10, "nothing should be left")
    (places(stopped.home).run / "start.retry").unlink()
    stopped.wait(stopped.begin("second"))
    until(lambda: autostart.answers(stopped.settings), 60, f"DCM should run\n{stopped.log}")


def starter_of(machine: Machine) -> psutil.Process:
    """The process that starts the DCM of this home."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.cmdline()[-2:] == ["dcm.autostart", str(machine.home)]:
                return process
    raise AssertionError("nobody starts it")


@pytest.mark.parametrize("way", ["environment", "in words", "settings", "elsewhere"])
def test_nothing_is_started_where_it_is_switched_off_or_another_server_is_meant(
    machine: Callable[..., Machine], way: str
) -> None:
    stopped = machine(**({"DCM_AUTOSTART": "0"} if way == "settings" else {}))
    elsewhere = {"CONTEXT_MANAGER_URL": f"http://127.0.0.1:{free_ports()[0]}"}
    off = {"environment": {"DCM_AUTOSTART": "0"}, "in words": {"DCM_AUTOSTART": "No"}}
    told = {**off, "settings": {}, "elsewhere": elsewhere}[way]
    process = stopped.begin("s", **told)
    stopped.wait(process)
    until(lambda: not posting(stopped), 5, "the client should be done")
    assert not (places(stopped.home).run / "start.lock").exists()
    assert stopped.log == ""


def posting(machine: Machine) -> list[int]:
    """The clients of this home that still post."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if str(machine.home / "slow") in process.cmdline():
                found.append(process.pid)
    return found


@pytest.mark.contract("HOOK DCM is started when a session finds it stopped")
def test_something_else_on_the_port_is_not_taken_for_dcm(machine: Callable[..., Machine]) -> None:
    with StandIn(WELL) as server:
        blocked = machine(PORT=str(server.port))
        blocked.wait(blocked.begin("s"))
        until(lambda: len(blocked.failures()) == 1, 10, "a failure should be noted")
        assert f"Port {server.port} (the API) cannot be used" in blocked.failures()[0]
