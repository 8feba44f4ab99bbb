"""Buckets: a burst, then the rate, whatever the moments; and never more keys than may be remembered."""

from hypothesis import given
from hypothesis import strategies as st

from dcm.domain.buckets import Buckets


def test_a_burst_passes_then_the_rate_and_each_key_has_its_own() -> None:
    buckets = Buckets(per_second=2, burst=3, most=10)
    assert [buckets.take("a", 0.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take("b", 0.0) == 0
    assert buckets.take("a", 0.5) == 0
    assert buckets.take("a", 0.6) == 0.4


def test_to_ask_takes_nothing_and_what_is_given_back_is_there_again() -> None:
    buckets = Buckets(per_second=1, burst=1, most=10)
    assert [buckets.wait("a", 0.0), buckets.take("a", 0.0), buckets.wait("a", 0.0)] == [0, 0, 1]
    buckets.give("a")
    buckets.give("nobody")
    assert buckets.take("a", 0.0) == 0


def test_no_more_keys_are_remembered_than_may_be_and_the_silent_go_first() -> None:
    buckets = Buckets(per_second=1, burst=1, most=3)
    for key in ("a", "b", "a", "c", "d"):
        buckets.take(key, 0.0)
    assert len(buckets) == 3
    assert buckets.take("a", 0.0) > 0
    assert buckets.take("b", 0.0) == 0


@given(st.lists(st.floats(min_value=0, max_value=5), min_size=1, max_size=200))
def test_in_any_time_no_more_passes_than_burst_and_rate_allow(pauses: list[float]) -> None:
    buckets, now, passed = Buckets(per_second=3, burst=5, most=10), 0.0, 0
    for pause in pauses:
        now += pause
        passed += buckets.take("a", now) == 0
        assert passed <= 5 + 3 * now + 1e-6
