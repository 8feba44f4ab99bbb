"""What a restored database takes over from the one it takes the place of: what was revoked, and what was done."""

from typing import LiteralString

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from db import audit
from dcm.domain.access import Caller

PERSON = Caller("local", "local", frozenset())
"""Who runs a command that asks no server."""


def carry(old_url: str, new_url: str, restored: str) -> tuple[int, int, int] | None:
    """Carry (tokens revoked, credentials, acts) over, and note the restore; None where the old database has none.

    Whether tokens and credentials are good is as the old database says, where it knows of them. `restored` names the
    backup.
    """
    with psycopg.connect(new_url, connect_timeout=5) as new:
        try:
            with new.transaction(), psycopg.connect(old_url, connect_timeout=5) as old:
                found = _carry(old, new) if _has_log(old) else None
        except psycopg.Error:
            found = None
        details = dict(zip(("tokens", "credentials", "acts"), found, strict=True)) if found else {}
        audit.record(new, PERSON, "database.restored", restored, **details)
    return found


def note_reset(database_url: str) -> None:
    """Note in a database that it was made anew."""
    with psycopg.connect(database_url, connect_timeout=5) as conn:
        audit.record(conn, PERSON, "database.reset", conn.info.dbname)


def _has_log(conn: Connection[TupleRow]) -> bool:
    return conn.execute("SELECT to_regclass('audit_log') IS NOT NULL").fetchone() == (True,)


def _carry(old: Connection[TupleRow], new: Connection[TupleRow]) -> tuple[int, int, int]:
    new.execute("CREATE TEMPORARY TABLE old_tokens (id uuid, revoked_at timestamptz) ON COMMIT DROP")
    new.execute("CREATE TEMPORARY TABLE old_credentials (LIKE agent_credentials) ON COMMIT DROP")
    new.execute("CREATE TEMPORARY TABLE old_acts (LIKE audit_log) ON COMMIT DROP")
    _copy(old, new, "SELECT id, revoked_at FROM access_tokens WHERE revoked_at IS NOT NULL", "old_tokens")
    _copy(old, new, "SELECT agent_id, credential_hash, created_at FROM agent_credentials", "old_credentials")
    _copy(old, new, "SELECT id, at, who, token_id, address, act, subject, details FROM audit_log", "old_acts")
    return _revoke(new), _replace_credentials(new), _add_acts(new)


def _copy(old: Connection[TupleRow], new: Connection[TupleRow], rows: LiteralString, table: LiteralString) -> None:
    with (
        old.cursor().copy(f"COPY ({rows}) TO STDOUT (FORMAT binary)") as out,
        new.cursor().copy(f"COPY {table} FROM STDIN (FORMAT binary)") as into,
    ):
        for piece in out:
            into.write(piece)


def _revoke(conn: Connection[TupleRow]) -> int:
    return conn.execute(
        """
        UPDATE access_tokens t SET revoked_at = o.revoked_at FROM old_tokens o
        WHERE o.id = t.id AND t.revoked_at IS NULL
        """
    ).rowcount


def _replace_credentials(conn: Connection[TupleRow]) -> int:
    """Credentials of agents whose making or ending the old log tells are as they were in the old database."""
    conn.execute(
        """
        DELETE FROM agent_credentials c
        WHERE EXISTS (SELECT FROM old_acts a WHERE starts_with(a.act, 'credential.') AND a.subject = c.agent_id)
          AND NOT EXISTS (SELECT FROM old_credentials o
                          WHERE o.agent_id = c.agent_id AND o.credential_hash = c.credential_hash)
        """
    )
    return conn.execute(
        """
        INSERT INTO agent_credentials (agent_id, credential_hash, created_at)
        SELECT agent_id, credential_hash, created_at FROM old_credentials ON CONFLICT DO NOTHING
        """
    ).rowcount


def _add_acts(conn: Connection[TupleRow]) -> int:
    """Acts the backup does not know, behind those it knows: their ids are given anew."""
    return conn.execute(
        """
        INSERT INTO audit_log (at, who, token_id, address, act, subject, details)
        SELECT o.at, o.who, o.token_id, o.address, o.act, o.subject, o.details FROM old_acts o
        WHERE NOT EXISTS (SELECT FROM audit_log a WHERE a.at = o.at AND a.act = o.act AND a.subject = o.subject)
        ORDER BY o.id
        """
    ).rowcount
