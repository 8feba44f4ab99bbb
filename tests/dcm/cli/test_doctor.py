"""`dcm doctor`: each thing a person can get wrong is found, and said with how it is mended."""

import json
import os
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from command import run

from dcm.domain.errors import SettingsError


def examined(home: Path, **environ: str) -> dict[str, dict[str, Any]]:
    """What was found, by what was looked at; the worst where there are several."""
    told = json.loads(run(home, "doctor", "--json", **environ).stdout)
    order = ["ok", "warning", "broken"]
    findings = sorted(told["findings"], key=lambda finding: order.index(finding["state"]))
    return {finding["check"]: finding for finding in findings}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("PORT 4000", "line 1 is not NAME=value"),
        ("DCM_PROT=4000", "line 1 sets DCM_PROT, which DCM does not know"),
        ("PROT=6150", "line 1 sets PROT (did you mean PORT?)"),
        ("DCM_SHARDS=1    # two are faster", "what follows the value of DCM_SHARDS"),
    ],
)
def test_doctor_finds_a_fault_in_the_env_file(home: Path, tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / ".env").write_text(f"{line}\n", encoding="utf-8")
    (tmp_path / ".env").chmod(0o600)
    told = json.loads(run(home, "doctor", "--json").stdout)
    found = next(finding for finding in told["findings"] if finding["check"] == ".env")
    assert says in found["says"]
    assert found["state"] == "warning"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"A=1\nPORT='6150\n", "line 2 cannot be read: a quote is not closed"),
        (b"A=1\nB=caf\xe9\n", "line 2 is not UTF-8"),
        (None, "cannot be read: is a directory"),
    ],
)
def test_an_env_file_that_cannot_be_read_is_one_sentence_of_every_command(
    home: Path, tmp_path: Path, content: bytes | None, says: str
) -> None:
    if content is None:
        (tmp_path / ".env").mkdir()
    else:
        (tmp_path / ".env").write_bytes(content)
    for command in ("status", "install", "migrate", "hooks"):
        refused = run(home, command).exception
        assert isinstance(refused, SettingsError)
        assert str(refused).startswith(f"{tmp_path}/.env ")
        assert says in str(refused)
    found = examined(home)
    assert (found[".env"]["state"], says in found[".env"]["says"], "settings" in found) == ("broken", True, False)


def test_doctor_finds_what_others_may_open_and_its_mend_closes_it(home: Path) -> None:
    dcm_home = home / ".dcm"
    dcm_home.mkdir(mode=0o700)
    assert examined(home)["files"]["state"] == "ok"
    log, folder = dcm_home / "old.log", dcm_home / "exports"
    log.touch()
    folder.mkdir()
    log.chmod(0o644)
    folder.chmod(0o755)
    found = examined(home)["files"]
    assert (found["state"], str(log) in found["says"], str(folder) in found["says"]) == ("warning", True, True)
    mend = found["mend"].removeprefix("Run `").removesuffix("`.")
    subprocess.run(["sh", "-c", mend], check=True)
    assert (log.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)
    assert examined(home)["files"]["state"] == "ok"


def test_doctor_finds_a_home_that_cannot_be_one(home: Path) -> None:
    file = home / "file"
    file.touch()
    assert "is not a folder" in examined(home, DCM_HOME=str(file))["DCM_HOME"]["says"]
    assert "cannot be made in" in examined(home, DCM_HOME=str(file / "x"))["DCM_HOME"]["says"]
    found = examined(home, DCM_HOME="/proc/nope")
    assert "broken" in {found[name]["state"] for name in ("DCM_HOME", "disk") if name in found}


def test_doctor_finds_a_home_that_is_another_one_elsewhere(home: Path) -> None:
    found = examined(home, DCM_HOME="here")["DCM_HOME"]
    assert (found["state"], found["mend"]) == ("warning", "Give its whole path.")


def test_doctor_says_once_what_to_do_about_a_port_that_is_taken(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = examined(home, DASHBOARD_PORT=str(port))["port"]
    assert "Stop" not in found["says"]
    assert found["mend"] == "Stop what uses it, or set DASHBOARD_PORT to another port."


def test_doctor_finds_a_setting_that_cannot_be_used(home: Path) -> None:
    found = examined(home, PORT="many")["settings"]
    assert (found["state"], "PORT is 'many'" in found["says"]) == ("broken", True)


def test_doctor_finds_a_home_and_a_secret_that_others_may_read(home: Path) -> None:
    folder = home / ".dcm"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "secret").write_text("x", encoding="ascii")
    (folder / "secret").chmod(0o644)
    found = examined(home)
    assert (found["DCM_HOME"]["state"], found["secret"]["state"]) == ("warning", "broken")
    assert found["secret"]["mend"] == f"Run `chmod 600 {folder / 'secret'}`."


@pytest.mark.contract("dcm doctor")
def test_doctor_finds_hooks_that_report_elsewhere_or_are_turned_off(home: Path) -> None:
    assert "does not report" in examined(home)["hooks"]["says"]
    run(home, "hooks", "--url", "http://127.0.0.1:4999")
    assert "they report to http://127.0.0.1:4999" in examined(home)["hooks"]["says"]
    run(home, "hooks")
    assert examined(home)["hooks"]["state"] == "ok"
    path = home / ".claude" / "settings.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"disableAllHooks": True}), encoding="utf-8")
    assert "disableAllHooks" in examined(home)["hooks"]["says"]


def test_doctor_takes_the_plugin_for_a_way_to_report(home: Path) -> None:
    (home / ".claude").mkdir()
    (home / ".claude" / "settings.json").write_text('{"enabledPlugins": {"dcm@dcm": true}}', encoding="utf-8")
    assert examined(home)["hooks"] == {"check": "hooks", "state": "ok", "says": "plugin", "mend": ""}


def test_doctor_finds_a_launcher_of_another_port_and_one_that_is_gone(home: Path) -> None:
    assert examined(home)["launcher"]["mend"] == "Run `dcm install`."
    run(home, "install", PORT="4999")
    assert "reports to http://127.0.0.1:4999" in examined(home)["launcher"]["says"]
    run(home, "install")
    assert examined(home)["launcher"]["state"] == "ok"


@pytest.mark.contract("dcm doctor")
def test_doctor_finds_a_database_without_the_schema_and_one_that_is_away(home: Path, postgres_url: str) -> None:
    bare = postgres_url.replace("/dcm?", "/postgres?")
    assert "0001_initial.sql" in examined(home, DCM_DATABASE_URL=bare)["schema"]["says"]
    away = examined(home, DCM_DATABASE_URL="postgresql://ada:hidden@127.0.0.1:1/x")["Postgres"]
    assert away["state"] == "broken"
    assert "hidden" not in away["says"]


def test_doctor_finds_a_claude_code_that_is_missing_or_too_old(home: Path, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    path = f"{programs}:/usr/bin:/bin"
    assert "not on the PATH" in examined(home, PATH=path)["Claude Code"]["says"]
    for version, state in (("2.1.100", "warning"), ("2.1.197", "ok")):
        (programs / "claude").write_text(f"#!/bin/sh\necho '{version} (Claude Code)'\n", encoding="ascii")
        (programs / "claude").chmod(0o755)
        assert examined(home, PATH=path)["Claude Code"]["state"] == state
    assert os.access(programs / "claude", os.X_OK)
