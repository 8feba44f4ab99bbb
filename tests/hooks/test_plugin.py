"""The repository as a Claude Code plugin: its manifest, its hooks, and the script they run."""

import json
import subprocess
from pathlib import Path

import pytest
from claude import REPOSITORY

from dcm import __version__
from dcm.domain.claude_settings import ENDPOINT

HOOKS = json.loads((REPOSITORY / "hooks" / "hooks.json").read_text(encoding="utf-8"))["hooks"]
HTTP = {"SubagentStart", "SubagentStop", "StopFailure", "Notification", "PermissionRequest"}
COMMANDS = {"SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure"}
COMMANDS |= {"Stop", "PreCompact", "PostCompact", "SessionEnd"}


def entry(event: str) -> dict[str, object]:
    """The one hook of an event."""
    [group] = HOOKS[event]
    [only] = group["hooks"]
    assert isinstance(only, dict)
    return only


def test_exactly_these_events_are_registered_each_for_every_matcher() -> None:
    assert set(HOOKS) == HTTP | COMMANDS
    assert all("matcher" not in group for groups in HOOKS.values() for group in groups)


@pytest.mark.parametrize("event", sorted(HTTP))
def test_http_hooks_report_to_the_default_port_and_are_given_up_soon(event: str) -> None:
    assert entry(event) == {"type": "http", "url": f"http://127.0.0.1:3847{ENDPOINT}", "timeout": 0.3}


@pytest.mark.parametrize("event", sorted(COMMANDS))
def test_commands_run_the_plugins_script_with_a_limit_of_seconds(event: str) -> None:
    one = entry(event)
    assert (one["type"], one["command"]) == ("command", '. "${CLAUDE_PLUGIN_ROOT}/hooks/report.sh"')
    assert one["timeout"] in {2, 3, 5}


def test_the_manifest_names_this_version_and_the_marketplace_this_folder() -> None:
    manifest = json.loads((REPOSITORY / ".claude-plugin" / "plugin.json").read_text(encoding="utf-8"))
    market = json.loads((REPOSITORY / ".claude-plugin" / "marketplace.json").read_text(encoding="utf-8"))
    assert (manifest["name"], manifest["version"]) == ("dcm", __version__)
    assert [(plugin["name"], plugin["source"]) for plugin in market["plugins"]] == [("dcm", "./")]


def run(home: Path, payload: bytes, **environ: str) -> subprocess.CompletedProcess[bytes]:
    """Run the script as Claude Code would, in this home."""
    return subprocess.run(
        ["/bin/sh", "-c", '. "${CLAUDE_PLUGIN_ROOT}/hooks/report.sh"'],
        input=payload,
        capture_output=True,
        env={"HOME": str(home), "PATH": "/usr/bin:/bin", "CLAUDE_PLUGIN_ROOT": str(REPOSITORY), **environ},
        timeout=20,
        check=False,
    )


def launcher(folder: Path) -> None:
    folder.mkdir(parents=True)
    path = folder / "launcher"
    path.write_text('#!/bin/sh\necho "$1:$(cat | wc -c)"\n', encoding="utf-8")
    path.chmod(0o700)


def test_the_script_runs_the_launcher_of_the_home(tmp_path: Path) -> None:
    launcher(tmp_path / ".dcm")
    assert run(tmp_path, b"12345").stdout.split() == [b"hook:5"]


def test_the_script_runs_the_launcher_of_dcm_home_which_may_hold_spaces(tmp_path: Path) -> None:
    launcher(tmp_path / "my dcm")
    assert run(tmp_path, b"123", DCM_HOME=str(tmp_path / "my dcm")).stdout.split() == [b"hook:3"]


def test_without_a_launcher_the_script_reads_all_and_is_silent(tmp_path: Path) -> None:
    done = run(tmp_path, b"x" * 5_000_000)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
