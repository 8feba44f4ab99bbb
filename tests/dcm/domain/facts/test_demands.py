"""What the user required, forbade and decided."""

from datetime import UTC, datetime

import pytest

from dcm.domain.facts.demands import demands
from dcm.domain.snapshots import Asked


def required(text: str) -> list[str]:
    return [decision.text for decision in demands([Asked(text, datetime(2026, 11, 21, 12, tzinfo=UTC), 1)])]


@pytest.mark.parametrize(
    "sentence",
    ["Never touch the migrations folder.", "The API must answer in 50 ms.", "Use SQLite instead of Postgres.",
     "Don't add dependencies.", "no, use tabs", "All dates have to be in UTC.", "Only change files under src/.",
     "You can push to main now.", "make the timeout 60 seconds", "I don't want any new dependency.",
     "I have to be able to undo it.", "It must not fail, but it should be fast.", "We don't log prices.",
     "Bitte keine neuen Abhängigkeiten.", "Fass die Tabellen nicht an.",
     "Nunca borres los datos.", "No toques la base.",
     "Non toccare il database.", "Deve essere veloce.", "Usa tabs invece di spazi.",
     "Gebruik nooit tabs.", "Het moet snel zijn.", "Tabs in plaats van spaties.",
     "Não use abas.", "Deve ser rápido.", "Sempre teste antes.",
     "N'utilise pas de tabulations.", "Il faut tester avant.",
     "Нельзя трогать базу.", "Код должен быть простым.", "Не надо новых библиотек.",
     "必须写测试。", "不要改数据库。", "请用Postgres。", "必ずテストを書く。", "削除しないでください。"],
)  # fmt: skip
def test_what_requires_or_forbids_is_a_demand(sentence: str) -> None:
    assert required(f"Build the shop. {sentence}") == [sentence]


@pytest.mark.parametrize(
    "text", ["Build the shop.", "What does this do?", "```\nassert must never\n```", "Yes please", "ja bitte",
             "2026-11-21 12:00 ERROR must not happen",
             "at only(instead.js:3)", "x = {must: [never, 1, 2, 3], only: {}}",
             "java.lang.IllegalStateException: must not be null", "Caused by: only one allowed fix it",
             "TypeError: must be str, not int", "error: requires at least one argument"],
)  # fmt: skip
def test_what_asks_or_is_code_is_none(text: str) -> None:
    assert required(text) == []


@pytest.mark.parametrize(
    "text", ["I don't know why.", "Not sure.", "No idea.", "It should work but does not.", "I have to go to lunch.",
             "The function returns None without raising. There is no file.", "I keep getting the same page.",
             "The tests don't pass.", "I never saw that before.", "It always fails.", "I only see three rows.",
             "Das funktioniert nicht.", "Ich weiß es nicht.", "No funciona.", "Non so.", "Je ne sais pas."],
)  # fmt: skip
def test_what_says_how_things_are_is_none(text: str) -> None:
    assert required(text) == []


def test_a_remark_takes_no_rule_with_it() -> None:
    text = "I have to go to lunch, never push meanwhile."
    assert required(text) == [text]


@pytest.mark.parametrize(
    ("text", "found"),
    [("Never use tabs. Build x.", "Never use tabs."),
     ("Never push. The CI does that.", "Never push. The CI does that."),
     ("Stop: not Parquet. JSON lines for exports", "Stop: not Parquet. JSON lines for exports"),
     ("Which store? Let's take Postgres.", "Which store? Let's take Postgres.")],
)  # fmt: skip
def test_a_demand_is_told_with_its_question_and_reason_but_no_other_task(text: str, found: str) -> None:
    assert required(text) == [found]
