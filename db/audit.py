"""The audit log: who did what to what."""

from typing import Any

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from db.pool import Conn
from dcm.domain.access import Caller

Row = dict[str, Any]


def record(conn: Conn, caller: Caller, act: str, subject: str, **details: Any) -> None:
    """Note an act; call it in the transaction of the act, so that there is neither without the other.

    `act` is a word and its verb, like `token.created`; `subject` is the id or name of what it was done to.
    """
    conn.execute(
        """
        INSERT INTO audit_log (who, token_id, address, act, subject, details)
        VALUES (%(who)s, %(token)s, %(address)s, %(act)s, %(subject)s, %(details)s)
        """,
        {
            "who": caller.name,
            "token": caller.token_id,
            "address": caller.address,
            "act": act,
            "subject": subject,
            "details": Jsonb(details),
        },
    )


def page(conn: Conn, *, act: str | None, before: int | None, limit: int) -> list[Row]:
    """Acts, newest first: all, or those whose name begins so; those before an id."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, at, who, token_id, address, act, subject, details FROM audit_log
            WHERE (%(act)s::text IS NULL OR starts_with(act, %(act)s))
              AND (%(before)s::bigint IS NULL OR id < %(before)s)
            ORDER BY id DESC LIMIT %(limit)s
            """,
            {"act": act, "before": before, "limit": limit},
        ).fetchall()
