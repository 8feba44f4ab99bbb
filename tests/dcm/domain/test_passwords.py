"""Passwords of addresses are not shown."""

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from dcm.domain.passwords import hidden, masked, shown, without


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("postgresql://ada:secret@db/dcm", "postgresql://ada:***@db/dcm"),
        ("postgresql://ada:se@cr:et@db/dcm", "postgresql://ada:***@db/dcm"),
        ("redis://:secret@db:6379/0", "redis://:***@db:6379/0"),
        ("postgresql://ada@db/dcm?password=secret&port=1", "postgresql://ada@db/dcm?password=***&port=1"),
        ("host=db password=secret dbname=x", "host=db password=*** dbname=x"),
        ("host=db password='se cret' dbname=x", "host=db password=*** dbname=x"),
        ("postgresql://postgres@/dcm?host=%2Ftmp", "postgresql://postgres@/dcm?host=%2Ftmp"),
        ("redis://db:6379/0", "redis://db:6379/0"),
    ],
)
def test_an_address_is_shown_without_its_password(text: str, told: str) -> None:
    assert masked(text) == without(text) == told


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("postgresql://ada:se cret word@db/dcm", "postgresql://ada:***@db/dcm"),
        ("postgresql://ada:se @cret\tword@db/dcm", "postgresql://ada:***@db/dcm"),
        ("redis://:se cret@db:6379/0", "redis://:***@db:6379/0"),
        ("postgresql://ada@db/dcm?password=se cret&port=1", "postgresql://ada@db/dcm?password=***&port=1"),
        ("postgresql://ada@db/dcm?sslpassword=se cret", "postgresql://ada@db/dcm?sslpassword=***"),
    ],
)
def test_a_setting_is_shown_without_a_password_that_has_spaces(address: str, told: str) -> None:
    assert shown(address) == told
    assert "cret" not in hidden(f"cannot use {address}: cret is no word", address)
    assert without(f"host=db password=se cret dbname={address}").startswith("host=db password=*** dbname=")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:hush hush@db/dcm",
        "postgresql://ada:hush@db hush@db/dcm",
        "host=db password=my hushhush dbname=x",
        "postgresql://ada:hush%zzhush@db/dcm",
        "postgresql://ada@db/dcm?password=hush%zzhush",
        "postgresql://ada:hush@hush/x@db",
    ],
)
def test_a_driver_that_repeats_a_password_in_its_error_is_shown_without_it(url: str) -> None:
    try:
        said = str(conninfo_to_dict(url))
    except psycopg.ProgrammingError as error:
        said = str(error)
    assert "hush" in said
    assert "hush" not in hidden(said, url)


def test_a_password_is_hidden_as_it_stands_in_the_address_and_as_it_is_meant() -> None:
    assert hidden("tried p%40ssword, then p@ssword", "postgresql://ada:p%40ssword@db") == "tried ***, then ***"


def test_a_short_password_is_not_taken_for_every_word() -> None:
    assert hidden("the database", "postgresql://ada:the@db") == "the database"
