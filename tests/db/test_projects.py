"""Projects: one row a repository, however many ask for it at once."""

from concurrent.futures import ThreadPoolExecutor

import psycopg

from db import projects
from db.pool import Conn


def test_a_path_is_one_project_and_keeps_its_id_and_its_first_name(conn: Conn) -> None:
    first = projects.ensure(conn, {"/w/shop": "shop", "/w/bank": "bank"})
    again = projects.ensure(conn, {"/w/shop": "renamed", "/w/third": "third"})
    assert again["/w/shop"] == first["/w/shop"]
    assert conn.execute("SELECT path, name FROM projects ORDER BY path").fetchall() == [
        ("/w/bank", "bank"),
        ("/w/shop", "shop"),
        ("/w/third", "third"),
    ]
    assert projects.ensure(conn, {}) == {}


def test_writers_that_make_the_same_projects_at_once_get_the_same_ids(database_url: str) -> None:
    def make(reverse: bool) -> list[tuple[str, str]]:
        paths = sorted((f"/w/{n}" for n in range(40)), reverse=reverse)
        with psycopg.connect(database_url, autocommit=True) as conn, conn.transaction():
            return sorted((path, str(id_)) for path, id_ in projects.ensure(conn, dict.fromkeys(paths, "p")).items())

    with ThreadPoolExecutor(4) as threads:
        first, *others = threads.map(make, [False, True, False, True])
    assert len(first) == 40
    assert all(other == first for other in others)
