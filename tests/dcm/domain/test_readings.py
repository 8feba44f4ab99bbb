"""Reading transcripts on: in pieces as at once, and only what this session's hooks would have told."""

import json
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
import story
from hypothesis import given
from hypothesis import strategies as st
from story import AGENT, MAIN, SESSION, SUB, call, record, result, words

from dcm.domain.readings import MOST_CALLS, OVER, SETTLED, Reading
from dcm.domain.turns import Agent, Past
from dcm.domain.usage import MessageUse, Tokens, together

SUBAGENT = Agent(AGENT, "Explore", f"/t/agent-{AGENT}.jsonl")
NOW, LONG_AGO = timedelta(0), OVER


def used(
    second: float, message_id: str, *, output: int = 5, agent: bool = False, model: str = "opus", **more: Any
) -> Any:
    """A record of an answer that tells its tokens."""
    usage = {
        "input_tokens": 3,
        "output_tokens": output,
        "cache_read_input_tokens": 20,
        "cache_creation_input_tokens": 7,
    }
    made = record(second, "assistant", words("done"), agent=agent, **more)
    return made | {"message": made["message"] | {"id": message_id, "model": model, "usage": usage}}


BOUNDARY = {"type": "system", "subtype": "compact_boundary", "timestamp": story.at(30), "sessionId": SESSION}

KINDS = st.one_of(
    st.sampled_from(MAIN),
    st.builds(lambda second, n: record(second, "assistant", call("Bash", n, command="ls")),
              st.integers(0, 59), st.integers(1, 9)),
    st.builds(lambda second, n, error: record(second, "user", result(n, "done", error=error)),
              st.integers(0, 59), st.integers(1, 9), st.booleans()),
    st.builds(lambda second, n: record(second, "user", f"prompt {n}", prompt=f"p{n}"),
              st.integers(0, 59), st.integers(1, 4)),
    st.builds(lambda second, n: used(second, f"m{n}"), st.integers(0, 59), st.integers(1, 4)),
    st.sampled_from([BOUNDARY, {}, {"type": "novelty", "timestamp": story.at(5)}, {"timestamp": 5}, {"type": []},
                     record(3, "user", None), record(4, "assistant", [{"type": "tool_use"}, 5]),
                     record(6, "user", "[Request interrupted by user]")]),
)  # fmt: skip


def read(
    pieces: Sequence[Sequence[Any]], agent: Agent | None = None, untouched: timedelta = LONG_AGO
) -> tuple[list[Past], list[MessageUse], Any, Any]:
    """(events, uses, context, state at the end), each piece by a reading of its own that goes on from the last."""
    told: list[Past] = []
    uses: list[MessageUse] = []
    context, state = None, "{}"
    for piece in pieces:
        reading = Reading(agent, state=json.loads(state))
        for each in piece:
            told += reading.take(each)
        uses += reading.uses
        context = reading.context or context
        state = json.dumps(reading.state())
    last = Reading(agent, state=json.loads(state))
    return told + last.end(untouched, ends=True), together(uses), context, last.state()


def names(told: Sequence[Past]) -> list[str]:
    return [past["payload"]["hook_event_name"] for past in told]


@given(st.lists(KINDS, max_size=30), st.lists(st.integers(0, 30), max_size=6), st.sampled_from([None, SUBAGENT]))
def test_reading_in_pieces_tells_what_reading_at_once_tells(
    found: list[Any], cuts: list[int], agent: Agent | None
) -> None:
    if agent:
        found = [{**each, "isSidechain": True} for each in found]
    places = [0, *sorted(cuts), len(found)]
    pieces = [found[start:end] for start, end in pairwise(places)]
    assert read(pieces, agent) == read([found], agent)


def test_a_session_tells_its_start_prompts_calls_and_ends() -> None:
    told, *_ = read([MAIN])
    assert names(told) == [
        "UserPromptSubmit", "SessionStart", "PostToolUseFailure", "PostToolUse", "Stop", "UserPromptSubmit", "Stop",
        "SessionEnd",
    ]  # fmt: skip
    assert {past["payload"]["session_id"] for past in told} == {SESSION}


def test_a_subagent_tells_its_start_calls_and_end() -> None:
    told, *_ = read([SUB], SUBAGENT)
    assert names(told) == ["SubagentStart", "PostToolUse", "SubagentStop"]
    assert {past["payload"]["agent_id"] for past in told} == {AGENT}


def test_the_last_answer_is_told_once_the_model_is_known_to_be_done() -> None:
    answer = record(2, "assistant", words("done"))
    ended = answer | {"message": answer["message"] | {"stop_reason": "end_turn"}}
    assert "Stop" not in names(read([[record(1, "user", "go"), answer]], untouched=NOW)[0])
    assert "Stop" in names(read([[record(1, "user", "go"), answer]], untouched=SETTLED)[0])
    assert "Stop" in names(read([[record(1, "user", "go"), ended]], untouched=NOW)[0])


def test_a_turn_that_was_interrupted_has_no_end() -> None:
    begun = [record(1, "user", "go"), record(2, "assistant", words("I beg"))]
    told, *_ = read(
        [[*begun, record(3, "user", "[Request interrupted by user]"), record(4, "user", "no", prompt="p2")]]
    )
    assert names(told) == ["UserPromptSubmit", "SessionStart", "UserPromptSubmit", "SessionEnd"]


def test_what_was_copied_from_the_session_before_a_fork_is_told_by_that_session_alone() -> None:
    opened = {"type": "queue-operation", "timestamp": story.at(40), "sessionId": SESSION}
    told, uses, *_ = read([[opened, *MAIN[1:12], used(14, "m1"), record(41, "user", "on", prompt="p9"),
                            used(42, "m2")]])  # fmt: skip
    assert [past["payload"].get("prompt") for past in told if "prompt" in past["payload"]] == ["on"]
    assert [use.message_id for use in uses] == ["m2"]


def test_what_another_session_is_known_to_have_told_is_passed_over_up_to_the_fork() -> None:
    copied, own = [*MAIN[1:12], used(14, "m1")], [record(21, "user", "on", prompt="p9"), used(22, "m2")]
    reading = Reading()
    reading.pass_over_copies([*copied, *own], lambda ids: {"m1"} & set(ids))
    told = [past for each in [*copied, *own] for past in reading.take(each)]
    assert names(told) == ["UserPromptSubmit", "SessionStart"]
    assert [use.message_id for use in reading.uses] == ["m2"]
    reading.pass_over_copies([used(30, "m3")], set)
    reading.take(used(30, "m3"))
    assert [use.message_id for use in reading.uses] == ["m2", "m3"]


def test_records_of_another_session_are_passed_over() -> None:
    reading = Reading(None, "other")
    assert [past for each in MAIN for past in reading.take(each)] == []


PROCEED = "proceed with this tool use. The tool use was rejected. To tell you how to proceed, the user said:"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (f"{PROCEED}\nUse s3.\nKeep data/.", "Use s3.\nKeep data/."),
        (f"{PROCEED}\nUse s3.\n\nNote: The user's next message may contain a correction.", "Use s3."),
        ("take this action right now. STOP what you are doing and wait.", ""),
    ],
)
def test_a_refused_call_is_told_with_what_the_user_said(words: str, reason: str) -> None:
    asked = record(1, "assistant", call("Bash", 1, command="rm -rf data"))
    told = read([[MAIN[1], asked, record(2, "user", result(1, f"The user doesn't want to {words}", error=True))]])[0]
    [denied] = [past["payload"] for past in told if "tool_use_id" in past["payload"]]
    assert (denied["hook_event_name"], denied["reason"]) == ("PermissionDenied", reason)
    assert (denied["tool_name"], denied["tool_input"]) == ("Bash", {"command": "rm -rf data"})


def test_calls_that_never_end_are_forgotten_in_time() -> None:
    reading = Reading()
    for number in range(MOST_CALLS + 50):
        reading.take(record(1, "assistant", call("Bash", number)))
    assert len(reading.state()["calls"]) == MOST_CALLS
    assert reading.take(record(2, "user", result(0, "late"))) == []
    assert names(reading.take(record(2, "user", result(MOST_CALLS + 49, "done")))) == ["PostToolUse"]


def test_a_message_counts_once_with_what_its_last_record_tells() -> None:
    found = [used(1, "m1", output=1), used(2, "m1", output=90), used(3, "m2")]
    assert [(use.message_id, use.tokens.output) for use in read([found])[1]] == [("m1", 90), ("m2", 5)]


def test_the_context_is_what_the_main_conversation_was_last_given_since_its_compaction() -> None:
    side = used(3, "m2", agent=True)
    _, uses, context, _ = read([[used(1, "m1"), side]])
    assert (context.tokens, [use.message_id for use in uses]) == (30, ["m1", "m2"])
    assert read([[used(1, "m1"), BOUNDARY]])[2].tokens is None
    assert read([[used(1, "m1"), BOUNDARY, used(31, "m3")]])[2].tokens == 30
    assert read([[BOUNDARY]])[2] is None
    assert read([[used(1, "m1", agent=True)]], SUBAGENT)[2] is None


@pytest.mark.parametrize("usage", [None, [], {"input_tokens": -1}, {"input_tokens": True}, {"output_tokens": "9"}, {}])
def test_what_is_no_count_of_tokens_is_not_counted(usage: Any) -> None:
    made = used(1, "m1")
    made["message"]["usage"] = usage
    assert read([[made]])[1] == []


def test_what_the_client_says_in_the_models_place_took_nothing() -> None:
    assert read([[used(1, "m1", model="<synthetic>")]])[1] == []


def test_tokens_kept_for_an_hour_are_told_apart() -> None:
    made = used(1, "m1")
    made["message"]["usage"]["cache_creation"] = {"ephemeral_1h_input_tokens": 4, "ephemeral_5m_input_tokens": 3}
    [use] = read([[made]])[1]
    assert use.tokens == Tokens(3, 5, 20, 7, 4)
