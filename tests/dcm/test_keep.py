import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dcm import child, lease, ports
from dcm.child import Program
from dcm.domain.errors import StartError
from dcm.keep import Keeper
from dcm.lines import STORES
from dcm.settings import load
from dcm.wake import Wake

FAMILY = "import os, time; os.fork() or print('two', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


def python(code: str, **options: object) -> Program:
    return Program(argv=(sys.executable, "-c", code), **options)  # type: ignore[arg-type]


def wait_for_word(process: "subprocess.Popen[bytes]", log: Path, word: bytes) -> None:
    while word not in log.read_bytes():
        assert process.poll() is None


def test_a_lock_is_held_until_the_last_of_a_family_is_dead(tmp_path: Path) -> None:
    lock, log = tmp_path / "line.child", tmp_path / "log"
    process = child.start(python(FAMILY, log=log), lock)
    wait_for_word(process, log, b"two")
    assert lease.read_pid(lock) == process.pid
    process.kill()
    process.wait()
    assert lease.held(lock), "the fork lives on"
    assert child.end(python(FAMILY), lock)
    assert not lease.held(lock)


def test_one_that_does_not_hear_a_polite_word_is_ended_all_the_same(tmp_path: Path) -> None:
    lock, log = tmp_path / "line.child", tmp_path / "log"
    program = python(STUBBORN, log=log, grace=0.1)
    process = child.start(program, lock)
    wait_for_word(process, log, b"deaf")
    assert child.end(program, lock)
    assert process.wait() == -signal.SIGKILL


def test_a_second_of_its_kind_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    lock = tmp_path / "line.child"
    process = child.start(python("import time; time.sleep(60)"), lock)
    with pytest.raises(StartError, match=f"process {process.pid} is still running"):
        child.start(python("pass"), lock)
    child.end(python(""), lock)
    process.wait()


def test_nobody_is_signalled_on_the_word_of_a_stale_number(tmp_path: Path) -> None:
    lock = tmp_path / "line.child"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        lock.write_text(str(stranger.pid))
        assert child.end(python(""), lock)
        assert stranger.poll() is None


def test_a_large_log_is_set_aside_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "LOG_LIMIT", 3)
    log = tmp_path / "store.log"
    log.write_text("old and long")
    child.start(python("print('new')", log=log), tmp_path / "lock").wait()
    assert log.read_text() == "new\n"
    assert log.with_suffix(".1.log").read_text() == "old and long"


def test_a_taken_port_is_named_with_its_owner_and_its_variable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=rf"Port {port} \(the API\) cannot be used: process {os.getpid()} .* PORT"):
            ports.require_free("127.0.0.1", port, "PORT", "the API")
    ports.require_free("127.0.0.1", port, "PORT", "the API")


def test_an_address_of_another_machine_is_refused_in_a_sentence() -> None:
    with pytest.raises(StartError, match="cannot be used"):
        ports.require_free("192.0.2.1", 3847, "PORT", "the API")


@pytest.fixture
def wake() -> Iterator[Wake]:
    """A keeper's wake; the signals are this process's own again afterwards."""
    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
    before = [signal.getsignal(sign) for sign in signals]
    yield Wake()
    signal.set_wakeup_fd(-1)
    for sign, handler in zip(signals, before, strict=True):
        signal.signal(sign, handler)


def test_a_store_of_ones_own_is_asked_once_a_second_though_each_question_ends_a_child(
    tmp_path: Path, wake: Wake
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    settings = load(
        {"DCM_HOME": str(tmp_path), "DCM_DATABASE_URL": f"postgresql://127.0.0.1:{port}/dcm", "MAX_DB_RETRIES": "1"}
    )
    began = time.monotonic()
    with pytest.raises(StartError, match="does not answer"):
        Keeper("api", settings, wake, first=True)._await(STORES["postgres"])
    assert time.monotonic() - began >= 1.0
