"""The whole system by honcho, as a person starts it: real stores, real services, signals as a terminal sends them."""

import os
import shutil
import socket
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from system import DCM, HONCHO, System, free_ports, gone, until

from dcm import lease
from dcm.cli import modes
from dcm.embedded.places import ROOT_STORE, places
from dcm.settings import load


def remove(folder: Path) -> None:
    """Remove a folder in which an interrupted first start may still be writing its last file."""
    until(lambda: shutil.rmtree(folder, ignore_errors=True) or not folder.exists(), 10, f"{folder} stays")


@pytest.fixture
def make_home() -> Iterator[Callable[[], Path]]:
    """Makes homes, and removes them with their data."""
    homes: list[Path] = []

    def make() -> Path:
        homes.append(Path(tempfile.mkdtemp(prefix="dcm-up-")))
        return homes[-1]

    yield make
    for home in homes:
        store = places(home).postgres_data.parent
        remove(store if ROOT_STORE in store.parents else home)
        remove(home)


@pytest.fixture
def start(make_home: Callable[[], Path]) -> Iterator[Callable[..., System]]:
    """Starts systems, and stops those that still run."""
    systems: list[System] = []

    def begin(*argv: str, home: Path | None = None, **environ: str) -> System:
        systems.append(System(home or make_home(), *argv, **environ))
        return systems[-1]

    yield begin
    for system in systems:
        system.stop()


ALL = ["api.1", "clock.1", "ingest.1", "postgres.1", "valkey.1", "worker.1", "wsbridge.1"]
MASTERS = ["api.1"]
"""The lines whose first process has processes of its own that do the work."""


def test_bare_honcho_serves_scales_and_leaves_nothing_behind_after_ctrl_c(start: Callable[..., System]) -> None:
    system = start(HONCHO, "start", "-c", "worker=3", PATH="/usr/bin:/bin").wait_up()
    until(system.healthy, 5, "GET /health should answer 200")
    until(lambda: system.locks("child") == sorted([*ALL, "worker.2", "worker.3"]), 10, "three workers should run")
    assert system.stop() == 130
    assert system.locks("child") == []
    assert system.locks("keeper") == []


def test_a_second_start_is_refused_and_another_home_runs_beside_it(start: Callable[..., System]) -> None:
    first = start(DCM, "up").wait_up()
    second = start(DCM, "up", home=first.home)
    assert second.process.wait(timeout=20) == 1
    assert f"DCM already runs in {first.home}" in second.output
    other = start(DCM, "up").wait_up()
    assert first.healthy()
    assert other.healthy()
    assert other.stop() == 130
    assert first.healthy()


def test_whatever_is_killed_comes_back_while_the_rest_serves(start: Callable[..., System]) -> None:
    system = start(DCM, "up").wait_up()
    for line in ALL:
        until(lambda line=line: whole(system, line), 10, f"{line} should run")
    for line in ALL:
        kill_and_wait(system, line, system.first_of(line))
        kill_and_wait(system, line, system.keeper_of(line))
    for line in MASTERS:
        kill_and_wait(system, line, living_children(system.first_of(line))[0])
    assert system.stop() == 130
    assert system.locks("child") == []


def kill_and_wait(system: System, line: str, victim: psutil.Process) -> None:
    """kill -9, then wait until the line is whole and the API answers; other lines never die of it."""
    others = {name: lease.read_pid(places(system.home).run / f"{name}.child") for name in ALL if name != line}
    victim.kill()
    until(lambda: gone(victim), 5, "it should be dead")
    until(lambda: whole(system, line), 20, f"{line} should come back\n{system.output[-3000:]}")
    until(system.healthy, 20, f"the API should answer after {line} was killed\n{system.output[-3000:]}")
    now = {name: lease.read_pid(places(system.home).run / f"{name}.child") for name in others}
    assert now == others, system.output[-3000:]


def living_children(process: psutil.Process) -> list[psutil.Process]:
    return [one for one in process.children() if not gone(one)]


def whole(system: System, line: str) -> bool:
    """Whether a line has its keeper, its process and that one's children."""
    try:
        first = system.first_of(line)
        return bool(
            system.locks("child") == ALL
            and system.locks("keeper") == ALL
            and not gone(first)
            and first.ppid() > 1
            and (line not in MASTERS or living_children(first))
        )
    except psutil.NoSuchProcess:
        return False


def test_when_honcho_is_killed_everything_ends(start: Callable[..., System]) -> None:
    system = start(HONCHO, "start").wait_up()
    system.process.kill()
    until(lambda: not system.locks("child") and not system.locks("keeper"), 10, "nothing should be left")


def test_a_taken_port_is_said_in_one_sentence(start: Callable[..., System]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        by_dcm = start(DCM, "up", WS_PORT=str(port))
        by_honcho = start(HONCHO, "start", WS_PORT=str(port))
        sentence = f"Port {port} (the WebSocket bridge) cannot be used: process {os.getpid()}"
        for system in (by_dcm, by_honcho):
            assert system.process.wait(timeout=20) == 1
            assert system.stop() == 1
            assert system.output.count(sentence) == 1, system.output


@pytest.mark.parametrize(
    ("variable", "url", "sentence"),
    [
        ("DCM_DATABASE_URL", "postgresql://ada:secret@127.0.0.1:{port}/dcm", "Postgres at postgresql://ada:***@"),
        ("DCM_REDIS_URL", "redis://127.0.0.1:{port}/0", "Valkey at redis://127.0.0.1"),
    ],
)
def test_a_store_of_ones_own_that_does_not_answer_is_said_in_one_sentence(
    start: Callable[..., System], variable: str, url: str, sentence: str
) -> None:
    system = start(DCM, "up", MAX_DB_RETRIES="1", **{variable: url.format(port=free_ports()[0])})
    assert system.process.wait(timeout=30) == 1
    system.stop()
    assert system.output.count(sentence) == 1, system.output
    assert "does not answer" in system.output
    assert "secret" not in system.output


@pytest.mark.parametrize("umask", ["000", "077"])
def test_what_is_made_is_its_owners_alone_whatever_the_umask(start: Callable[..., System], umask: str) -> None:
    system = start("/bin/sh", "-c", f"umask {umask}; exec {DCM} up").wait_up()
    until(system.healthy, 5, "GET /health should answer 200")
    ask = urllib.request.Request(f"http://127.0.0.1:{system.port}/api/auth/token", b'{"agent_id": "a"}')
    urllib.request.urlopen(ask, timeout=5).close()
    system.stop()
    settings = load({"DCM_HOME": str(system.home)})
    made = {path.name for path in system.home.rglob("*")}
    assert {"auth-secret", "launcher", "start.json", "logs", "postgres.log", "valkey.log", "dcm.pid"} <= made
    assert modes.open_to_others(settings) == []
    secret = system.home / "auth-secret"
    secret.chmod(0o640)
    assert modes.open_to_others(settings) == [secret]
