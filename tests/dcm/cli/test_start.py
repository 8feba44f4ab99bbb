"""`dcm start`, `stop`, `restart`, `status`, `doctor`, `logs` on a real DCM in a home of its own."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from api_server import free_ports
from command import execute, held_locks

from dcm import lease
from dcm.embedded.places import ROOT_STORE, places


class Dcm:
    """A home with ports of its own, and `dcm` run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / ".dcm"
        self.port, self.dashboard_port, self.ws_port = free_ports(3)
        self.environ = {
            "DCM_HOME": str(self.home),
            "PORT": str(self.port),
            "DASHBOARD_PORT": str(self.dashboard_port),
            "WS_PORT": str(self.ws_port),
        }

    def run(self, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        return execute(self.folder, *arguments, **{**self.environ, **environ})

    def json(self, *arguments: str) -> Any:
        said = self.run(*arguments, "--json")
        assert said.stdout, said.stderr
        return json.loads(said.stdout)

    @property
    def pid_file(self) -> Path:
        return places(self.home).run / "dcm.pid"


@contextlib.contextmanager
def at_home() -> Iterator[Dcm]:
    folder = Path(tempfile.mkdtemp(prefix="dcm-start-"))
    folder.chmod(0o711)
    dcm = Dcm(folder)
    try:
        yield dcm
    finally:
        dcm.run("stop")
        store = places(dcm.home).postgres_data.parent
        shutil.rmtree(store if ROOT_STORE in store.parents else folder, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def started() -> Iterator[Dcm]:
    """A DCM in the background, for all tests of the module that only look at it."""
    with at_home() as dcm:
        said = dcm.run("start")
        assert said.returncode == 0, said.stdout + said.stderr
        yield dcm


@pytest.fixture
def stopped() -> Iterator[Dcm]:
    """A DCM that does not run."""
    with at_home() as dcm:
        yield dcm


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@pytest.mark.contract("dcm start")
def test_start_of_a_dcm_that_runs_says_so_and_prints_where_it_is(started: Dcm) -> None:
    pid = lease.read_pid(started.pid_file)
    said = started.run("start")
    assert said.returncode == 0
    assert said.stdout.splitlines() == [
        f"DCM already runs in {started.home}.",
        f"  dashboard  http://127.0.0.1:{started.dashboard_port}",
        f"  api        http://127.0.0.1:{started.port}",
        f"  websocket  ws://127.0.0.1:{started.ws_port}",
    ]
    told = started.json("start")
    assert (told["started"], told["pid"]) == (False, pid)


@pytest.mark.contract("dcm up")
def test_up_beside_a_started_dcm_is_refused(started: Dcm) -> None:
    said = started.run("up")
    assert said.returncode == 1
    assert f"DCM already runs in {started.home}" in said.stderr


@pytest.mark.contract("dcm status")
def test_status_of_a_dcm_that_runs_is_well(started: Dcm) -> None:
    told = started.json("status")
    assert told["running"] is True
    assert {part["name"]: part["works"] for part in told["parts"]} == {
        "DCM": True, "lines": True, "api": True, "database": True, "websocket": True, "dashboard": True, "hooks": False,
    }  # fmt: skip
    assert f"process {lease.read_pid(started.pid_file)}" in started.run("status").stdout


def test_health_of_a_dcm_that_runs_is_healthy(started: Dcm) -> None:
    assert started.json("health")["status"] == "healthy"


@pytest.mark.contract("dcm logs")
def test_logs_are_those_of_one_part_or_of_all(started: Dcm) -> None:
    assert "DCM is up: http://" in started.run("logs").stdout
    api = started.run("logs", "api").stdout
    assert "DCM is up: http://" in api
    assert all(" api.1 " in line for line in api.splitlines())
    assert started.run("logs", "dashboard").stdout == api
    assert "DCM is up" not in started.run("logs", "worker").stdout
    assert "database system is ready" in started.run("logs", "postgres").stdout
    assert len(started.run("logs", "-n", "1").stdout.splitlines()) == 1
    assert started.run("logs", "valkey", "-n", "0").stdout == ""


def test_logs_that_are_followed_print_what_is_added(started: Dcm) -> None:
    log = places(started.home).logs / "dcm.log"
    argv = [sys.executable, "-m", "dcm", "logs", "api", "-f", "-n", "0"]
    environ = {**os.environ, **started.environ, "HOME": str(started.folder), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environ) as following:
        assert following.stdout
        try:
            until(lambda: _is_read(following.pid, log), "the log should be opened")
            with log.open("a", encoding="utf-8") as file:
                file.write("12:00:00 worker.1   | not this\n12:00:00 api.1      | this")
                file.flush()
                file.write(" and its end\n")
            assert following.stdout.readline() == "12:00:00 api.1      | this and its end\n"
        finally:
            following.kill()


def _is_read(pid: int, log: Path) -> bool:
    """Whether a process has read a log to its end."""
    with contextlib.suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            if link.readlink() == log:
                told = Path(f"/proc/{pid}/fdinfo/{link.name}").read_text(encoding="ascii")
                return int(told.split()[1]) >= log.stat().st_size
    return False


def test_doctor_of_a_dcm_that_runs_finds_its_parts_well(started: Dcm) -> None:
    started.run("hooks")
    told = started.json("doctor")
    states = {finding["check"]: finding["state"] for finding in told["findings"]}
    well = ("Python", "DCM_HOME", "disk", "hooks", "launcher", "lines", "Postgres", "Valkey", "schema", "API")
    assert {name: states[name] for name in (*well, "queue", "dead letters")} == dict.fromkeys(
        (*well, "queue", "dead letters"), "ok"
    )
    assert "port" not in states
    assert told["ok"] is True
    started.run("unhook")


def test_import_transcripts_and_search_need_no_url_where_dcm_runs(started: Dcm) -> None:
    folder = started.folder / "transcripts"
    folder.mkdir()
    (folder / "x.jsonl").write_text(
        '{"type":"user","sessionId":"s","timestamp":"2026-11-20T12:00:00.000Z","cwd":"/w","isSidechain":false,'
        '"promptId":"p","message":{"role":"user","content":"hello"}}\n'
    )
    assert started.json("import", "transcripts", str(folder))["accepted"] == 2
    until(lambda: started.json("import", "transcripts", str(folder))["known"] == 2, "it should be stored")


@pytest.mark.contract("dcm stop", "dcm restart")
def test_stop_and_restart_end_exactly_what_runs(stopped: Dcm, started: Dcm) -> None:
    assert stopped.run("stop").stdout == f"DCM does not run in {stopped.home}.\n"
    first = stopped.json("start")
    assert first["started"] is True
    second = stopped.json("restart")
    assert second["pid"] != first["pid"]
    assert stopped.run("health").returncode == 0
    assert stopped.json("stop") == {"stopped": True}
    assert held_locks(stopped.home) == []
    assert started.json("status")["running"] is True


def test_stop_ends_a_dcm_in_a_terminal_too(stopped: Dcm) -> None:
    environ = {**os.environ, **stopped.environ}
    argv = [sys.executable, "-m", "dcm", "up"]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environ) as terminal:
        until(lambda: stopped.run("health").returncode == 0, "it should answer")
        assert stopped.run("stop").stdout == "DCM is stopped.\n"
        terminal.wait(10)
    assert held_locks(stopped.home) == []


def test_a_stale_pid_file_harms_nobody(stopped: Dcm) -> None:
    stopped.pid_file.parent.mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"]) as bystander:
        stopped.pid_file.write_text(str(bystander.pid), encoding="ascii")
        assert stopped.run("stop").stdout == f"DCM does not run in {stopped.home}.\n"
        assert stopped.json("status")["running"] is False
        assert bystander.poll() is None
        bystander.kill()


def test_stop_leaves_alone_what_dcm_did_not_start(stopped: Dcm) -> None:
    run = places(stopped.home).run
    run.mkdir(parents=True)
    keeper = lease.take(run / "api.1.keeper")
    assert keeper is not None
    said = stopped.run("stop")
    os.close(keeper)
    assert said.returncode == 1
    assert "were not started by `dcm`: stop them where they were started" in said.stderr


def test_start_that_cannot_succeed_says_why(stopped: Dcm, started: Dcm) -> None:
    said = stopped.run("start", DCM_PORT=str(started.port), WS_PORT=str(started.ws_port))
    assert said.returncode == 1
    assert said.stderr.startswith(f"dcm: DCM did not start: Port {started.port} (the API) cannot be used: process ")
    assert f"Port {started.ws_port} (the WebSocket bridge)" in said.stderr
    assert said.stderr.count("\n") == 1
    assert held_locks(stopped.home) == []


@pytest.mark.parametrize(
    ("variable", "url", "sentence"),
    [
        ("DCM_DATABASE_URL", "postgresql://u:x@127.0.0.1:9/x", "Postgres at postgresql://u:***@127.0.0.1:9/x does not"),
        ("DCM_REDIS_URL", "redis://127.0.0.1:9/0", "Valkey at redis://127.0.0.1:9/0 does not answer"),
    ],
)
def test_start_without_a_store_says_which_does_not_answer(stopped: Dcm, variable: str, url: str, sentence: str) -> None:
    said = stopped.run("start", **{variable: url, "MAX_DB_RETRIES": "0"})
    assert said.returncode == 1
    assert said.stderr.startswith(f"dcm: DCM did not start: {sentence}")
    assert (said.stderr.count("\n"), variable in said.stderr) == (1, True)


def test_start_at_an_address_that_is_not_ours_says_once_what_to_set(stopped: Dcm) -> None:
    said = stopped.run("start", HOST="999.1.1.1")
    assert said.stderr.count("HOST 999.1.1.1 is not an address of this machine") == 1
    assert "Set HOST to one that is" in said.stderr


def test_starts_at_once_all_report_the_one_that_runs(stopped: Dcm) -> None:
    argv = [sys.executable, "-m", "dcm", "start", "--json"]
    environ = {**os.environ, **stopped.environ, "HOME": str(stopped.folder)}
    starts = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environ) for _ in range(3)]
    told = [json.loads(start.communicate()[0]) for start in starts]
    assert [start.returncode for start in starts] == [0, 0, 0]
    assert sorted(each["started"] for each in told) == [False, False, True]
    assert {each["pid"] for each in told} == {lease.read_pid(stopped.pid_file)}


def test_doctor_of_a_dcm_that_does_not_run_says_what_to_do(stopped: Dcm) -> None:
    said = stopped.run("doctor")
    assert said.returncode == 1
    assert "Run `dcm start`." in said.stdout
    assert "Run `dcm hooks`, or install the plugin." in said.stdout
    assert "Run `dcm install`." in said.stdout
    assert not stopped.home.exists()


def test_logs_before_any_start_are_said_to_be_missing(stopped: Dcm) -> None:
    said = stopped.run("logs")
    assert said.returncode == 1
    assert "only `dcm start` writes it" in said.stderr
