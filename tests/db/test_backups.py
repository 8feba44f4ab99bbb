"""The names of two databases exchanged: all of it or nothing, whoever comes in or dies meanwhile."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from db import backups
from dcm.domain.errors import StartError


@pytest.fixture
def name(database_url: str) -> Iterator[str]:
    """The name of a database that has one beside it; all that an exchange leaves is removed."""
    backups.make_beside(database_url)
    yield str(psycopg.conninfo.conninfo_to_dict(database_url)["dbname"])
    backups.drop_before(database_url)
    backups.drop_beside(database_url)


def state(database_url: str, name: str) -> set[tuple[str, bool]]:
    """(name, whether one may connect) of the databases that begin with a name."""
    with psycopg.connect(psycopg.conninfo.make_conninfo(database_url, dbname="postgres")) as conn:
        rows = conn.execute("SELECT datname, datallowconn FROM pg_database WHERE starts_with(datname, %s)", [name])
        return {(row[0], row[1]) for row in rows}


def test_who_dies_while_names_are_exchanged_leaves_both_open_under_their_old_ones(
    database_url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = backups._rename

    def rename_and_die(conn: Connection[TupleRow], old: str, new: str) -> None:
        rename(conn, old, new)
        conn.close()

    monkeypatch.setattr(backups, "_rename", rename_and_die)
    with pytest.raises(psycopg.OperationalError):
        backups.exchange(database_url)
    assert state(database_url, name) == {(name, True), (f"{name}_restoring", True)}


def test_one_who_comes_in_again_meanwhile_is_put_out_again(
    database_url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, held = backups._rename, [psycopg.connect(database_url)]

    def come_in(conn: Connection[TupleRow], old: str, new: str) -> None:
        if len(held) == 1:
            held.append(psycopg.connect(database_url))
        rename(conn, old, new)

    monkeypatch.setattr(backups, "_rename", come_in)
    assert backups.exchange(database_url)
    assert state(database_url, name) == {(name, True), (f"{name}_before_restore", True)}
    for conn in held:
        conn.close()


def test_a_database_that_is_not_let_go_is_left_as_it_was(
    database_url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, held = backups._rename, []

    def come_in(conn: Connection[TupleRow], old: str, new: str) -> None:
        held.append(psycopg.connect(database_url))
        rename(conn, old, new)

    monkeypatch.setattr(backups, "_rename", come_in)
    monkeypatch.setattr(backups, "TRIES", 1)
    with pytest.raises(StartError, match="nothing was changed"):
        backups.exchange(database_url)
    assert state(database_url, name) == {(name, True), (f"{name}_restoring", True)}
    for conn in held:
        conn.close()
