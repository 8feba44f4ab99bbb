"""The real client exports its telemetry to DCM: tokens and cost are those of the model, each answer once."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from claude import Claude, wait_until
from scripted_model import OUTPUT_TOKENS, ApiError, Call, Say, Scenario, ScriptedModel
from system import DCM, System

pytestmark = pytest.mark.e2e

SUBAGENT = {"description": "look", "prompt": "SUBMARK look around", "subagent_type": "general-purpose"}
SCENARIO = Scenario(
    main=[Call("Bash", {"command": "ls"}, 4000), Call("Agent", SUBAGENT, 7000), Say("Done.", 9000), ApiError(400)],
    subagents={"SUBMARK": [Call("Bash", {"command": "ls"}, 3000), Say("Looked.", 2000)]},
)
SUBAGENT_TOKENS = 5000


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One DCM for the module, with embedded stores."""
    running = System(tmp_path_factory.mktemp("dcm"), DCM, "up").wait_up()
    yield running
    running.stop()


def switch_on(claude: Claude, port: int, protocol: str, *signals: str) -> None:
    """What docs/telemetry.md says to put into the settings, with intervals for a test."""
    environ = {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "OTEL_METRIC_EXPORT_INTERVAL": "200",
        "OTEL_LOGS_EXPORT_INTERVAL": "200",
        **{f"OTEL_{signal}_EXPORTER": "otlp" for signal in signals},
    }
    claude.settings.parent.mkdir(parents=True, exist_ok=True)
    claude.settings.write_text(json.dumps({"env": environ}), encoding="utf-8")


def play(claude: Claude, model: ScriptedModel) -> tuple[str, float]:
    """A session with a subagent, an error and a compaction: its id, and what the client says it cost."""
    model.play(SCENARIO)
    first = claude.prompt("build it")
    failed = claude.prompt("go on", resume=first.session_id)
    compacted = claude.compact(first.session_id)
    assert failed.json["is_error"]
    return first.session_id, sum(reply.json["total_cost_usd"] for reply in (first, failed, compacted))


def used(system: System, session_id: str) -> dict[str, Any]:
    return system.get(f"/api/sessions/{session_id}/usage")


@pytest.mark.parametrize("protocol", ["http/json", "http/protobuf"])
def test_tokens_and_cost_are_those_the_model_reported_with_hooks_and_transcripts_beside(
    system: System, reporting: Callable[..., Claude], model: ScriptedModel, protocol: str
) -> None:
    claude = reporting(system.port)
    switch_on(claude, system.port, protocol, "METRICS", "LOGS")
    session_id, cost = play(claude, model)

    def told() -> bool:
        found = used(system, session_id)
        by_transcript = sum(agent["input_tokens"] for agent in found["agents"] if agent["agent_id"])
        return (
            by_transcript >= SUBAGENT_TOKENS
            and bool(found["failed_requests"])
            and found["total"]["input_tokens"] >= sum(model.reported)
        )

    wait_until(told, 30, lambda: f"{model.reported} in {used(system, session_id)}")
    found = used(system, session_id)
    answers = len(model.reported)
    assert found["total"]["input_tokens"] == sum(model.reported)
    assert found["total"]["output_tokens"] == OUTPUT_TOKENS * answers
    assert (found["total"]["messages"], found["total"]["cost_source"]) == (answers, "client")
    assert found["total"]["cost"] == pytest.approx(cost, abs=1e-5)
    subagent = next(agent for agent in found["agents"] if agent["kind"] == "subagent")
    assert (subagent["agent_name"], subagent["input_tokens"]) == ("general-purpose", SUBAGENT_TOKENS)
    assert next(agent for agent in found["agents"] if agent["kind"] == "auxiliary")["messages"] == 1
    brief = next(
        brief for brief in system.get(f"/api/compact/briefs/{session_id}")["briefs"] if brief["trigger"] == "manual"
    )
    assert brief["pre_tokens"] > brief["post_tokens"] > 0


@pytest.mark.parametrize("signal", ["METRICS", "LOGS"])
def test_one_signal_alone_tells_tokens_and_cost_of_a_session_without_hooks(
    system: System, client: Callable[..., Claude], model: ScriptedModel, signal: str
) -> None:
    claude = client()
    switch_on(claude, system.port, "http/json", signal)
    session_id, cost = play(claude, model)
    wait_until(lambda: session_known(system, session_id) and tokens(system, session_id) == sum(model.reported), 20)
    assert used(system, session_id)["total"]["cost"] == pytest.approx(cost, abs=1e-5)


def session_known(system: System, session_id: str) -> bool:
    try:
        return bool(used(system, session_id))
    except OSError:
        return False


def tokens(system: System, session_id: str) -> int:
    return int(used(system, session_id)["total"]["input_tokens"])
