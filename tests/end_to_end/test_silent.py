"""Whatever DCM's server does, the person sees nothing of it and Claude does not wait for it.

A second hook on every event, which writes the event's name into a file, proves that each one fired.
"""

import json
import re
import time
from collections.abc import Callable, Mapping

import pytest
from claude import PROMPT, REPOSITORY, Claude, Screen, wait_until
from scripted_model import ApiError, Call, Say, Scenario, ScriptedModel
from stand_in import BUSY, GARBAGE, NOISE, SILENCE, WELL, Refusing, StandIn

pytestmark = pytest.mark.e2e

REGISTERED = set(json.loads((REPOSITORY / "hooks" / "hooks.json").read_text(encoding="utf-8"))["hooks"])
SERVERS: Mapping[str, Callable[[], Refusing | StandIn]] = {
    "well": lambda: StandIn(WELL),
    "down": Refusing,
    "never answers": lambda: StandIn(SILENCE),
    "busy": lambda: StandIn(BUSY),
    "garbage": lambda: StandIn(GARBAGE),
}
NOT_HTTP = {"not HTTP": lambda: StandIn(NOISE)}
"""As garbage for an http hook; a trial for the client of the commands."""

TROUBLE = re.compile(
    r"hookerror|hookwarning|hooktimedout|hookerroroccurred|outputdiscarded|\]failed|returnedblocking"
    r"|ECONN|EPIPE|HTTP503|Valkey|non-JSON|<html>|notevenHTTP|Hookcancelled"
)
SUBAGENT = {"description": "look", "prompt": "SUBMARK look around", "subagent_type": "general-purpose"}
SCENARIO = Scenario(
    main=[
        Call("Bash", {"command": "ls"}),
        Call("Bash", {"command": "false"}),
        Call("Agent", SUBAGENT),
        Call("Bash", {"command": "touch asked-for"}),
        Say("First part done."),
        ApiError(400),
    ],
    subagents={"SUBMARK": [Call("Bash", {"command": "ls"}), Call("Bash", {"command": "false"})]},
)
ALLOWED = ("--allowedTools", "Bash(ls),Bash(false),Agent")


def fired(claude: Claude) -> set[str]:
    """The events that the second hook saw."""
    seen = claude.home / "seen"
    text = seen.read_text(encoding="utf-8") if seen.exists() else ""
    return set(re.findall(r'"hook_event_name":"(\w+)"', text))


def watch_events(claude: Claude) -> None:
    """Add the second hook to the person's own settings."""
    command = {"type": "command", "command": 'cat >>"$HOME/seen"'}
    hooks = {event: [{"hooks": [command]}] for event in REGISTERED}
    claude.settings.parent.mkdir(parents=True, exist_ok=True)
    claude.settings.write_text(json.dumps({"hooks": hooks}), encoding="utf-8")


def play_every_event(claude: Claude, screen: Screen) -> dict[str, float]:
    """Make every registered event fire; tells how long each part took."""
    took = {}

    def lap(name: str, since: float) -> None:
        took[name] = time.monotonic() - since

    screen.wait_for(PROMPT)
    start = time.monotonic()
    screen.say("build it please")
    screen.wait_for("Do you want to proceed?")
    lap("tools", start)
    screen.wait_for(lambda _: "Notification" in fired(claude))
    start = time.monotonic()
    screen.press("Enter")
    screen.wait_for("First part done.")
    screen.wait_for(lambda _: "Stop" in fired(claude))
    lap("allowed", start)
    screen.press("C-o")
    screen.wait_for("Showing detailed transcript")
    screen.press("C-e")
    screen.wait_for("ctrl+e to collapse")
    screen.press("C-o")
    screen.wait_for(lambda shown: "Showing detailed transcript" not in shown)
    start = time.monotonic()
    screen.say("go on please")
    screen.wait_for("API Error")
    screen.wait_for(lambda _: "StopFailure" in fired(claude))
    lap("api error", start)
    start = time.monotonic()
    screen.say("/compact")
    screen.wait_for("Compacted")
    lap("compact", start)
    start = time.monotonic()
    screen.say("/exit")
    screen.wait_for_exit()
    lap("exit", start)
    return took


LIMITS = {"tools": 5.0, "allowed": 3.0, "api error": 3.0, "compact": 6.5, "exit": 3.0}
"""Seconds each part may take on a busy machine; without hooks each takes well under one. A server that never
answers costs 0.5 s once in ten seconds, 0.3 s at each http hook, and 3.5 s at a compaction."""


@pytest.mark.parametrize("state", SERVERS)
def test_the_person_sees_nothing_of_a_server_that_is(
    state: str, reporting: Callable[..., Claude], model: ScriptedModel
) -> None:
    model.play(SCENARIO)
    with SERVERS[state]() as server:
        claude = reporting(server.port)
        watch_events(claude)
        with claude.screen(*ALLOWED) as screen:
            took = play_every_event(claude, screen)
            drawn = screen.drawn()
        assert fired(claude) == REGISTERED
        if isinstance(server, StandIn):
            wait_until(lambda: server.events() == REGISTERED)
    assert not TROUBLE.findall(drawn)
    assert {name: seconds for name, seconds in took.items() if seconds > LIMITS[name]} == {}


@pytest.mark.parametrize("state", [*SERVERS, *NOT_HTTP])
def test_a_run_in_print_mode_says_nothing_of_a_server_that_is(
    state: str, reporting: Callable[..., Claude], model: ScriptedModel
) -> None:
    model.play(SCENARIO)
    with {**SERVERS, **NOT_HTTP}[state]() as server:
        claude = reporting(server.port)
        done = claude.prompt("build it please")
        compacted = claude.compact(done.session_id)
    assert (done.text, done.stderr) == ("First part done.", "")
    assert (compacted.json["is_error"], compacted.stderr) == (False, "")
    assert done.seconds < 6
    assert compacted.seconds < (10 if state == "never answers" else 4)


def test_without_a_launcher_the_commands_are_silent_however_large_the_payload(
    reporting: Callable[..., Claude], model: ScriptedModel
) -> None:
    large = Call("Write", {"file_path": "large.txt", "content": "x" * 2_000_000})
    model.play(Scenario(main=[large, Say("Written.")]))
    with StandIn(WELL) as server:
        claude = reporting(server.port)
        (claude.home / ".dcm" / "launcher").unlink()
        with claude.screen("--allowedTools", "Write") as screen:
            screen.wait_for(PROMPT)
            screen.say("write much please")
            screen.wait_for("Written.")
            assert not TROUBLE.findall(screen.drawn())
        assert server.events() == set()


def test_an_http_hook_on_a_tool_would_be_seen_when_the_server_is_down(
    client: Callable[..., Claude], model: ScriptedModel
) -> None:
    """Why tool events are commands; and proof that these tests would notice."""
    model.play(SCENARIO)
    with Refusing() as server:
        claude = client()
        entry = {"type": "http", "url": f"{server.url}/api/hooks/claude", "timeout": 1}
        claude.settings.parent.mkdir(parents=True, exist_ok=True)
        claude.settings.write_text(json.dumps({"hooks": {"PreToolUse": [{"hooks": [entry]}]}}), encoding="utf-8")
        with claude.screen(*ALLOWED) as screen:
            screen.wait_for(PROMPT)
            screen.say("build it please")
            screen.wait_for("hook error")
            screen.wait_for(lambda _: bool(TROUBLE.findall(screen.drawn())))
