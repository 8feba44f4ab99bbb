import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from measure.cases import load
from measure.items import flat
from sessions import facts as shapes
from sessions.facts import Boundary, Planted
from sessions.generator import generate
from sessions.projects import KINDS

from dcm.domain.readings import Reading, ends_first
from dcm.domain.turns import Agent, Past, Record

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def payloads(records: Sequence[Record], *, now: datetime, touched: datetime, agent: Agent | None = None) -> list[Past]:
    """The events that a whole transcript tells."""
    reading = Reading(agent)
    told = [past for record in records for past in reading.take(record)]
    return ends_first([*told, *reading.end(now - touched, ends=True, at_once=True)])


def calls(records: list[dict[str, Any]]) -> int:
    contents = [record["message"]["content"] for record in records if record["type"] == "assistant"]
    return sum(block["type"] == "tool_use" for content in contents for block in content)


def texts(value: object) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts(inner)


def told_before(transcript: Path, boundary: Boundary) -> str:
    """All that stands in the session's transcripts up to a compaction, in one line."""
    files = [transcript, *transcript.with_suffix("").glob("subagents/*.jsonl")]
    records = [record for file in files for record in load(file) if record["timestamp"] <= boundary.at]
    return flat("\n".join(text for record in records if not record.get("isCompactSummary") for text in texts(record)))


def test_the_same_seed_writes_the_same_sessions(tmp_path: Path) -> None:
    first, second = (generate(tmp_path / name, 4, 320) for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()
    assert first.with_suffix(".facts.json").read_bytes() == second.with_suffix(".facts.json").read_bytes()
    assert generate(tmp_path / "three", 5, 320).read_bytes() != first.read_bytes()


def test_the_first_seeds_are_of_every_kind_of_project(tmp_path: Path) -> None:
    found = [shapes.beside(generate(tmp_path, seed, 300)) for seed in range(len(KINDS))]
    assert {one.archetype for one in found if one} == {kind.key for kind in KINDS}
    assert all(one and len(one.boundaries) == 1 for one in found)


def test_a_session_goes_on_for_forty_calls_after_each_compaction(transcript: Path, planted: Planted) -> None:
    records = load(transcript)
    ends = [index for index, record in enumerate(records) if record.get("isCompactSummary")]
    assert len(ends) == len(planted.boundaries) == 2
    parts = [records[begin:end] for begin, end in zip([0, *ends], [*ends, len(records)], strict=True)]
    assert all(calls(part) >= 40 for part in parts)
    assert 300 <= calls(records) <= 1500
    assert [records[end - 1]["subtype"] for end in ends] == ["compact_boundary"] * 2


def test_the_importer_understands_every_call_of_a_session(transcript: Path) -> None:
    records = load(transcript)
    told = [past["payload"] for past in payloads(records, now=NOW, touched=NOW)]
    ended = [one for one in told if one["hook_event_name"].startswith("PostToolUse")]
    refused = [
        text for record in records for text in texts(record.get("message")) if text.startswith("<tool_use_error>")
    ]
    assert len(ended) == calls(records) - len(refused)
    assert {"PostToolUseFailure", "UserPromptSubmit", "Stop", "SessionStart"} <= {
        one["hook_event_name"] for one in told
    }


def test_a_subagent_that_still_runs_has_no_answer_yet(transcript: Path, planted: Planted) -> None:
    end = planted.boundaries[-1]
    running = sum(fact.kind == "agent_running" and fact.holds for fact in end.facts)
    agents = sorted(transcript.with_suffix("").glob("subagents/*.jsonl"))
    cut = [[record for record in load(file) if record["timestamp"] <= end.at] for file in agents]
    stops = 0
    for file, records in zip(agents, cut, strict=True):
        agent = Agent(file.stem.removeprefix("agent-"), "Explore", str(file))
        stops += any(
            one["payload"]["hook_event_name"] == "SubagentStop"
            for one in payloads(records, now=NOW, touched=NOW - timedelta(minutes=5), agent=agent)
        )
    assert stops == sum(bool(records) for records in cut) - running


def test_every_planted_fact_was_told_before_its_compaction(transcript: Path, planted: Planted) -> None:
    for boundary in planted.boundaries:
        before = told_before(transcript, boundary)
        told = [fact for fact in boundary.facts if not fact.kind.startswith("branch")]
        missing = [fact.says for fact in told if flat(fact.proof[0][0]) not in before]
        assert missing == []
        assert all(fact.said_at <= boundary.at for fact in boundary.facts)


def test_every_answer_to_a_probe_was_told_before_its_compaction(transcript: Path, planted: Planted) -> None:
    for boundary in planted.boundaries:
        before = told_before(transcript, boundary)
        asked = [(probe.question, gold) for probe in boundary.probes for gold in probe.gold]
        assert [one for one in asked if flat(one[1][0][0]) not in before] == []
        assert {probe.kind for probe in boundary.probes} == set(shapes.PROBES)


def test_an_error_that_is_solved_has_a_success_of_the_same_command_after_it(transcript: Path, planted: Planted) -> None:
    boundary = planted.boundaries[-1]
    solved = [fact for fact in boundary.facts if fact.kind == "error_open" and not fact.holds and not fact.new]
    assert solved
    ended = [past for past in payloads(load(transcript), now=NOW, touched=NOW) if past["at"] <= boundary.at]
    good = [past for past in ended if past["payload"]["hook_event_name"] == "PostToolUse"]
    for fact in solved:
        core = fact.says.split(" fails: ")[0]
        again = [p for p in good if p["at"] > fact.said_at and core in p["payload"]["tool_input"].get("command", "")]
        assert again, fact.says


def test_an_error_that_is_open_has_no_success_of_the_same_command_after_it(transcript: Path, planted: Planted) -> None:
    boundary = planted.boundaries[-1]
    still_open = [fact for fact in boundary.facts if fact.kind == "error_open" and fact.holds]
    assert still_open
    ended = [past for past in payloads(load(transcript), now=NOW, touched=NOW) if past["at"] <= boundary.at]
    for fact in still_open:
        core = fact.says.split(" fails: ")[0]
        later = [p["payload"] for p in ended if p["at"] > fact.said_at]
        assert not [
            one for one in later
            if core in one.get("tool_input", {}).get("command", "") and one["hook_event_name"] == "PostToolUse"
        ], fact.says  # fmt: skip


def test_what_must_never_be_said_stands_in_other_sessions_alone(transcript: Path, planted: Planted) -> None:
    boundary = planted.boundaries[-1]
    assert len(boundary.never) > 10
    own = told_before(transcript, boundary)
    others = [(transcript.parent / name).resolve() for name in planted.beside]
    files = [file for other in others for file in [other, *other.with_suffix("").glob("subagents/*.jsonl")]]
    theirs = flat("\n".join(text for file in files for record in load(file) for text in texts(record)))
    for words in boundary.never:
        assert flat(words) not in own
        assert flat(words) in theirs


@pytest.mark.parametrize(
    "kind", ["requirement", "prohibition", "goal", "request", "todo_open", "error_open", "command"]
)
def test_every_kind_of_fact_holds_somewhere(planted: Planted, kind: str) -> None:
    assert any(fact.kind == kind and fact.holds for boundary in planted.boundaries for fact in boundary.facts)


def test_facts_are_read_back_as_they_were_written(transcript: Path, planted: Planted, tmp_path: Path) -> None:
    shapes.write(tmp_path / "again.facts.json", planted)
    assert shapes.beside(tmp_path / "again.jsonl") == planted
    assert json.loads((tmp_path / "again.facts.json").read_text())["session_id"] == transcript.stem
