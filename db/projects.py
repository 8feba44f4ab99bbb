"""Projects: one row a repository."""

import uuid
from collections.abc import Iterable

from db.pool import Conn


def ensure(conn: Conn, names: dict[str, str]) -> dict[str, uuid.UUID]:
    """The ids of the projects at these paths ({path: name}); those that are missing are made."""
    paths = sorted(names)
    ids = ids_of(conn, paths)
    missing = [path for path in paths if path not in ids]
    if missing:
        conn.execute(
            """
            INSERT INTO projects (path, name)
            SELECT * FROM unnest(%(paths)s::text[], %(names)s::text[])
            ON CONFLICT (path) DO NOTHING
            """,
            {"paths": missing, "names": [names[path] for path in missing]},
        )
        ids |= ids_of(conn, missing)
    return ids


def ids_of(conn: Conn, paths: Iterable[str]) -> dict[str, uuid.UUID]:
    """{path: id} of the projects that exist. They are locked against deletion until commit."""
    rows = conn.execute(
        "SELECT path, id FROM projects WHERE path = ANY(%(paths)s) ORDER BY path FOR KEY SHARE",
        {"paths": list(paths)},
    ).fetchall()
    return {row[0]: row[1] for row in rows}
