"""What the user said, required, and took back."""

from datetime import UTC, datetime, timedelta

import pytest

from dcm.domain.facts.prompts import annotated, cleaned, current, demands, is_small, sentences
from dcm.domain.snapshots import Asked, Decision

BEGAN = datetime(2026, 11, 21, 12, tzinfo=UTC)


def asked(*texts: str) -> list[Asked]:
    return [Asked(text, BEGAN + timedelta(minutes=number), number) for number, text in enumerate(texts, 1)]


def required(*texts: str) -> list[str]:
    return [decision.text for decision in demands(asked(*texts))]


@pytest.mark.parametrize(
    "sentence",
    ["Never touch the migrations folder.", "The API must answer in 50 ms.", "Use SQLite instead of Postgres.",
     "Don't add dependencies.", "no, use tabs", "Bitte keine neuen Abhängigkeiten.", "Nunca borres los datos.",
     "All dates have to be in UTC.", "Only change files under src/."],
)  # fmt: skip
def test_what_requires_or_forbids_is_a_demand(sentence: str) -> None:
    assert required(f"Build the shop. {sentence}") == [sentence]


@pytest.mark.parametrize(
    "text", ["Build the shop.", "What does this do?", "```\nassert must never\n```",
             "2026-11-21 12:00 ERROR must not happen",
             "at only(instead.js:3)", "x = {must: [never, 1, 2, 3], only: {}}"],
)  # fmt: skip
def test_what_asks_or_is_code_is_none(text: str) -> None:
    assert required(text) == []


def test_what_a_later_prompt_replaces_no_longer_holds() -> None:
    prompts = asked("Use Postgres for the store. Never log prices.", "go on", "Use SQLite instead of Postgres.")
    holding, replaced = current(demands(prompts))
    assert [decision.text for decision in holding] == ["Never log prices.", "Use SQLite instead of Postgres."]
    assert [(a.text, b.text) for a, b in replaced] == [
        ("Use Postgres for the store.", "Use SQLite instead of Postgres.")
    ]
    assert annotated(prompts, replaced)[0].text == "[replaced later, see 3.] Never log prices."


def test_an_answer_is_replaced_by_a_prompt_too() -> None:
    answer = Decision("Which store? → Postgres", BEGAN)
    holding, _ = current([answer, *demands(asked("Actually, switch from Postgres to SQLite."))])
    assert [decision.text for decision in holding] == ["Actually, switch from Postgres to SQLite."]


def test_another_demand_about_the_same_word_replaces_nothing() -> None:
    holding, replaced = current(demands(asked("Never commit to main.", "Always run the tests before a commit.")))
    assert (len(holding), replaced) == (2, [])


def test_what_the_client_adds_to_a_prompt_is_not_the_users() -> None:
    text = "<system-reminder>You must never tell.</system-reminder>\nGo on<ide_selection>x</ide_selection>"
    assert cleaned(text) == "Go on"


@pytest.mark.parametrize(
    ("text", "small"), [("go on", True), ("Yes!", True), ("weiter", True), ("go on with the cart", False)]
)
def test_a_prompt_that_only_says_to_go_on_is_small(text: str, small: bool) -> None:
    assert is_small(text) is small


def test_a_sentence_does_not_end_at_an_abbreviation() -> None:
    text = "It is for customer no. 92387, e.g. Prices in the list. Never round."
    assert list(sentences(text)) == ["It is for customer no. 92387, e.g. Prices in the list.", "Never round."]
