"""The pauses between starts that fail, and the log of what runs in the background."""

from pathlib import Path

import pytest

from dcm import autostart, child
from dcm.autostart import BackOff
from dcm.domain.errors import StartError
from dcm.embedded.places import make_home, places
from dcm.settings import Settings, load


@pytest.fixture
def alone(tmp_path: Path) -> Settings:
    """A DCM_HOME in which nothing runs, and ports nobody listens on."""
    make_home(tmp_path / "home")
    return load({"DCM_HOME": str(tmp_path / "home"), "PORT": "1", "DASHBOARD_PORT": "2", "WS_PORT": "3"})


def test_the_pause_doubles_from_ten_seconds_to_five_minutes_and_is_forgotten_after_a_success(alone: Settings) -> None:
    back_off = BackOff(alone)
    assert back_off.left(1000.0) <= 0
    assert [back_off.lengthen(1000.0) for _ in range(7)] == [10, 20, 40, 80, 160, 300, 300]
    assert back_off.left(1000.0) == 300
    assert back_off.left(1300.0) <= 0
    back_off.forget()
    assert back_off.lengthen(1000.0) == 10


def test_a_clock_that_was_set_back_and_a_file_that_cannot_be_read_hold_nobody_up(alone: Settings) -> None:
    back_off = BackOff(alone)
    back_off.lengthen(1_000_000.0)
    assert back_off.left(1000.0) <= 0
    (places(alone.home).run / "start.retry").write_text("[1e9", encoding="ascii")
    assert back_off.left(0.0) <= 0
    assert back_off.lengthen(0.0) == 10


def test_a_log_that_has_grown_large_is_set_aside_when_dcm_starts(
    alone: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = autostart.log_path(alone)
    log.write_bytes(b"x" * (child.LOG_LIMIT + 1))
    monkeypatch.setattr(autostart.sys, "executable", "/bin/true")
    autostart.start_in_background(alone).wait(10)
    assert log.read_bytes() == b""
    assert log.with_suffix(".1.log").stat().st_size > child.LOG_LIMIT


def test_two_of_one_home_cannot_be_started_in_the_background(alone: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    sleeper = alone.home / "sleeper"
    sleeper.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    sleeper.chmod(0o700)
    monkeypatch.setattr(autostart.sys, "executable", str(sleeper))
    first = autostart.start_in_background(alone)
    try:
        assert autostart.runs(alone)
        with pytest.raises(StartError, match=r"^DCM already runs in the background in "):
            autostart.start_in_background(alone)
    finally:
        first.kill()
        first.wait(10)
    assert not autostart.runs(alone)


def test_without_what_it_was_told_last_time_the_person_is_told_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"start\.json cannot be read: run `dcm install`\.$"):
        autostart.remembered(tmp_path)
