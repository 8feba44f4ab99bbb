"""Two reporters on one machine: plugin and settings at once, and a plugin, launcher and client of different ages."""

import itertools
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from api_server import ApiServer, OwnValkey, serving, wait_for
from claude import REPOSITORY

import dcm.launcher
from db import briefs
from dcm.broker import compaction_key
from dcm.domain.claude_settings import our_hooks
from dcm.domain.compactions import Subject
from dcm.domain.snapshots import Snapshot
from dcm.domain.streams import moment
from dcm.launcher import write_launcher
from dcm.settings import load

OLDER = Path(__file__).parent / "older"
NEWER = REPOSITORY / "hooks"
PLUGIN = json.loads((NEWER / "hooks.json").read_text(encoding="utf-8"))["hooks"]
OLDER_COMMAND = '. "${CLAUDE_PLUGIN_ROOT}/hooks/report.sh"'
SESSION = {"session_id": "s1", "cwd": "/w"}
COMPACTED = {**SESSION, "hook_event_name": "SessionStart", "source": "compact"}


@pytest.fixture
def server(database_url: str) -> Iterator[ApiServer]:
    """An API with stores of its own, and nobody who makes briefs."""
    home = Path(tempfile.mkdtemp(prefix="dcm-hooks-"))
    own = OwnValkey(home)
    try:
        with serving(own, database_url) as running:
            yield running
    finally:
        own.close()
        shutil.rmtree(home)


class Machine:
    """What Claude Code runs for an event, by the plugin and by the settings."""

    def __init__(self, folder: Path, server: ApiServer) -> None:
        self.folder, self.server = folder, server
        self.home = folder / ".dcm"
        self.settings = load({"DCM_HOME": str(self.home), "PORT": str(server.port), "DCM_AUTOSTART": "0"})
        self.launcher = write_launcher(self.settings)
        self.plugin = NEWER.parent

    def old_plugin(self) -> None:
        """Claude Code has a copy of an older version of the plugin."""
        self.plugin = self.folder / "cache" / "dcm" / "0.1.0"
        shutil.copytree(OLDER, self.plugin / "hooks")

    def old_launcher(self) -> None:
        """An older DCM left the launcher."""
        known = {
            "python": sys.executable,
            "client": dcm.launcher.CLIENT,
            "url": f"http://127.0.0.1:{self.server.port}",
            "slow_mark": self.home / "slow",
        }
        text = (OLDER / "launcher.template").read_text(encoding="utf-8")
        self.launcher.write_text(
            text.format(**{name: shlex.quote(str(told)) for name, told in known.items()}), encoding="utf-8"
        )

    def by_plugin(self, event: str) -> str:
        if self.plugin != NEWER.parent:
            return ("launcher_only=1; " if event == "SessionStart" else "") + OLDER_COMMAND
        return str(PLUGIN[event][0]["hooks"][0]["command"])

    def by_settings(self, event: str) -> str:
        ours = our_hooks(PLUGIN, f"http://127.0.0.1:{self.server.port}", str(self.launcher))
        return str(ours[event][0]["hooks"][0]["command"])

    def fire(self, command: str, payload: dict[str, str]) -> "subprocess.Popen[bytes]":
        """Run a hook's command beside the test."""
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin", "CLAUDE_PLUGIN_ROOT": str(self.plugin)},
        )
        assert process.stdin
        process.stdin.write(json.dumps(payload).encode())
        process.stdin.close()
        process.stdin = None
        return process


def said(process: "subprocess.Popen[bytes]") -> str:
    """What a hook printed; it never fails nor complains."""
    output, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, b"")
    return output.decode()


def compact(server: ApiServer, brief: str) -> None:
    """A compaction whose brief is ready."""
    assert server.hook({**SESSION, "hook_event_name": "PreCompact"}).status == 200
    began = moment(server.valkey.client.get(compaction_key("s1")))
    with psycopg.connect(server.database_url, autocommit=True) as conn:
        briefs.keep(conn, Snapshot(session_id="s1", trigger="auto", saved_at=began, folder="/w"), brief, Subject.MAIN)


@pytest.mark.contract("HOOK fired twice, stored and answered once", "HOOK a session is restored after a compaction")
def test_a_compaction_reported_by_plugin_and_settings_at_once_is_answered_once(
    server: ApiServer, tmp_path: Path
) -> None:
    machine = Machine(tmp_path, server)
    for number in range(5):
        compact(server, f"brief {number} of {datetime.now(UTC)}")
        fired = [
            machine.fire(command, COMPACTED)
            for command in (machine.by_plugin("SessionStart"), machine.by_settings("SessionStart"))
        ]
        answers = [answer for answer in map(said, fired) if answer]
        assert len(answers) == 1
        assert f"brief {number} of" in json.loads(answers[0])["hookSpecificOutput"]["additionalContext"]


@pytest.mark.parametrize("ages", list(itertools.product(("older", "newer"), repeat=3)), ids="-".join)
def test_plugin_launcher_and_client_of_different_versions_work_together(
    server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ages: tuple[str, str, str]
) -> None:
    plugin, launcher, client = ages
    monkeypatch.setattr(dcm.launcher, "CLIENT", (OLDER if client == "older" else NEWER) / "client.py")
    machine = Machine(tmp_path, server)
    if plugin == "older":
        machine.old_plugin()
    if launcher == "older":
        machine.old_launcher()
    compact(server, "where it stood")
    assert "where it stood" in said(machine.fire(machine.by_plugin("SessionStart"), COMPACTED))
    before = len(server.valkey.payloads())
    for event in ("PreToolUse", "Stop"):
        assert said(machine.fire(machine.by_plugin(event), {**SESSION, "hook_event_name": event})) == ""
    wait_for(lambda: len(server.valkey.payloads()) == before + 2, "both events' acceptance")
