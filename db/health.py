"""Whether the database answers, and the counts people look at first."""

import time
from dataclasses import dataclass

from psycopg.rows import class_row

from db.pool import Conn


@dataclass(frozen=True, slots=True)
class Counts:
    """How much is stored."""

    projects: int
    requests: int
    actions: int
    messages: int


def latency_ms(conn: Conn) -> int:
    """Milliseconds the simplest query takes."""
    began = time.perf_counter()
    conn.execute("SELECT 1")
    return round((time.perf_counter() - began) * 1000)


def counts(conn: Conn) -> Counts:
    """How many projects, requests, actions and messages are stored."""
    with conn.cursor(row_factory=class_row(Counts)) as cursor:
        found = cursor.execute(
            """
            SELECT (SELECT count(*) FROM projects) AS projects, (SELECT count(*) FROM requests) AS requests,
                   (SELECT coalesce(sum(total_tools_used), 0) FROM sessions) AS actions,
                   (SELECT count(*) FROM agent_messages) AS messages
            """
        ).fetchone()
    assert found is not None
    return found
