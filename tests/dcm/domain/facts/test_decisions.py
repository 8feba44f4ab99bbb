"""What still holds: what a later prompt replaces, what it says again, and what it leaves alone."""

from datetime import UTC, datetime, timedelta

import pytest

from dcm.domain.facts.decisions import annotated, current
from dcm.domain.facts.demands import demands
from dcm.domain.snapshots import Asked, Decision

BEGAN = datetime(2026, 11, 21, 12, tzinfo=UTC)


def asked(*texts: str) -> list[Asked]:
    return [Asked(text, BEGAN + timedelta(minutes=number), number) for number, text in enumerate(texts, 1)]


def holding(*texts: str) -> list[tuple[str, int]]:
    """What holds after these prompts, and the prompt that may have replaced it."""
    return [(decision.text, decision.see) for decision in current(demands(asked(*texts)))[0]]


@pytest.mark.parametrize(
    ("before", "after"),
    [("Use Postgres.", "No, use SQLite."),
     ("Use Postgres.", "Use SQLite instead."),
     ("Use tabs", "Actually use spaces"),
     ("Use weasyprint", "no, use fpdf2"),
     ("Nimm Postgres.", "Nein, nimm SQLite."),
     ("Use Postgres for billing.", "No, use SQLite for billing."),
     ("Use redis", "Don't use redis, we have memcached."),
     ("Keep using Decimal", "I changed my mind: no Decimal anywhere"),
     ("Use npm.", "Use pnpm instead of npm."),
     ("Use vue.", "Use react instead of vue."),
     ("Use the old API.", "Use the new one instead of the old API."),
     ("Store prices as floats only.", "Use integers instead of floats."),
     ("Use Postgres for billing.", "Use SQLite instead of Postgres for billing."),
     ("How is it paged? Let's take keyset cursors.", "Stop: not keyset cursors. time windows"),
     ("Never push to main.", "You can push to main now."),
     ("Never use tabs.", "Use tabs instead of spaces."),
     ("Nie pushen.", "Du darfst jetzt pushen."),
     ("Never touch the database", "It's ok to touch the database"),
     ("Never push to main.", "You can push to main now, but never force."),
     ("Use black.", "switch from black to ruff"),
     ("Use Python 3.11.", "Use Python 3.12 instead of 3.11."),
     ("Use port 8000.", "No, use port 9000."),
     ("Gebruik Postgres.", "Gebruik SQLite in plaats van Postgres."),
     ("Use timeout 30", "make the timeout 60 seconds"),
     ("The timeout must be 30 seconds.", "No, set the timeout to 60.")],
)  # fmt: skip
def test_a_correction_replaces_what_it_corrects(before: str, after: str) -> None:
    assert holding(before, after) == [(after, 0)]


@pytest.mark.parametrize(
    ("before", "after"),
    [("Never write to production.", "Use the test database, not production."),
     ("Never log the password.", "Ask for a token instead of the password on the settings page."),
     ("Don't delete the migrations.", "Put it into models.py instead of the migrations."),
     ("Amounts must be rounded down to cents.", "Show dollars instead of cents in the header only."),
     ("Keep the login page in German.", "Show the error, not the login page, when the token is old."),
     ("Never commit to main.", "Always run the tests before a commit."),
     ("Never use floats.", "No, use Decimal."),
     ("Use Postgres for billing.", "No, use SQLite for the tests."),
     ("Use Postgres for billing.", "Use SQLite instead of Postgres for sessions."),
     ("Use Postgres.", "From now on use feature branches."),
     ("Use Postgres.", "Stop the server and use port 80"),
     ("Public names must not change.", "Change the timeout to 60"),
     ("Prices must be positive.", "Prices must be integers."),
     ("Never touch auth.py.", "You can touch billing.py now."),
     ("The timeout must be 30 seconds.", "Set the limit to 60."),
     ("Keep working with version 7 of the format.", "Wir müssen mit Version 9 kompatibel bleiben."),
     ("Fass die Tabellen nicht an.", "Nimm Dateien statt die Tabellen."),
     ("Nunca borres los datos.", "Usa copias en lugar de los datos.")],
)  # fmt: skip
def test_what_is_no_correction_replaces_nothing(before: str, after: str) -> None:
    assert holding(before, after) == [(before, 0), (after, 0)]


@pytest.mark.parametrize(
    ("before", "after"),
    [("Prices must be floats.", "Prices are integer cents from now on."),
     ("Use Postgres.", "Use SQLite instead of Postgres for the tests."),
     ("Use Postgres.", "No, use the other function."),
     ("Use npm.", "Don't use npm to install the tools."),
     ("All dates must be in UTC.", "Show local time instead of UTC."),
     ("Always run the tests.", "Don't run the tests now."),
     ("Answer in English only.", "Answer in German from now on."),
     ("Use spaces instead of tabs.", "Never mind, use tabs."),
     ("Keep tabs.", "Use spaces instead of tabs."),
     ("Use Postgres, never the production one.", "Use SQLite instead of Postgres."),
     ("Never push to main without tests.", "You can push to main now."),
     ("Never push to main.", "You can push to main for this fix now."),
     ("The connect timeout must be 30.", "Set the timeout to 60.")],
)  # fmt: skip
def test_what_may_be_a_correction_is_marked(before: str, after: str) -> None:
    assert holding(before, after) == [(before, 2), (after, 0)]


def test_of_two_choices_the_newest_is_marked_when_it_is_not_said_which_is_meant() -> None:
    prompts = ("Use Postgres. Use tabs.", "No, use spaces.")
    assert holding(*prompts) == [("Use Postgres.", 0), ("Use tabs.", 2), ("No, use spaces.", 0)]


def test_what_was_chosen_long_ago_is_marked_only() -> None:
    prompts = ("Use Postgres.", "Build it.", "Test it.", "Actually use uuid4")
    assert holding(*prompts) == [("Use Postgres.", 4), ("Actually use uuid4", 0)]


def test_what_is_said_again_is_one_item_with_the_newest_number() -> None:
    found = current(demands(asked("Never use tabs. Build x.", "never use tabs!", "I said: never use tabs. Fix it.")))
    assert ([(decision.text, decision.number) for decision in found[0]], found[1]) == (
        [("I said: never use tabs.", 3)],
        [],
    )


def test_the_same_answer_to_two_questions_is_not_said_again() -> None:
    assert len(holding("Which store? Let's take files.", "Which cache? Let's take files.")) == 2


def test_what_was_said_twice_is_replaced_twice() -> None:
    prompts = asked("Use tabs.", "use tabs!", "Use spaces instead of tabs.")
    _, replaced = current(demands(prompts))
    assert [prompt.text for prompt in annotated(prompts, replaced)][:2] == ["[replaced later, see 3.]"] * 2


def test_what_a_later_prompt_replaces_is_marked_where_it_stood() -> None:
    prompts = asked("Use Postgres for the store. Never log prices.", "go on", "Use SQLite instead of Postgres.")
    found, replaced = current(demands(prompts))
    assert [decision.text for decision in found] == ["Never log prices.", "Use SQLite instead of Postgres."]
    assert annotated(prompts, replaced)[0].text == "[replaced later, see 3.] Never log prices."


def test_an_answer_is_replaced_by_a_prompt_too() -> None:
    answer = Decision("Which store? → Postgres", BEGAN)
    found, _ = current([answer, *demands(asked("Actually, switch from Postgres to SQLite."))])
    assert [decision.text for decision in found] == ["Actually, switch from Postgres to SQLite."]


def test_a_correction_about_one_thing_leaves_the_same_choice_about_another() -> None:
    answers = [
        Decision(f"Where is the {thing} limit enforced? → in the database", BEGAN) for thing in ("dns", "bucket")
    ]
    found, _ = current([*answers, *demands(asked("I changed my mind about bucket: here, not in the database"))])
    assert [decision.text for decision in found] == [
        "Where is the dns limit enforced? → in the database",
        "I changed my mind about bucket: here, not in the database",
    ]
