"""`dcm db:setup`, `dcm db:reset`, `dcm migrate` on a real Postgres."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from command import answer, run

from dcm import lease
from dcm.domain.errors import InvalidInput, StartError


@pytest.fixture
def absent(postgres_url: str) -> Iterator[str]:
    """The URL of a database there is not."""
    name = f"fresh-{uuid.uuid4().hex}"
    yield postgres_url.replace("/dcm?", f"/{name}?")
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def remembered(url: str) -> list[str]:
    with psycopg.connect(url) as conn:
        return [row[0] for row in conn.execute("SELECT path FROM projects")]


def remember(url: str) -> None:
    with psycopg.connect(url) as conn:
        conn.execute("INSERT INTO projects (path) VALUES ('/w/shop')")


@pytest.mark.contract("dcm db:setup")
def test_db_setup_makes_the_database_and_the_second_time_nothing(absent: str, home: Path) -> None:
    made = answer(run(home, "db:setup", "--json", DCM_DATABASE_URL=absent))
    assert (made["created"], made["applied"][0]) == (True, "0001_initial.sql")
    remember(absent)
    again = answer(run(home, "db:setup", "--json", DCM_DATABASE_URL=absent))
    assert (again["created"], again["applied"]) == (False, [])
    assert remembered(absent) == ["/w/shop"]
    assert run(home, "db:setup", DCM_DATABASE_URL=absent).output.endswith("is ready.\n")


def test_db_setup_of_a_postgres_that_is_away_is_one_sentence(home: Path) -> None:
    result = run(home, "db:setup", DCM_DATABASE_URL="postgresql://ada:secret@127.0.0.1:1/dcm")
    assert isinstance(result.exception, StartError)
    assert "cannot be made ready" in str(result.exception)
    assert "Correct or unset DCM_DATABASE_URL" in str(result.exception)
    assert "secret" not in str(result.exception)
    assert "\n" not in str(result.exception)


@pytest.mark.parametrize("typed", ["\n", "y\n", "YES\n", ""])
def test_db_reset_deletes_nothing_without_the_word_yes(database_url: str, home: Path, typed: str) -> None:
    remember(database_url)
    result = run(home, "db:reset", typed=typed, DCM_DATABASE_URL=database_url)
    assert isinstance(result.exception, InvalidInput)
    assert remembered(database_url) == ["/w/shop"]


@pytest.mark.contract("dcm db:reset")
@pytest.mark.parametrize(("arguments", "typed"), [((), "yes\n"), (("--yes",), None)])
def test_db_reset_makes_the_database_anew(
    absent: str, home: Path, arguments: tuple[str, ...], typed: str | None
) -> None:
    run(home, "db:setup", DCM_DATABASE_URL=absent)
    remember(absent)
    with psycopg.connect(absent):
        done = run(home, "db:reset", *arguments, typed=typed, DCM_DATABASE_URL=absent)
    assert done.exit_code == 0, done.output
    assert "is ready and new" in done.output
    assert remembered(absent) == []


def test_db_reset_is_refused_while_dcm_runs(database_url: str, home: Path) -> None:
    folder = home / ".dcm" / "run"
    folder.mkdir(parents=True)
    keeper = lease.take(folder / "api.1.keeper")
    assert keeper is not None
    remember(database_url)
    result = run(home, "db:reset", "--yes", DCM_DATABASE_URL=database_url)
    assert "stop it first, with `dcm stop`" in str(result.exception)
    assert remembered(database_url) == ["/w/shop"]


@pytest.mark.contract("dcm migrate")
def test_migrate_says_what_it_applied_and_nothing_when_the_database_is_current(absent: str, home: Path) -> None:
    refused = run(home, "migrate", DCM_DATABASE_URL=absent)
    assert isinstance(refused.exception, StartError)
    run(home, "db:setup", DCM_DATABASE_URL=absent)
    assert run(home, "migrate", DCM_DATABASE_URL=absent).output == ""
