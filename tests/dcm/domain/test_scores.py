"""How tool calls move keyword scores (contract, section 6.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcm.domain.scores import FAILURE, FIRST, HIGHEST, LOWEST, SUCCESS, Score, clamped, fold

OUTCOMES = st.lists(st.booleans(), min_size=1, max_size=200)


def one_by_one(score: float, outcomes: list[bool]) -> float:
    """The contract's own arithmetic, a call at a time, on a pair that is known."""
    for success in outcomes:
        score = clamped(score + (SUCCESS if success else FAILURE), LOWEST, HIGHEST)
    return score


def folded(outcomes: list[bool]) -> Score:
    """The one row a batch of these outcomes becomes."""
    (score,) = fold(("word", "Bash", "builtin", outcome) for outcome in outcomes)
    return score


@given(OUTCOMES, st.floats(LOWEST, HIGHEST))
def test_a_batch_moves_a_known_pair_exactly_as_its_calls_one_by_one(outcomes: list[bool], known: float) -> None:
    batch = folded(outcomes)
    assert clamped(known + batch.delta, batch.low, batch.high) == pytest.approx(one_by_one(known, outcomes))


@given(OUTCOMES)
def test_a_batch_starts_an_unknown_pair_where_its_calls_one_by_one_would(outcomes: list[bool]) -> None:
    assert folded(outcomes).first == pytest.approx(one_by_one(FIRST, outcomes[1:]))


@given(OUTCOMES)
def test_uses_and_successes_are_counted(outcomes: list[bool]) -> None:
    assert (folded(outcomes).uses, folded(outcomes).successes) == (len(outcomes), sum(outcomes))


@given(OUTCOMES, OUTCOMES, st.floats(LOWEST, HIGHEST))
def test_two_batches_move_a_pair_as_one_batch_of_both(first: list[bool], second: list[bool], known: float) -> None:
    once, again, whole = folded(first), folded(second), folded(first + second)
    halfway = clamped(known + once.delta, once.low, once.high)
    at_last = clamped(halfway + again.delta, again.low, again.high)
    assert at_last == pytest.approx(clamped(known + whole.delta, whole.low, whole.high))


@pytest.mark.parametrize(("success", "first"), [(True, 1.0), (False, 1.0)])
def test_the_first_sighting_is_one_even_for_a_failure(success: bool, first: float) -> None:
    assert folded([success]).first == first


def test_long_luck_stops_at_five_and_long_misfortune_at_a_tenth() -> None:
    assert clamped(1 + folded([True] * 100).delta, folded([True] * 100).low, 5.0) == 5.0
    assert folded([False] * 100).first == pytest.approx(0.1)


def test_the_rows_of_a_batch_are_sorted_by_word_and_tool_so_that_writers_lock_in_one_order() -> None:
    uses = [("b", "Read", "builtin", True), ("a", "Write", "builtin", True), ("a", "Bash", "builtin", False)]
    assert [(row.keyword, row.tool_name) for row in fold(uses)] == [("a", "Bash"), ("a", "Write"), ("b", "Read")]
