"""What log events and points of metrics mean."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcm.domain.errors import InvalidInput
from dcm.domain.telemetry import CompactionSize, ModelRequest, UsageSum, kind, of_event, of_point, stream

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
REQUEST: dict[str, Any] = {
    "session.id": "s1", "event.sequence": 2, "prompt.id": "p1", "model": "claude-opus-5", "input_tokens": 5000,
    "output_tokens": "50", "cache_read_tokens": 7, "cache_creation_tokens": 0, "cost_usd": 0.02625,
    "duration_ms": 42, "request_id": "req_1", "query_source": "agent:builtin:Explore", "agent.name": "Explore",
}  # fmt: skip
POINT: dict[str, Any] = {"session.id": "s1", "model": "claude-opus-5[1m]", "query_source": "main", "type": "input"}


def point(name: str = "claude_code.token.usage", value: float = 10, *, cumulative: bool = False, **told: Any) -> Any:
    return of_point(name, {**POINT, **told}, value, AT, AT + timedelta(seconds=5), now=AT, cumulative=cumulative)


def test_a_request_tells_its_tokens_its_cost_and_who_asked_whether_numbers_come_as_numbers_or_as_text() -> None:
    found = of_event("claude_code.api_request", REQUEST, AT, AT)
    assert found == ModelRequest(
        "s1", "req_1", "req_1", "p1", "claude-opus-5", "agent:builtin:Explore", "Explore", AT.isoformat(),
        5000, 50, 7, 0, 0.02625, 42, None, None,
    )  # fmt: skip


def test_a_request_without_an_id_is_known_by_its_moment_and_its_place_among_the_events() -> None:
    nameless = {name: value for name, value in REQUEST.items() if name != "request_id"}
    one, again = (of_event("claude_code.api_request", nameless, AT, AT) for _ in range(2))
    other = of_event("claude_code.api_request", nameless | {"event.sequence": 3}, AT, AT)
    assert isinstance(one, ModelRequest)
    assert isinstance(other, ModelRequest)
    assert (one, one.request_id) == (again, None)
    assert one.key != other.key


def test_a_failed_request_tells_why() -> None:
    found = of_event("claude_code.api_error", REQUEST | {"error": "x" * 9000, "status_code": "529"}, AT, AT)
    assert isinstance(found, ModelRequest)
    assert (found.status, found.error) == (529, "x" * 2000)


def test_a_compaction_tells_how_large_the_conversation_was_before_and_after() -> None:
    told = {"session.id": "s1", "trigger": "manual", "success": "true", "pre_tokens": "1634", "post_tokens": "583"}
    assert of_event(
        "claude_code.compaction", told | {"duration_ms": "52", "event.sequence": 3}, AT, AT
    ) == CompactionSize("s1", "2026-11-21T12:00:00+00:00#3", AT.isoformat(), "manual", True, 1634, 583, 52, None)


@pytest.mark.parametrize(
    "name", ["claude_code.user_prompt", "claude_code.tool_result", "api_request", "", "compaction"]
)
def test_other_events_are_left_alone_also_without_a_session(name: str) -> None:
    assert of_event(name, {}, AT, AT) is None


@pytest.mark.parametrize("at", [datetime(2019, 12, 31, tzinfo=UTC), AT + timedelta(days=1, seconds=1)])
def test_what_is_kept_happened_between_2020_and_a_day_after_now(at: datetime) -> None:
    for name in ("claude_code.api_request", "claude_code.compaction"):
        with pytest.raises(InvalidInput, match="give one from 2020 to now"):
            of_event(name, REQUEST, at, AT)
    for started, told_at, cumulative in ((at, AT, True), (at, AT, False), (AT, at, False)):
        with pytest.raises(InvalidInput, match="give one from 2020 to now"):
            of_point("claude_code.token.usage", POINT, 1, started, told_at, now=AT, cumulative=cumulative)
    assert of_event("claude_code.user_prompt", {}, at, AT) is None
    assert of_event("claude_code.api_request", REQUEST, AT + timedelta(days=1), AT) is not None


@pytest.mark.parametrize("name", ["claude_code.api_request", "claude_code.api_error", "claude_code.compaction"])
def test_an_event_that_is_kept_needs_its_session(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"session\.id"):
        of_event(name, REQUEST | {"session.id": ""}, AT, AT)


@pytest.mark.parametrize(
    ("told", "part"),
    [("input", "input"), ("output", "output"), ("cacheRead", "cache_read"), ("cacheCreation", "cache_creation")],
)
def test_a_point_of_tokens_tells_which(told: str, part: str) -> None:
    found = point(type=told)
    assert isinstance(found, UsageSum)
    assert (found.part, found.value, found.source, found.told_at) == (part, 10, "main", "2026-11-21T12:00:05+00:00")


def test_a_point_of_the_cost_is_us_dollars() -> None:
    assert point("claude_code.cost.usage", 0.5).part == "cost"


def test_a_cumulative_point_takes_the_place_of_those_since_the_same_start() -> None:
    assert point(cumulative=True).told_at == AT.isoformat()


def test_points_of_other_metrics_of_other_tokens_and_of_nothing_are_left_alone() -> None:
    assert point("claude_code.session.count") is None
    assert point("http.server.duration") is None
    assert point(type="thought") is None
    assert point(value=0) is None


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), 2.0**41])
def test_a_point_that_is_no_number_of_tokens_is_refused(value: float) -> None:
    with pytest.raises(InvalidInput):
        point(value=value)


def test_a_point_without_a_session_is_refused_and_it_is_said_which_setting_gives_it() -> None:
    with pytest.raises(InvalidInput, match="OTEL_METRICS_INCLUDE_SESSION_ID"):
        point(**{"session.id": ""})


def test_a_stream_is_known_by_its_metric_and_all_its_attributes_in_any_order() -> None:
    assert stream("m", {"a": 1, "b": "x"}) == stream("m", {"b": "x", "a": 1})
    assert len({stream("m", {"a": 1}), stream("m", {"a": 2}), stream("n", {"a": 1}), stream("m", {})}) == 4


@pytest.mark.parametrize(
    ("source", "agent_id", "agent_name", "expected"),
    [
        ("", "", "", "main"), ("sdk", "", "", "main"), ("repl_main_thread:outputStyle:x", "", "", "main"),
        ("", "a1", "", "subagent"), ("agent:builtin:x", "", "x", "subagent"), ("subagent", "", "", "subagent"),
        ("compact", "", "", "auxiliary"), ("auxiliary", "", "", "auxiliary"), ("main", "", "", "main"),
    ],
)  # fmt: skip
def test_who_asked_is_main_a_subagent_or_auxiliary(source: str, agent_id: str, agent_name: str, expected: str) -> None:
    assert kind(source, agent_id, agent_name) == expected


@given(st.dictionaries(st.sampled_from([*REQUEST, "success", "error"]), st.text() | st.floats() | st.integers()))
def test_whatever_attributes_say_an_event_is_told_or_refused(told: dict[str, Any]) -> None:
    for name in ("claude_code.api_request", "claude_code.compaction"):
        found = of_event(name, told | {"session.id": "s1"}, AT, AT)
        assert found is not None
        assert "\0" not in repr(found)
