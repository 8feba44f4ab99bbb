"""Entries of the stream of accepted events."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dcm.domain.streams import moment, shard_of, stamp


@given(st.integers(0, 4_000_000_000_000_000_000))
def test_a_stamp_is_read_back_to_the_microsecond(moment_ns: int) -> None:
    expected = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment_ns // 1000)
    assert moment(stamp(moment_ns)) == expected


@given(st.text(), st.integers(1, 64))
def test_a_session_is_always_on_the_same_of_the_shards_there_are(session: str, shards: int) -> None:
    assert 0 <= shard_of(session, shards) < shards
    assert shard_of(session, shards) == shard_of(session, shards)


def test_sessions_spread_over_the_shards() -> None:
    assert {shard_of(f"session-{n}", 4) for n in range(50)} == {0, 1, 2, 3}
