"""The three ways in which the real client's hooks find DCM, and what the model gets of its answers."""

from collections.abc import Callable
from pathlib import Path

import claude as harness
import pytest
from claude import Claude, Missing, client_binary, plugin_copy, wait_until
from click.testing import CliRunner
from scripted_model import Call, Say, Scenario, ScriptedModel, Step
from stand_in import WELL, StandIn, reply

from dcm.cli.main import dcm
from dcm.launcher import write_launcher
from dcm.settings import load

pytestmark = pytest.mark.e2e

A_SESSION = Scenario(main=[Call("Bash", {"command": "ls"}), Call("Bash", {"command": "false"}), Say("Done so far.")])
ITS_EVENTS = {
    "SessionStart",
    "UserPromptSubmit",
    "PreToolUse",
    "PostToolUse",
    "PostToolUseFailure",
    "Stop",
    "SessionEnd",
}


def test_the_brief_reaches_the_model_and_the_instructions_its_summariser(
    reporting: Callable[..., Claude], model: ScriptedModel
) -> None:
    model.play(A_SESSION)
    brief = reply(
        "200 OK", b'{"hookSpecificOutput": {"hookEventName": "SessionStart", "additionalContext": "A BRIEF"}}'
    )
    instructions = reply("200 OK", b"KEEP THE ERRORS", "text/plain")
    with StandIn(WELL, {"SessionStart": brief, "PreCompact": instructions}) as server:
        claude = reporting(server.port)
        session = claude.prompt("build it").session_id
        claude.compact(session)
        claude.prompt("go on", resume=session)
        assert server.sources() == ["startup", "resume", "compact", "resume"]
    [compaction] = [request for request in model.turns() if request.is_compaction]
    assert "KEEP THE ERRORS" in compaction.text
    assert "A BRIEF" in model.turns()[-1].text


def test_hooks_added_to_the_settings_report_too(client: Callable[..., Claude], model: ScriptedModel) -> None:
    model.play(A_SESSION)
    with StandIn(WELL) as server:
        claude = client()
        home = {"HOME": str(claude.home), "DCM_HOME": str(claude.home / "my dcm"), "PORT": str(server.port)}
        for command in ("install", "hooks"):
            assert CliRunner().invoke(dcm, [command], env={"CLAUDE_CONFIG_DIR": None, **home}).exit_code == 0
        assert claude.prompt("build it").stderr == ""
        wait_until(lambda: server.events() == ITS_EVENTS)


def test_a_plugin_from_the_marketplace_reports_whatever_its_version(
    client: Callable[..., Claude], model: ScriptedModel, tmp_path: Path
) -> None:
    model.play(A_SESSION)
    with StandIn(WELL) as server:
        claude = client()
        write_launcher(load({"HOME": str(claude.home), "PORT": str(server.port)}))
        copy = plugin_copy(tmp_path / "a market", server.port)
        manifest = copy / ".claude-plugin" / "plugin.json"
        manifest.write_text(
            manifest.read_text(encoding="utf-8").replace('"version": "', '"version": "9'), encoding="utf-8"
        )
        assert claude.run("plugin", "marketplace", "add", str(copy)).code == 0
        assert claude.run("plugin", "install", "dcm@dcm").code == 0
        assert claude.prompt("build it").stderr == ""
        wait_until(lambda: server.events() == ITS_EVENTS)


def test_a_compacting_subagent_follows_its_script_to_the_end(
    reporting: Callable[..., Claude], model: ScriptedModel
) -> None:
    task = {"description": "look", "prompt": "SUBMARK look around", "subagent_type": "general-purpose"}
    look, look_more = Call("Bash", {"command": "ls"}), Call("Bash", {"command": "echo more"}, tokens=100_000)
    steps: list[Step] = [look, look_more, look, Say("I looked.")]
    model.play(Scenario(main=[Call("Agent", task), Say("All is well.")], subagents={"SUBMARK": steps}))
    with StandIn(WELL) as server:
        claude = reporting(server.port, environ={"CLAUDE_CODE_AUTO_COMPACT_WINDOW": "100000"})
        done = claude.prompt("build it")
        assert server.sources() == ["startup", "compact"]
    assert done.text == "All is well."
    assert [request.is_compaction for request in model.turns("SUBMARK")] == [False, False, True, False, False]
    assert "compact_boundary" not in claude.transcript(done.session_id).read_text(encoding="utf-8")


def test_a_missing_client_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "INSTALLED", tmp_path)
    with pytest.raises(Missing, match="run `make client`"):
        client_binary()
