"""What a session cost, where transcripts, log events and metrics tell of the same answers."""

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from dcm.domain.costs import Answered, Asker, by_asker, by_model, total
from dcm.domain.prices import Model

TABLE = {"opus": Model(window=200_000, input=5.0, output=25.0)}
BY_TRANSCRIPT = Answered("opus", "", "", "", False, 2, 1_000_000, 0, 0, 0, 0, 0.0)
BY_CLIENT = replace(BY_TRANSCRIPT, told=True, cost=7.5, source="sdk")


@dataclass(frozen=True)
class Metric:
    part: str
    value: float
    model: str = "opus[1m]"


def metrics(tokens: float, cost: float) -> list[Metric]:
    return [Metric("input", tokens), Metric("cost", cost)]


def test_the_cost_the_client_told_goes_before_the_tables() -> None:
    assert (by_model(TABLE, [BY_CLIENT], [])["opus"].cost, by_model(TABLE, [BY_CLIENT], [])["opus"].cost_source) == (
        7.5,
        "client",
    )
    assert by_model(TABLE, [BY_TRANSCRIPT], [])["opus"].cost == 5.0


def test_answers_whose_cost_was_not_told_are_priced_by_the_table_and_it_is_said() -> None:
    found = by_model(TABLE, [BY_CLIENT, BY_TRANSCRIPT], [])["opus"]
    assert (found.cost, found.cost_source, found.messages) == (12.5, "both", 4)


def test_metrics_that_tell_as_much_as_the_answers_are_not_added_and_tell_the_cost() -> None:
    found = by_model(TABLE, [BY_TRANSCRIPT], metrics(1_000_000, 6.0))
    assert list(found) == ["opus"]
    assert (found["opus"].input_tokens, found["opus"].cost, found["opus"].cost_source) == (1_000_000, 6.0, "client")
    assert found["opus"].messages == 2


def test_of_answers_and_metrics_the_one_that_tells_more_counts() -> None:
    less, more = by_model(TABLE, [BY_TRANSCRIPT], metrics(10, 0.1)), by_model(TABLE, [BY_TRANSCRIPT], metrics(2e6, 9.0))
    assert (less["opus"].input_tokens, less["opus"].cost) == (1_000_000, 5.0)
    assert (more["opus"].input_tokens, more["opus"].cost) == (2_000_000, 9.0)


def test_metrics_alone_are_enough_and_without_a_cost_the_table_knows_it() -> None:
    assert by_model(TABLE, [], metrics(10, 0.25))["opus"].cost == 0.25
    found = by_model(TABLE, [], [Metric("input", 1_000_000)])["opus"]
    assert (found.cost, found.cost_source) == (5.0, "prices")


def test_the_model_with_most_tokens_comes_first_and_the_total_leaves_out_what_nobody_priced() -> None:
    strange = replace(BY_TRANSCRIPT, model="strange", input_tokens=3_000_000)
    found = by_model(TABLE, [BY_TRANSCRIPT, strange], [])
    assert (list(found), found["strange"].cost) == (["strange", "opus"], None)
    assert (total(found.values()).cost, total(found.values()).input_tokens) == (5.0, 4_000_000)
    assert total([]).cost is None


def test_answers_are_told_apart_by_who_asked() -> None:
    sub = replace(BY_CLIENT, agent_id="a1", agent_name="Explore", source="agent:builtin:Explore")
    compaction = replace(BY_CLIENT, source="compact")
    assert {
        asker: sums.cost for asker, sums in by_asker(TABLE, [BY_TRANSCRIPT, BY_CLIENT, sub, compaction]).items()
    } == {
        Asker("auxiliary", "", ""): 7.5,
        Asker("main", "", ""): 12.5,
        Asker("subagent", "a1", "Explore"): 7.5,
    }


@given(st.lists(st.integers(0, 10**6), max_size=5), st.integers(0, 10**7))
def test_the_tokens_are_those_of_one_source_never_of_both(answers: list[int], told: int) -> None:
    rows = [replace(BY_TRANSCRIPT, input_tokens=tokens) for tokens in answers]
    found = by_model(TABLE, rows, [Metric("input", told)])
    assert total(found.values()).input_tokens == max(sum(answers), told)
