"""Projects: one row a repository."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from db import counts
from db.pool import Conn

Row = dict[str, Any]


def ensure(conn: Conn, names: dict[str, str]) -> dict[str, uuid.UUID]:
    """The ids of the projects at these paths ({path: name}); those that are missing are made."""
    paths = sorted(names)
    ids = ids_of(conn, paths)
    missing = [path for path in paths if path not in ids]
    if missing:
        conn.execute(
            """
            INSERT INTO projects (path, name)
            SELECT * FROM unnest(%(paths)b::text[], %(names)b::text[])
            ON CONFLICT (path) DO NOTHING
            """,
            {"paths": missing, "names": [names[path] for path in missing]},
        )
        ids |= ids_of(conn, missing)
    return ids


def ids_of(conn: Conn, paths: Iterable[str]) -> dict[str, uuid.UUID]:
    """{path: id} of the projects that exist. They are locked against deletion until commit."""
    rows = conn.execute(
        "SELECT path, id FROM projects WHERE path = ANY(%(paths)b) ORDER BY path FOR KEY SHARE",
        {"paths": list(paths)},
    ).fetchall()
    return {row[0]: row[1] for row in rows}


def save(conn: Conn, path: str, name: str | None, metadata: Mapping[str, Any]) -> Row:
    """Store the project of a path, or change the one there is: its name if one is given, its metadata merged."""
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            """
            INSERT INTO projects AS p (path, name, metadata) VALUES (%(path)s, %(name)s, %(metadata)s)
            ON CONFLICT (path) DO UPDATE SET
                name = coalesce(excluded.name, p.name), metadata = p.metadata || excluded.metadata
            RETURNING id, path, name, created_at, updated_at, metadata
            """,
            {"path": path, "name": name, "metadata": Jsonb(metadata)},
        ).fetchone()
    assert found is not None
    return found


def page(conn: Conn, *, limit: int, offset: int) -> list[Row]:
    """A page of projects, the last changed first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT id, path, name, created_at, updated_at, metadata FROM projects
            ORDER BY updated_at DESC, id LIMIT %(limit)s OFFSET %(offset)s
            """,
            {"limit": limit, "offset": offset},
        ).fetchall()


def total(conn: Conn) -> int:
    """How many projects there are."""
    return counts.of(conn, "projects")["projects"]


def one(conn: Conn, project_id: uuid.UUID) -> Row | None:
    """A project, None when it is not known."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "SELECT id, path, name, created_at, updated_at, metadata FROM projects WHERE id = %(id)s",
            {"id": project_id},
        ).fetchone()


def at(conn: Conn, path: str) -> Row | None:
    """The project of a path, None when there is none."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "SELECT id, path, name, created_at, updated_at, metadata FROM projects WHERE path = %(path)s",
            {"path": path},
        ).fetchone()


def statistics(conn: Conn, project_id: uuid.UUID) -> Row | None:
    """The row of v_project_stats of a project."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT project_id, project_name, path, total_requests, total_subtasks, total_actions,
                   successful_actions, avg_duration_ms, last_activity
            FROM v_project_stats WHERE project_id = %(id)s
            """,
            {"id": project_id},
        ).fetchone()
