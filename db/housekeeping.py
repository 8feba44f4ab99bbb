"""What the clock does to the tables."""

from db import partitions
from db.pool import Conn


def make_months(conn: Conn, ahead: int) -> None:
    """Make the partitions of this month and of so many months ahead."""
    rows = conn.execute(
        "SELECT now() + make_interval(months => m) FROM generate_series(0, %(ahead)s) AS m", {"ahead": ahead}
    ).fetchall()
    partitions.ensure(conn, (row[0] for row in rows))
