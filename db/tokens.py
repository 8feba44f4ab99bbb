"""Access tokens: made, listed, revoked and looked up by their hash."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg.rows import class_row, dict_row

from db.pool import Conn
from dcm.domain.access import Known

Row = dict[str, Any]


def create(
    conn: Conn,
    *,
    name: str,
    kind: str,
    scopes: Sequence[str],
    token_hash: bytes,
    expires_at: datetime | None,
    created_by: str,
) -> Row | None:
    """Store a token; None when one of that name is good already."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            INSERT INTO access_tokens (name, kind, scopes, token_hash, expires_at, created_by)
            VALUES (%(name)s, %(kind)s, %(scopes)s, %(hash)s, %(expires)s, %(by)s)
            ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING
            RETURNING id, name, kind, scopes, created_at, created_by, expires_at, last_used_at, revoked_at
            """,
            {
                "name": name,
                "kind": kind,
                "scopes": list(scopes),
                "hash": token_hash,
                "expires": expires_at,
                "by": created_by,
            },
        ).fetchone()


def is_ahead(conn: Conn, moment: datetime) -> bool:
    """Whether a time is still to come, by the clock that tokens expire by."""
    row = conn.execute("SELECT %(moment)s > now()", {"moment": moment}).fetchone()
    return row is not None and bool(row[0])


def named(conn: Conn, name: str) -> uuid.UUID | None:
    """The token of that name that is not revoked."""
    row = conn.execute(
        "SELECT id FROM access_tokens WHERE name = %(name)s AND revoked_at IS NULL", {"name": name}
    ).fetchone()
    return row[0] if row else None


def page(conn: Conn) -> list[Row]:
    """The thousand newest tokens, the revoked ones too."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, name, kind, scopes, created_at, created_by, expires_at, last_used_at, revoked_at
            FROM access_tokens ORDER BY created_at DESC, id LIMIT 1000
            """
        ).fetchall()


def revoke(conn: Conn, key: str) -> Row | None:
    """Revoke the token of that id, else the one of that name; None when there is none, or it is revoked."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            UPDATE access_tokens SET revoked_at = now()
            WHERE revoked_at IS NULL AND (id::text = %(key)s OR (name = %(key)s AND NOT EXISTS (
                SELECT FROM access_tokens WHERE id::text = %(key)s)))
            RETURNING id, name, kind, scopes, created_at, created_by, expires_at, last_used_at, revoked_at
            """,
            {"key": key},
        ).fetchone()


def used(conn: Conn, token_hash: bytes) -> Known | None:
    """The good token of that hash, which counts as used now; that is written once a minute at most."""
    with conn.cursor(row_factory=class_row(Known)) as cursor:
        found = cursor.execute(
            """
            SELECT id, name, scopes, token_hash, expires_at FROM access_tokens
            WHERE token_hash = %(hash)s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
            """,
            {"hash": token_hash},
        ).fetchone()
    if found:
        _note_use(conn, found.id)
    return found


def _note_use(conn: Conn, token_id: uuid.UUID) -> None:
    conn.execute(
        """
        UPDATE access_tokens SET last_used_at = now()
        WHERE id = %(id)s AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
        """,
        {"id": token_id},
    )
