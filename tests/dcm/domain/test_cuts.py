"""Cutting fields that are too big."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcm.domain.cuts import FIELD_LIMIT, HEAD, TAIL, TEXT_LIMIT, TEXTS, cut_fields, cut_text

LENGTHS = st.integers(0, 3 * FIELD_LIMIT) | st.integers(FIELD_LIMIT - 50, FIELD_LIMIT + 50)
VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | LENGTHS.map("é".__mul__),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def texts(value: Any) -> list[str]:
    """Every text in a JSON value, in order."""
    if isinstance(value, dict):
        value = list(value.values())
    return (
        [value] if isinstance(value, str) else [t for v in value for t in texts(v)] if isinstance(value, list) else []
    )


@given(LENGTHS, st.sampled_from("aé🚀"))
def test_a_cut_never_makes_a_text_longer(length: int, letter: str) -> None:
    assert len(cut_text(letter * length)) <= min(length, FIELD_LIMIT)


@given(st.integers(0, 5000))
def test_a_cut_text_says_how_much_is_missing_and_keeps_both_ends(more: int) -> None:
    text = "head" + "x" * (FIELD_LIMIT + more) + "tail"
    cut = cut_text(text)
    assert f"[... {len(text) - HEAD - TAIL} characters cut ...]" in cut
    assert (cut[:HEAD], cut[-TAIL:]) == (text[:HEAD], text[-TAIL:])


def test_a_text_of_exactly_the_limit_is_whole() -> None:
    assert cut_text("x" * FIELD_LIMIT) == "x" * FIELD_LIMIT


@given(VALUES)
def test_a_value_keeps_its_shape_and_every_text_fits(value: Any) -> None:
    cut = cut_fields(value)
    assert len(texts(cut)) == len(texts(value))
    for before, after in zip(texts(value), texts(cut), strict=True):
        assert after == before or (len(before) > FIELD_LIMIT >= len(after) and "characters cut" in after)


@given(VALUES)
def test_cutting_twice_is_cutting_once(value: Any) -> None:
    assert cut_fields(cut_fields(value)) == cut_fields(value)


@pytest.mark.parametrize("field", sorted(TEXTS))
def test_what_a_person_or_a_model_wrote_is_kept_much_longer(field: str) -> None:
    long = "w" * TEXT_LIMIT
    assert cut_fields({field: long, "tool_response": long}) == {field: long, "tool_response": cut_text(long)}
    assert "characters cut" in cut_fields({field: long + "w"})[field]
