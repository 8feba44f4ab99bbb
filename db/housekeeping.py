"""What the clock does to the tables."""

from db.pool import Conn


def make_months(conn: Conn, ahead: int) -> None:
    """Make the partitions of this month and of so many months ahead."""
    conn.execute(
        "SELECT ensure_month(now() + make_interval(months => m)) FROM generate_series(0, %(ahead)s) AS m",
        {"ahead": ahead},
    )
