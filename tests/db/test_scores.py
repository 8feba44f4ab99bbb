"""Keyword scores: what a batch does to them is what its calls one by one would (contract, section 6.2)."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import scores
from db.pool import Conn
from dcm.domain.scores import FAILURE, FIRST, HIGHEST, LOWEST, SUCCESS, clamped, fold

USES = st.lists(
    st.tuples(st.sampled_from(["cart", "test"]), st.sampled_from(["Bash", "Edit"]), st.booleans()), max_size=60
)


def apply(conn: Conn, uses: list[tuple[str, str, bool]]) -> None:
    with conn.transaction():
        scores.apply(conn, fold((word, tool, "builtin", success) for word, tool, success in uses))


def by_hand(uses: list[tuple[str, str, bool]]) -> dict[tuple[str, str], tuple[float, int, int]]:
    """{(word, tool): (score, uses, successes)} by the contract's words, a call at a time."""
    found: dict[tuple[str, str], tuple[float, int, int]] = {}
    for word, tool, success in uses:
        score, times, good = found.get((word, tool), (None, 0, 0))
        moved = FIRST if score is None else clamped(score + (SUCCESS if success else FAILURE), LOWEST, HIGHEST)
        found[word, tool] = (moved, times + 1, good + success)
    return found


def stored(conn: Conn) -> dict[tuple[str, str], tuple[float, int, int]]:
    query = "SELECT keyword, tool_name, score, usage_count, success_count FROM keyword_tool_scores"
    return {(row[0], row[1]): (pytest.approx(row[2], abs=1e-4), row[3], row[4]) for row in conn.execute(query)}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(USES, max_size=5))
def test_batches_leave_the_scores_where_their_calls_one_by_one_would(
    conn: Conn, batches: list[list[tuple[str, str, bool]]]
) -> None:
    conn.execute("DELETE FROM keyword_tool_scores")
    for batch in batches:
        apply(conn, batch)
    assert by_hand([use for batch in batches for use in batch]) == stored(conn)


def test_writers_of_the_same_words_in_any_order_never_deadlock(database_url: str, conn: Conn) -> None:
    words = [f"word{n}" for n in range(50)]

    def write(turn: int) -> None:
        with psycopg.connect(database_url, autocommit=True) as own:
            for _ in range(15):
                apply(own, [(word, "Bash", True) for word in (words if turn % 2 else words[::-1])])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    assert {row[2] for row in stored(conn).values()} == {60}
