"""make: it prints its targets, and `make up` sets up what is missing before it runs DCM."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def make(*argv: str) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    asked = ["make", "--no-print-directory", *argv]
    return subprocess.run(asked, cwd=ROOT, env=environ, capture_output=True, text=True, check=True).stdout


@pytest.mark.contract("make without a target")
def test_make_alone_prints_every_target_with_what_it_does() -> None:
    declared = re.findall(r"^([a-z0-9]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert [line.split()[1] for line in make().splitlines()] == declared
    assert {"up", "test", "e2e", "check", "docs"} <= set(declared)


@pytest.mark.contract("make up")
def test_make_up_installs_builds_the_dashboard_and_runs_dcm_up() -> None:
    plan = make("--dry-run", "--always-make", "up")
    steps = [plan.index(step) for step in ("-m venv", "requirements.lock", "run build", "dcm up")]
    assert steps == sorted(steps)


@pytest.mark.parametrize(("code", "well"), [(0, True), (130, True), (143, True), (1, False)])
def test_make_up_that_is_stopped_is_no_error(code: int, well: bool) -> None:
    line = next(line for line in make("--dry-run", "up").splitlines() if "dcm up" in line)
    ended = subprocess.run(["sh", "-c", line.replace(".venv/bin/dcm up", f"(exit {code})")], check=False)
    assert (ended.returncode == 0) is well
