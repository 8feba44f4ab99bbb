"""Runs `dcm` for tests: in this process, or as a person does."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from dcm import lease
from dcm.cli.main import dcm
from dcm.embedded.places import places

UNSET = ("DCM_HOME", "CLAUDE_CONFIG_DIR", "CONTEXT_MANAGER_URL", "PORT", "DCM_PORT", "HOST", "DB_USER", "WS_PORT")
"""What the caller's environment may say of DCM and Claude Code."""


def run(home: Path, *arguments: str, typed: str | None = None, **environ: str) -> Result:
    """Run `dcm` in this process, in this home."""
    unset: dict[str, str | None] = dict.fromkeys(UNSET)
    return CliRunner().invoke(dcm, arguments, input=typed, env={**unset, "HOME": str(home), **environ})


def answer(result: Result, code: int = 0) -> Any:
    """What a command printed for a script."""
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def execute(home: Path, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Run `dcm` in a process of its own, to its end."""
    kept = {name: value for name, value in os.environ.items() if name not in UNSET and not name.startswith("DCM_")}
    return subprocess.run(
        [sys.executable, "-m", "dcm", *arguments],
        env={**kept, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(home), **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def held_locks(home: Path) -> list[str]:
    """The locks of a DCM_HOME that somebody holds: none when nothing of it runs."""
    return sorted(path.name for path in places(home).run.glob("*") if path.is_file() and lease.held(path))
