"""Bring a database to the current schema: numbered SQL files, forward only, one transaction each."""

import hashlib
from importlib.resources import files

import psycopg
from psycopg import Connection
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
        return [name for name, sql in known if _apply(conn, name, sql, applied.get(name))]


def _refuse_unknown(names: set[str]) -> None:
    if names:
        raise StartError(
            f"The database has migrations this version of DCM does not know ({', '.join(sorted(names))}): "
            "update DCM, or use another database."
        )


def _apply(conn: Connection[TupleRow], name: str, sql: str, applied: str | None) -> bool:
    checksum = hashlib.sha256(sql.encode()).hexdigest()
    if applied == checksum:
        return False
    if applied is not None:
        raise StartError(f"Migration {name} was changed after it was applied: restore the file, add a new one.")
    with conn.transaction():
        conn.execute("SET LOCAL lock_timeout = '10s'")
        conn.execute(sql.encode())
        conn.execute("INSERT INTO migrations (name, checksum) VALUES (%s, %s)", [name, checksum])
    return True
