"""The repository as a Claude Code plugin: its manifest, its hooks, and the script they run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from claude import REPOSITORY, wait_until
from stand_in import WELL, StandIn

from dcm import __version__
from dcm.domain.claude_settings import ENDPOINT

PATH = f"{Path(sys.executable).parent}:/usr/bin:/bin"
HOOKS = json.loads((REPOSITORY / "hooks" / "hooks.json").read_text(encoding="utf-8"))["hooks"]
HTTP = {"SubagentStart", "SubagentStop", "StopFailure", "Notification"}
COMMANDS = {"SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure"}
COMMANDS |= {"PermissionRequest", "Stop", "PreCompact", "PostCompact", "SessionEnd"}


SCRIPT = 'r="${CLAUDE_PLUGIN_ROOT}/hooks/report.sh"; [ -r "$r" ] && . "$r"; '
SCRIPT += 'l="${DCM_HOME:-$HOME/.dcm}/launcher"; [ -x "$l" ] && exec "$l" hook; exec cat >/dev/null'


def entry(event: str) -> dict[str, object]:
    """The one hook of an event."""
    [group] = HOOKS[event]
    [only] = group["hooks"]
    assert isinstance(only, dict)
    return only


@pytest.mark.contract("HOOK the registration of the plugin")
def test_exactly_these_events_are_registered_each_for_every_matcher() -> None:
    assert set(HOOKS) == HTTP | COMMANDS
    assert all("matcher" not in group for groups in HOOKS.values() for group in groups)


@pytest.mark.parametrize("event", sorted(HTTP))
def test_http_hooks_report_to_the_default_port_with_the_token_that_is_set_and_are_given_up_soon(event: str) -> None:
    assert entry(event) == {
        "type": "http",
        "url": f"http://127.0.0.1:3847{ENDPOINT}",
        "headers": {"Authorization": "Bearer $DCM_TOKEN"},
        "allowedEnvVars": ["DCM_TOKEN"],
        "timeout": 0.3,
    }


@pytest.mark.parametrize("event", sorted(COMMANDS))
def test_commands_run_the_plugins_script_with_a_limit_of_seconds(event: str) -> None:
    one = entry(event)
    only = "launcher_only=1; " if event == "SessionStart" else ""
    assert (one["type"], one["command"]) == ("command", only + SCRIPT)
    assert one["timeout"] in {2, 3, 5}


def test_the_manifest_names_this_version_and_the_marketplace_this_folder() -> None:
    manifest = json.loads((REPOSITORY / ".claude-plugin" / "plugin.json").read_text(encoding="utf-8"))
    market = json.loads((REPOSITORY / ".claude-plugin" / "marketplace.json").read_text(encoding="utf-8"))
    assert (manifest["name"], manifest["version"]) == ("dcm", __version__)
    assert [(plugin["name"], plugin["source"]) for plugin in market["plugins"]] == [("dcm", "./")]


def run(home: Path, payload: bytes, command: str = SCRIPT, **environ: str) -> subprocess.CompletedProcess[bytes]:
    """Run a hook's command as Claude Code would, in this home."""
    return subprocess.run(
        ["/bin/sh", "-c", command],
        input=payload,
        capture_output=True,
        env={"HOME": str(home), "PATH": PATH, "CLAUDE_PLUGIN_ROOT": str(REPOSITORY), **environ},
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


@pytest.mark.parametrize("event", sorted(COMMANDS))
def test_a_session_whose_plugin_folder_an_update_removed_still_runs_the_launcher(event: str, tmp_path: Path) -> None:
    gone, command = str(tmp_path / "0.0.9"), str(entry(event)["command"])
    done = run(tmp_path, b"x" * 5_000_000, command, CLAUDE_PLUGIN_ROOT=gone)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    launcher(tmp_path / ".dcm")
    done = run(tmp_path, b"12345", command, CLAUDE_PLUGIN_ROOT=gone)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, [b"hook:5"], b"")


def test_without_a_launcher_an_event_is_posted_to_the_servers_address(tmp_path: Path) -> None:
    with StandIn(WELL) as server:
        payload = {"hook_event_name": "PostToolUse", "session_id": "s"}
        done = run(tmp_path, json.dumps(payload).encode(), CONTEXT_MANAGER_URL=server.url)
        wait_until(lambda: server.events() == {"PostToolUse"})
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_without_a_launcher_session_start_reads_all_and_is_silent(tmp_path: Path) -> None:
    with StandIn(WELL) as server:
        command = str(entry("SessionStart")["command"])
        done = run(tmp_path, b"x" * 5_000_000, command, CONTEXT_MANAGER_URL=server.url)
        assert server.events() == set()
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.contract("HOOK nothing shown when DCM is away")
def test_without_launcher_and_python_the_script_reads_all_and_is_silent(tmp_path: Path) -> None:
    (tmp_path / "cat").symlink_to("/bin/cat")
    done = run(tmp_path, b"x" * 5_000_000, PATH=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
