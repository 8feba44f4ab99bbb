"""Whether the database answers, and the counts people look at first."""

import time
from dataclasses import dataclass

from db.counts import of as rows_of
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
    found = rows_of(conn, "projects", "requests", "actions", "agent_messages")
    return Counts(found["projects"], found["requests"], found["actions"], found["agent_messages"])


def size_bytes(conn: Conn) -> int:
    """Bytes the database takes on its disk."""
    found = conn.execute("SELECT pg_database_size(current_database())").fetchone()
    return int(found[0]) if found else 0
