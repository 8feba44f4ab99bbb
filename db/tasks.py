"""Tasks: the waves of a request, in table task_lists."""

import uuid
from typing import Any

from psycopg.rows import dict_row

from db.pool import Conn

Row = dict[str, Any]


def next_wave(conn: Conn, request_id: uuid.UUID) -> int:
    """The number of the next wave of a request. The caller holds the request, so that nobody else takes it."""
    row = conn.execute(
        "SELECT coalesce(max(wave_number) + 1, 0) FROM task_lists WHERE request_id = %(request)s",
        {"request": request_id},
    ).fetchone()
    return int(row[0]) if row else 0


def create(conn: Conn, request_id: uuid.UUID, name: str, wave_number: int, status: str) -> Row:
    """Store a wave of a request that is there."""
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            """
            INSERT INTO task_lists (request_id, name, wave_number, status)
            VALUES (%(request)s, %(name)s, %(wave)s, %(status)s)
            RETURNING id, request_id, name, wave_number, status, created_at, completed_at
            """,
            {"request": request_id, "name": name, "wave": wave_number, "status": status},
        ).fetchone()
    assert found is not None
    return found


def newest(conn: Conn, *, status: str | None, limit: int, offset: int) -> list[Row]:
    """A page of waves of all requests, newest first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, request_id, name, wave_number, status, created_at, completed_at FROM task_lists
            WHERE (%(status)s::text IS NULL OR status = %(status)s)
            ORDER BY created_at DESC, id LIMIT %(limit)s OFFSET %(offset)s
            """,
            {"status": status, "limit": limit, "offset": offset},
        ).fetchall()


def of_request(
    conn: Conn, request_id: uuid.UUID, *, status: str | None = None, limit: int | None = None, offset: int = 0
) -> list[Row]:
    """The waves of a request in their order; all of them without a limit."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, request_id, name, wave_number, status, created_at, completed_at FROM task_lists
            WHERE request_id = %(request)s AND (%(status)s::text IS NULL OR status = %(status)s)
            ORDER BY wave_number, created_at, id LIMIT %(limit)s OFFSET %(offset)s
            """,
            {"request": request_id, "status": status, "limit": limit, "offset": offset},
        ).fetchall()


def one(conn: Conn, task_id: uuid.UUID) -> Row | None:
    """A wave, None when it is not known."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, request_id, name, wave_number, status, created_at, completed_at
            FROM task_lists WHERE id = %(id)s
            """,
            {"id": task_id},
        ).fetchone()


def hold(conn: Conn, task_id: uuid.UUID) -> Row | None:
    """A wave; until commit nobody else changes it or adds a subtask. None when it is not known."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, request_id, name, wave_number, status, created_at, completed_at
            FROM task_lists WHERE id = %(id)s FOR UPDATE
            """,
            {"id": task_id},
        ).fetchone()


def hold_all(conn: Conn, request_id: uuid.UUID) -> None:
    """Let nobody else change a wave of a request, or add a subtask, until commit."""
    conn.execute(
        "SELECT FROM task_lists WHERE request_id = %(request)s ORDER BY id FOR UPDATE", {"request": request_id}
    )


def session_of(conn: Conn, task_id: uuid.UUID) -> str | None:
    """The session a wave belongs to, None when it belongs to none."""
    row = conn.execute(
        "SELECT r.session_id FROM task_lists t JOIN requests r ON r.id = t.request_id WHERE t.id = %(id)s",
        {"id": task_id},
    ).fetchone()
    return row[0] if row else None


def change(conn: Conn, task_id: uuid.UUID, status: str | None, name: str | None) -> Row | None:
    """Set what is given; None when the wave is not known.

    It is completed now unless it was before; one that goes on again is not completed.
    """
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            UPDATE task_lists SET
                status = coalesce(%(status)s, status), name = coalesce(%(name)s, name),
                completed_at = CASE
                    WHEN %(status)s = 'completed' AND status <> 'completed' THEN now()
                    WHEN %(status)s = 'completed' THEN coalesce(completed_at, now())
                    WHEN %(status)s IN ('pending', 'running', 'blocked') THEN NULL
                    ELSE completed_at END
            WHERE id = %(id)s
            RETURNING id, request_id, name, wave_number, status, created_at, completed_at
            """,
            {"id": task_id, "status": status, "name": name},
        ).fetchone()


def remove(conn: Conn, task_id: uuid.UUID) -> None:
    """Forget a wave with its subtasks."""
    conn.execute("DELETE FROM task_lists WHERE id = %(id)s", {"id": task_id})
