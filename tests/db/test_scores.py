"""Keyword scores: what a batch does to them is what its calls one by one would (contract, section 6.2)."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import counts, scores
from db.pool import Conn
from db.scores import Suggestion
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


PAIRS = [
    ("cart", "Bash", "builtin", 2.0, 4, 3),
    ("test", "Bash", "builtin", 1.0, 2, 1),
    ("cart", "Edit", "builtin", 4.5, 9, 9),
    ("cart", "mcp__db", "mcp", 4.5, 10, 0),
    ("cart", "Read", "builtin", 0.4, 90, 90),
    ("shop", "Explore", "agent", 5.0, 1, 1),
]


def given(conn: Conn) -> None:
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO keyword_tool_scores (keyword, tool_name, tool_type, score, usage_count, success_count) "
            "VALUES (%s, %s, %s, %s, %s, %s)",
            PAIRS,
        )


def test_tools_are_suggested_by_words_matched_then_mean_score_then_usage(conn: Conn) -> None:
    given(conn)
    assert scores.suggest(conn, ["cart", "test"]) == [
        Suggestion("Bash", "builtin", 1.5, 6, 67, ["cart", "test"]),
        Suggestion("mcp__db", "mcp", 4.5, 10, 0, ["cart"]),
        Suggestion("Edit", "builtin", 4.5, 9, 100, ["cart"]),
    ]
    assert [found.tool_name for found in scores.suggest(conn, ["cart"], min_score=0.4, limit=9)][-1] == "Read"
    assert scores.suggest(conn, ["cart"], limit=1)[0].tool_name == "mcp__db"
    assert scores.suggest(conn, ["car"]) == []


def test_a_type_that_is_asked_for_is_the_only_one_and_makes_the_excluded_moot(conn: Conn) -> None:
    given(conn)

    def names(**filters: Any) -> list[str]:
        return [found.tool_name for found in scores.suggest(conn, ["cart", "shop"], **filters)]

    assert names(exclude_types=["mcp", "agent"]) == ["Edit", "Bash"]
    assert names(tool_type="mcp", exclude_types=["mcp"]) == ["mcp__db"]


def test_feedback_moves_the_pairs_there_are_within_the_bounds_and_says_how_many(conn: Conn) -> None:
    given(conn)
    before = stored(conn)
    assert scores.feedback(conn, "Bash", ["CART", "test", "unknown"], True) == 2
    assert scores.feedback(conn, "Explore", ["shop"], True) == 1
    assert scores.feedback(conn, "Edit", ["cart"], False) == 1
    after = {pair: row[0].expected for pair, row in stored(conn).items() if row != before[pair]}
    assert after == pytest.approx({("cart", "Bash"): 2.2, ("test", "Bash"): 1.2, ("cart", "Edit"): 4.4})
    assert {pair: row[1:] for pair, row in stored(conn).items()} == {pair: row[1:] for pair, row in before.items()}


@pytest.mark.parametrize("folded", [False, True])
def test_statistics_are_what_reading_every_pair_would_give(conn: Conn, folded: bool) -> None:
    given(conn)
    if folded:
        counts.fold(conn)
    found = scores.statistics(conn)
    assert found["totals"] == {
        "total_records": 6, "unique_keywords": 3, "unique_tools": 5, "avg_score": 2.9, "avg_usage": 19.3,
    }  # fmt: skip
    assert [(row["tool_name"], row["avg_score"]) for row in found["top_by_score"]] == [
        ("Explore", 5.0), ("Edit", 4.5), ("mcp__db", 4.5), ("Bash", 1.5), ("Read", 0.4)]  # fmt: skip
    assert [(row["tool_name"], row["total_usage"]) for row in found["top_by_usage"]] == [
        ("Read", 90), ("mcp__db", 10), ("Edit", 9), ("Bash", 6), ("Explore", 1)]  # fmt: skip
    assert found["type_distribution"] == [
        {"tool_type": "builtin", "tool_count": 3},
        {"tool_type": "agent", "tool_count": 1},
        {"tool_type": "mcp", "tool_count": 1},
    ]


def test_statistics_of_nothing_are_zeros(conn: Conn) -> None:
    found = scores.statistics(conn)
    assert set(found["totals"].values()) == {0}
    assert (found["top_by_score"], found["top_by_usage"], found["type_distribution"]) == ([], [], [])
