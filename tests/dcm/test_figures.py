"""The figures of several processes are told together, and each by its own name."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dcm.embedded.places import make_home, places
from dcm.figures import Together, text_of

PROGRAM = """
import pathlib, sys
from prometheus_client import Counter
from dcm import figures
Counter("dcm_test_total", "What was counted.", registry=figures.REGISTRY).inc(int(sys.argv[3]))
figures.tell(pathlib.Path(sys.argv[1]), sys.argv[2])
print("told", flush=True)
sys.stdin.read()
"""


class Processes:
    """Processes that count and tell."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.all: list[subprocess.Popen[str]] = []

    def start(self, name: str, count: int) -> "subprocess.Popen[str]":
        argv = [sys.executable, "-c", PROGRAM, str(self.home), name, str(count)]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.all.append(process)
        assert process.stdout
        assert process.stdout.readline() == "told\n"
        return process

    def told(self, figure: str) -> dict[str, float]:
        """{process: value} of a figure."""
        families = text_string_to_metric_families(text_of(Together(self.home)).decode())
        samples = [sample for family in families for sample in family.samples if sample.name == figure]
        return {sample.labels["process"]: sample.value for sample in samples}


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    make_home(tmp_path / "home")
    running = Processes(tmp_path / "home")
    yield running
    for process in running.all:
        process.kill()
        process.communicate()


def test_what_several_processes_count_is_told_together(processes: Processes) -> None:
    for name, count in (("api", 1), ("api", 2), ("clock", 4)):
        processes.start(name, count)
    assert processes.told("dcm_test_total") == {"api.1": 1, "api.2": 2, "clock.1": 4}
    assert processes.told("dcm_process_up") == {"api.1": 1, "api.2": 1, "clock.1": 1}
    assert processes.told("process_resident_memory_bytes")["clock.1"] > 1_000_000


def test_a_killed_process_is_told_as_not_up_until_another_takes_its_place(processes: Processes) -> None:
    gone = processes.start("ingest", 1)
    gone.kill()
    gone.wait()
    assert processes.told("dcm_process_up") == {"ingest.1": 0}
    assert processes.told("dcm_test_total") == {}
    processes.start("ingest", 3)
    assert processes.told("dcm_process_up") == {"ingest.1": 1}
    assert processes.told("dcm_test_total") == {"ingest.1": 3}


def test_a_process_that_ends_as_it_should_is_not_told_of(processes: Processes) -> None:
    done = processes.start("worker", 1)
    done.communicate("")
    assert processes.told("dcm_process_up") == {}


def test_nobody_else_may_ask_for_the_figures(processes: Processes) -> None:
    processes.start("api", 1)
    assert places(processes.home).figures_sockets.stat().st_mode & 0o077 == 0


def test_a_process_that_cannot_be_asked_works_all_the_same(processes: Processes) -> None:
    processes.home.joinpath("run", "figures").write_text("in the way")
    assert processes.start("api", 1).poll() is None
    assert processes.told("dcm_process_up") == {}
