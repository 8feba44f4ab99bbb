"""What lies in deploy/ starts what the Procfile starts, on loopback, from files that exist."""

import configparser
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from dcm.cli.main import COMMANDS
from dcm.environment import PROCFILE_ORDER
from dcm.lines import SERVICES

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
BIN = "%h/dcm/.venv/bin"
ALONE = {"dcm": ["up"], "dcm-relay": ["relay"]}
"""Units that run a command, and which."""


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return found


def dockerfile() -> list[list[str]]:
    """Its instructions, each a list of words."""
    text = re.sub(r"\\\n", " ", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    return [line.split() for line in text.splitlines() if line and not line.startswith("#")]


def test_every_line_of_the_procfile_has_a_service_that_runs_the_same(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {*PROCFILE_ORDER, "migrate"}
    for name, line in SERVICES.items():
        assert compose["services"][name]["command"] == ["python", "-m", *line.run]
    assert compose["services"]["migrate"]["command"] == ["python", "-m", "dcm", "migrate"]


def test_every_published_port_is_on_loopback(compose: dict[str, Any]) -> None:
    published = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert published == [f"127.0.0.1:{port}:{port}" for port in (3847, 3848, 3849)]


def test_backups_outlive_their_container(compose: dict[str, Any]) -> None:
    assert "backups" in compose["volumes"]
    assert "backups:/home/dcm/.dcm/backups" in compose["services"]["clock"]["volumes"]
    assert any("/home/dcm/.dcm/backups" in words for words in dockerfile() if words[0] == "RUN")


def test_secrets_must_be_given_and_have_no_default(compose: dict[str, Any]) -> None:
    for name in (*SERVICES, "migrate"):
        told = compose["services"][name]["environment"]
        for secret in ("WS_AUTH_SECRET", "DB_PASSWORD"):
            assert told[secret].startswith(f"${{{secret}:?"), f"{name}: {secret}"
    assert compose["services"]["postgres"]["environment"]["POSTGRES_PASSWORD"].startswith("${DB_PASSWORD:?")


def test_every_image_says_its_version_and_postgres_is_new_enough(compose: dict[str, Any]) -> None:
    ours = {"dcm", "packages", "dashboard"}
    images = [service["image"] for service in compose["services"].values()]
    images += [words[1] for words in dockerfile() if words[0] == "FROM"]
    for image in set(images) - ours:
        assert re.search(r":\d", image), f"{image} names no version"
        assert "latest" not in image
    assert int(compose["services"]["postgres"]["image"].partition(":")[2].partition("-")[0]) >= 16


def test_what_the_dockerfile_copies_exists_and_every_package_is_copied() -> None:
    copied = [words[1:] for words in dockerfile() if words[0] == "COPY" and not words[1].startswith("--from")]
    sources = [source for words in copied for source in words[:-1]]
    assert [source for source in sources if not (ROOT / source).exists()] == []
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages <= set(sources)


def test_the_image_does_not_run_as_root_and_says_how_it_is() -> None:
    instructions = [words[0] for words in dockerfile()]
    assert ["USER", "dcm"] in dockerfile()
    assert instructions.index("USER") > len(instructions) - 5
    assert "HEALTHCHECK" in instructions


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_names_a_program_that_exists_and_no_persons_folder(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    unit = configparser.RawConfigParser(strict=True)
    unit.read_string(text)
    assert "/home/" not in text
    assert unit["Service"]["PrivateTmp"] == "true"
    assert unit["Service"]["Restart"] == "on-failure"
    assert unit["Install"]["WantedBy"] == "default.target"
    program, *rest = shlex.split(unit["Service"]["ExecStart"])
    if path.stem in ALONE:
        assert (program, rest) == (f"{BIN}/dcm", ALONE[path.stem])
    else:
        assert (program, rest) == (f"{BIN}/python", ["-m", *SERVICES[path.stem.removeprefix("dcm-")].run])
    before = shlex.split(unit["Service"].get("ExecStartPre", f"{BIN}/dcm up"))
    assert before[0] == f"{BIN}/dcm"
    assert before[1] in COMMANDS


def test_there_is_a_unit_for_all_of_dcm_one_for_each_process_and_one_for_the_relay() -> None:
    assert {path.stem for path in UNITS} == {*ALONE, *(f"dcm-{name}" for name in SERVICES)}
