"""How long projects keep things of their own, and the log of prunings."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from db import audit
from db.pool import Conn
from dcm.domain.access import Caller

Row = dict[str, Any]


def set_days(conn: Conn, path: str, days: int | None) -> Row | None:
    """Set the days of the project at a path, None for what the settings say; None when there is no such project."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "UPDATE projects SET keep_days = %(days)s WHERE path = %(path)s RETURNING id, path, keep_days AS days",
            {"path": path, "days": days},
        ).fetchone()


def of_projects(conn: Conn) -> list[Row]:
    """The projects that have days of their own."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "SELECT id, path, keep_days AS days FROM projects WHERE keep_days IS NOT NULL ORDER BY path"
        ).fetchall()


def ask(conn: Conn, caller: Caller, *, older_than_days: int | None, project_path: str | None, dry_run: bool) -> Row:
    """Note that somebody wants a pruning, in the audit log too; call it in a transaction."""
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            """
            INSERT INTO prunings (older_than_days, project_path, dry_run)
            VALUES (%(days)s, %(project)s, %(dry_run)s)
            RETURNING id, older_than_days, project_path, dry_run, asked_at, began_at, ended_at, stage, rows, bytes,
                      problem
            """,
            {"days": older_than_days, "project": project_path, "dry_run": dry_run},
        ).fetchone()
    assert found is not None
    wanted = {"older_than_days": older_than_days, "project_path": project_path, "dry_run": dry_run}
    audit.record(conn, caller, "pruning.asked", str(found["id"]), **wanted)
    return found


def one(conn: Conn, pruning_id: uuid.UUID) -> Row | None:
    """A pruning, None when it is not known."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, older_than_days, project_path, dry_run, asked_at, began_at, ended_at, stage, rows, bytes, problem
            FROM prunings WHERE id = %(id)s
            """,
            {"id": pruning_id},
        ).fetchone()


def newest(conn: Conn, limit: int) -> list[Row]:
    """The newest prunings."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, older_than_days, project_path, dry_run, asked_at, began_at, ended_at, stage, rows, bytes, problem
            FROM prunings ORDER BY asked_at DESC LIMIT %(limit)s
            """,
            {"limit": limit},
        ).fetchall()


def start(conn: Conn, pruning_id: uuid.UUID) -> bool:
    """Note that a pruning begins, or goes on after it failed or its worker died; False when it is done."""
    return bool(
        conn.execute(
            """
            UPDATE prunings
            SET began_at = coalesce(began_at, now()), ended_at = NULL, problem = NULL, stage = 'counting'
            WHERE id = %(id)s AND stage <> 'done'
            """,
            {"id": pruning_id},
        ).rowcount
    )


def note(conn: Conn, pruning_id: uuid.UUID, stage: str, rows: Mapping[str, int], freed: int) -> None:
    """Note how far a pruning is."""
    conn.execute(
        "UPDATE prunings SET stage = %(stage)s, rows = %(rows)s, bytes = %(bytes)s WHERE id = %(id)s",
        {"id": pruning_id, "stage": stage, "rows": Jsonb(rows), "bytes": freed},
    )


def finish(conn: Conn, pruning_id: uuid.UUID, problem: str | None) -> None:
    """Note that a pruning is over, and why where it failed."""
    conn.execute(
        """
        UPDATE prunings SET ended_at = now(), stage = CASE WHEN %(problem)s::text IS NULL THEN 'done' ELSE 'failed' END,
                            problem = %(problem)s
        WHERE id = %(id)s
        """,
        {"id": pruning_id, "problem": problem},
    )


def last_by_settings(conn: Conn, since: datetime) -> datetime | None:
    """When a pruning by the settings was last asked for; one that failed or never began counts since a moment only."""
    row = conn.execute(
        """
        SELECT max(asked_at) FROM prunings
        WHERE NOT dry_run AND older_than_days IS NULL AND project_path IS NULL
          AND (began_at IS NOT NULL AND stage <> 'failed' OR asked_at > %(since)s)
        """,
        {"since": since},
    ).fetchone()
    return row[0] if row else None


def quiet_since(conn: Conn) -> datetime | None:
    """When a session was last heard of, None when none ever was."""
    row = conn.execute("SELECT max(last_seen_at) FROM sessions").fetchone()
    return row[0] if row else None
