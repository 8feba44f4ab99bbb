"""What a backup and a restore ask of Postgres: who it is, a database beside the old one, and their names exchanged."""

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Conninfo
from psycopg.rows import TupleRow

from db.carried import carry, note_reset
from dcm.domain.errors import StartError

__all__ = [
    "analyze", "before", "beside", "carry", "drop_before", "drop_beside", "environment", "exchange", "left_beside",
    "major", "make_beside", "note_reset", "others",
]  # fmt: skip

BESIDE, BEFORE = "_restoring", "_before_restore"
"""How the database is called into which a backup is restored, and the one it took the place of."""


TRIES = 3
"""How often those who use a database are put out before it is given up: one may come in between."""


def major(database_url: str) -> int:
    """The major version of the server."""
    with psycopg.connect(database_url, autocommit=True, connect_timeout=5) as conn:
        return conn.info.server_version // 10_000


def environment(database_url: str) -> dict[str, str]:
    """The variables by which Postgres's own programs reach the database: no password stands on a command line."""
    options = Conninfo.parse(database_url.encode())
    return {option.envvar.decode(): option.val.decode() for option in options if option.envvar and option.val}


def beside(database_url: str) -> str:
    """The URL of the database beside the one that is named."""
    return make_conninfo(database_url, dbname=_name(database_url) + BESIDE)


def before(database_url: str) -> str:
    """The name of the database that the last restore took away."""
    return _name(database_url) + BEFORE


def make_beside(database_url: str) -> None:
    """Make the database beside, empty; what an earlier restore left there is gone."""
    with _maintenance(database_url) as conn:
        _drop(conn, _name(database_url) + BESIDE)
        conn.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(_name(database_url) + BESIDE))
        )


def left_beside(database_url: str) -> str | None:
    """The name of the database beside, None when there is none."""
    name = _name(database_url) + BESIDE
    with _maintenance(database_url) as conn:
        found = conn.execute("SELECT FROM pg_database WHERE datname = %(name)s", {"name": name}).fetchone()
    return None if found is None else name


def drop_beside(database_url: str) -> None:
    """Remove the database beside."""
    with _maintenance(database_url) as conn:
        _drop(conn, _name(database_url) + BESIDE)


def drop_before(database_url: str) -> None:
    """Remove the database that a restore took away."""
    with _maintenance(database_url) as conn:
        _drop(conn, before(database_url))


def analyze(database_url: str) -> None:
    """Count anew what the planner goes by: a restore leaves it without."""
    with psycopg.connect(database_url, autocommit=True, connect_timeout=5) as conn:
        conn.execute("ANALYZE")


def others(database_url: str) -> int:
    """How many processes of DCM are connected to the database."""
    with _maintenance(database_url) as conn:
        row = conn.execute(
            "SELECT count(DISTINCT (client_addr, application_name)) FROM pg_stat_activity "
            "WHERE datname = %(name)s AND application_name LIKE 'dcm %%'",
            {"name": _name(database_url)},
        ).fetchone()
    return int(row[0]) if row else 0


def exchange(database_url: str) -> bool:
    """Let the database beside take the name, in one transaction; whether there was one before, which is kept.

    Raises:
        StartError: the old database is in use by somebody who does not let it go.
    """
    name, new, old = _name(database_url), _name(database_url) + BESIDE, before(database_url)
    with _maintenance(database_url) as conn:
        _drop(conn, old)
        found = conn.execute("SELECT FROM pg_database WHERE datname = %(name)s", {"name": name}).fetchone()
        existed = found is not None
        for tries_left in reversed(range(TRIES)):
            try:
                _exchange(conn, (new, name), (name, old) if existed else None)
                break
            except psycopg.errors.ObjectInUse as error:
                if not tries_left:
                    reason = f"The database {name} is in use ({error.diag.message_detail})"
                    raise StartError(f"{reason}: nothing was changed. End what uses it.") from error
        return existed


def _exchange(conn: Connection[TupleRow], new: tuple[str, str], old: tuple[str, str] | None) -> None:
    """Rename in one transaction; from the first renaming on nobody else comes in, and whoever dies changed nothing."""
    with conn.transaction():
        if old:
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %(name)s", {"name": old[0]}
            )
            _rename(conn, *old)
        _rename(conn, *new)


def _rename(conn: Connection[TupleRow], old: str, new: str) -> None:
    conn.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new)))


def _drop(conn: Connection[TupleRow], name: str) -> None:
    conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _name(database_url: str) -> str:
    parts = conninfo_to_dict(database_url)
    return str(parts.get("dbname") or parts.get("user") or "postgres")


def _maintenance(database_url: str) -> Connection[TupleRow]:
    """A connection to the database every server has: nobody renames the one he is in."""
    return psycopg.connect(make_conninfo(database_url, dbname="postgres"), autocommit=True, connect_timeout=5)
