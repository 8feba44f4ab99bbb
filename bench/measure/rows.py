"""Rows of a busy team, by the statements of `bench/*.sql`."""

from collections.abc import Iterator
from pathlib import Path

from db.pool import Conn

FOLDER = Path(__file__).parents[1]


def lay(conn: Conn, file: str, *, actions: int, days: int, parts: int = 1) -> Iterator[str]:
    """Store what days leave behind, in proportion to the actions; the title of each statement once it is done.

    Those that name a part are run for each, so that a large one is several transactions.
    """
    for section in (FOLDER / file).read_text(encoding="utf-8").split("\n\n-- ")[1:]:
        title, _, statement = section.partition("\n")
        for part in range(parts if "%(part)s" in statement else 1):
            conn.execute(statement.encode(), {"actions": actions, "days": days, "parts": parts, "part": part})
        yield title.partition(":")[0]
