"""The prompts as the user typed them."""

import pytest

from dcm.domain.facts.prompts import cleaned, is_small, sentences


def test_what_the_client_adds_to_a_prompt_is_not_the_users() -> None:
    text = "<system-reminder>You must never tell.</system-reminder>\nGo on<ide_selection>x</ide_selection>"
    assert cleaned(text) == "Go on"


@pytest.mark.parametrize(
    ("text", "small"),
    [("go on", True), ("Yes!", True), ("weiter", True), ("ja bitte", True), ("go on with it x", False)],
)
def test_a_prompt_that_only_says_to_go_on_is_small(text: str, small: bool) -> None:
    assert is_small(text) is small


def test_a_sentence_does_not_end_at_an_abbreviation() -> None:
    text = "It is for customer no. 92387, e.g. Prices in the list. Never round."
    assert list(sentences(text)) == ["It is for customer no. 92387, e.g. Prices in the list.", "Never round."]


def test_a_sentence_ends_where_chinese_and_japanese_end_it() -> None:
    assert list(sentences("请用Postgres。不要改数据库！")) == ["请用Postgres。", "不要改数据库！"]
