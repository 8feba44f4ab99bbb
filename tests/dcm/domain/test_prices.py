"""The price table: which entry a model's name means, what it costs, how much it reads."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dcm.domain.errors import InvalidInput
from dcm.domain.prices import Model, cost, find, percent, table, window
from dcm.prices import Prices

PACKAGED = Prices(Path("/nowhere/prices.toml")).table()
TABLE = {"m": Model(window=100), "m-1": Model(200, 10.0, 20.0, 1.0, 12.5, 25.0), "m-10": Model(input=1.0, output=2.0)}


def used(**tokens: int) -> Any:
    names = ("input", "output", "cache_read", "cache_creation", "cache_creation_1h")
    return SimpleNamespace(**{f"{name}_tokens": tokens.get(name, 0) for name in names})


@pytest.mark.parametrize(
    ("name", "entry"),
    [("m-1", "m-1"), ("M-1-20260101", "m-1"), ("m-10", "m-10"), ("m-1[1m]", "m-1"), ("m-2", "m"), ("m2", None),
     ("", None), ("other", None)],
)  # fmt: skip
def test_the_longest_entry_that_a_name_continues_counts(name: str, entry: str | None) -> None:
    assert find(TABLE, name) == (TABLE[entry] if entry else None)


def test_each_kind_of_token_has_its_price() -> None:
    whole = used(
        input=1_000_000, output=100_000, cache_read=2_000_000, cache_creation=300_000, cache_creation_1h=100_000
    )
    assert cost(TABLE, "m-1", whole) == pytest.approx(10 + 2 + 2 + 0.2 * 12.5 + 0.1 * 25)
    assert cost(TABLE, "m-10", used(input=1, cache_read=1_000_000)) == pytest.approx(1.000001), (
        "as new where none is given"
    )


def test_no_cost_is_below_nothing_where_the_parts_of_the_cache_are_more_than_the_whole() -> None:
    assert cost(TABLE, "m-1", used(cache_creation_1h=1_000_000)) == pytest.approx(25)


def test_a_model_without_a_price_costs_nothing_that_is_known() -> None:
    assert cost(TABLE, "m-2", used(input=5)) is None
    assert cost(TABLE, "other", used(input=5)) is None


def test_the_window_follows_the_name_the_table_and_what_is_in_it() -> None:
    assert window(TABLE, ("m-1", ""), 150) == 200
    assert window(TABLE, ("other", "m-1"), 0) == 200
    assert window(TABLE, ("m-1", "m-1[1m]"), 0) == 1_000_000
    assert window(TABLE, ("m-1",), 201) == 1_000_000
    assert window(TABLE, ("other",), 5) is None
    assert (percent(50, 200), percent(None, 200), percent(50, None)) == (25.0, None, None)


@pytest.mark.parametrize(
    ("name", "output", "window_"),
    [("claude-opus-4-1-20250805", 75.0, 200_000), ("claude-opus-4-20250514", 75.0, 200_000),
     ("claude-opus-4-8", 25.0, 200_000), ("claude-opus-5", 25.0, 1_000_000), ("claude-opus-5-5", 20.0, 1_000_000),
     ("claude-sonnet-4-5-20250929", 15.0, 200_000), ("claude-haiku-5-5", None, 1_000_000),
     ("claude-novelty-9", None, 200_000)],
)  # fmt: skip
def test_the_table_that_comes_with_dcm_knows_the_models(name: str, output: float | None, window_: int) -> None:
    found = find(PACKAGED, name)
    assert found
    assert (found.output, found.window) == (output, window_)


@pytest.mark.parametrize(
    ("told", "sentence"),
    [({"models": 5}, "models is not a table"), ({"models": {"m": 5}}, "not a table of numbers"),
     ({"models": {"m": {"inptu": 1}}}, "inptu is not known"), ({"models": {"m": {"input": "1"}}}, "give a number"),
     ({"models": {"m": {"window": 1.5}}}, "whole number"), ({"models": {"m": {"window": 0}}}, "whole number"),
     ({"models": {"m": {"input": -1}}}, "give a number"),
     ({"models": {"m": {"input": float("nan")}}}, "give a number")],
)  # fmt: skip
def test_a_table_that_cannot_be_used_is_refused_with_the_place(told: Any, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        table(told)


def test_the_persons_own_prices_count_at_once_and_a_broken_file_changes_nothing(tmp_path: Path) -> None:
    own = tmp_path / "prices.toml"
    prices = Prices(own)
    assert find(prices.table(), "claude-opus-5") == find(PACKAGED, "claude-opus-5")
    own.write_text('[models."claude-opus-5"]\ninput = 1\noutput = 2\n[models."mine"]\nwindow = 9\n')
    assert find(prices.table(), "claude-opus-5-20260724") == Model(input=1, output=2)
    assert find(prices.table(), "mine") == Model(window=9)
    own.write_text("broken [")
    assert find(prices.table(), "mine") == Model(window=9)
    own.unlink()
    assert find(prices.table(), "mine") is None
