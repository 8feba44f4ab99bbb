"""Bring a database to the current schema: numbered SQL files, forward only, one transaction each."""

import hashlib
from importlib.resources import files

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow

from dcm.domain.errors import StartError

MIGRATION_LOCK = 0x44434D01
"""Advisory lock that lets one process migrate while others wait."""


def migration_files() -> list[tuple[str, str]]:
    """(name, SQL) of every migration, in order of application."""
    folder = files("db.migrations")
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    return [(name, folder.joinpath(name).read_text(encoding="utf-8")) for name in names]


def migrate(database_url: str) -> list[str]:
    """Apply what is missing and return the names applied. Several processes may call it at once.

    Raises:
        StartError: an applied file was changed, or the database is of a later version than this code.
    """
    with psycopg.connect(database_url, autocommit=True, connect_timeout=5) as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        conn.execute(
            "CREATE TABLE IF NOT EXISTS migrations "
            "(name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        applied: dict[str, str] = dict(conn.execute("SELECT name, checksum FROM migrations").fetchall())
        known = migration_files()
        _refuse_unknown(set(applied) - {name for name, _ in known})
        return [name for name, text in known if _apply(conn, name, text, applied.get(name))]


def _refuse_unknown(names: set[str]) -> None:
    if names:
        raise StartError(
            f"The database has migrations this version of DCM does not know ({', '.join(sorted(names))}): "
            "update DCM, or use another database."
        )


def _apply(conn: Connection[TupleRow], name: str, text: str, applied: str | None) -> bool:
    checksum = hashlib.sha256(text.encode()).hexdigest()
    if applied == checksum:
        return False
    if applied is not None:
        raise StartError(f"Migration {name} was changed after it was applied: restore the file, add a new one.")
    with conn.transaction():
        conn.execute("SET LOCAL lock_timeout = '10s'")
        conn.execute(text.encode())
        conn.execute("INSERT INTO migrations (name, checksum) VALUES (%s, %s)", [name, checksum])
    return True


def missing(database_url: str) -> list[str]:
    """The migrations that are not applied yet; those of a later version are nobody's here to name."""
    with psycopg.connect(database_url, autocommit=True, connect_timeout=5) as conn:
        if conn.execute("SELECT to_regclass('migrations') IS NULL").fetchone() == (True,):
            return [name for name, _ in migration_files()]
        applied = {row[0] for row in conn.execute("SELECT name FROM migrations")}
        return [name for name, _ in migration_files() if name not in applied]


def create_database(database_url: str) -> bool:
    """Make the database that the URL names; False when it is there."""
    name = _name(database_url)
    with _maintenance(database_url) as conn:
        if conn.execute("SELECT FROM pg_database WHERE datname = %(name)s", {"name": name}).fetchone() is not None:
            return False
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return True


def drop_database(database_url: str) -> None:
    """Delete the database that the URL names, whoever is connected to it."""
    with _maintenance(database_url) as conn:
        conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(_name(database_url))))


def _name(database_url: str) -> str:
    parts = conninfo_to_dict(database_url)
    return str(parts.get("dbname") or parts.get("user") or "postgres")


def _maintenance(database_url: str) -> Connection[TupleRow]:
    """A connection to the database every server has: nobody makes or deletes the one he is in."""
    return psycopg.connect(make_conninfo(database_url, dbname="postgres"), autocommit=True, connect_timeout=5)
