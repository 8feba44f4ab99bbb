"""How far each transcript was read, and the turn that was open there."""

from dataclasses import asdict, dataclass

from psycopg.rows import class_row

from db.pool import Conn

READING_LOCK = 0x44434D06
"""With a session's hash: one reader a session at a time."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where the reading of a transcript stands."""

    session_id: str
    agent_id: str
    path: str
    read_to: int
    size: int | None
    digest: str
    state: str
    problem: str | None


def positions(conn: Conn, session_id: str) -> dict[str, Position]:
    """Where the reading of a session's transcripts stands, by subagent; the main conversation's has no name."""
    with conn.cursor(row_factory=class_row(Position)) as cursor:
        found = cursor.execute(
            """
            SELECT session_id, agent_id, path, read_to, size, digest, state, problem
            FROM transcripts WHERE session_id = %(session)s
            """,
            {"session": session_id},
        ).fetchall()
    return {position.agent_id: position for position in found}


def keep(conn: Conn, found: Position) -> None:
    """Remember where the reading of a transcript stands."""
    conn.execute(
        """
        INSERT INTO transcripts (session_id, agent_id, path, read_to, size, digest, state, problem)
        VALUES (%(session_id)s, %(agent_id)s, %(path)s, %(read_to)s, %(size)s, %(digest)s, %(state)s, %(problem)s)
        ON CONFLICT (session_id, agent_id) DO UPDATE SET
            path = excluded.path, read_to = excluded.read_to, size = excluded.size, digest = excluded.digest,
            state = excluded.state, problem = excluded.problem, updated_at = now()
        """,
        asdict(found),
    )


def note_problem(conn: Conn, session_id: str, agent_id: str, path: str, problem: str) -> None:
    """Note why a transcript cannot be read here; where the reading stood stays."""
    conn.execute(
        """
        INSERT INTO transcripts (session_id, agent_id, path, problem)
        VALUES (%(session)s, %(agent)s, %(path)s, %(problem)s)
        ON CONFLICT (session_id, agent_id) DO UPDATE SET problem = excluded.problem, updated_at = now()
        """,
        {"session": session_id, "agent": agent_id, "path": path, "problem": problem},
    )


def begin(conn: Conn, session_id: str) -> bool:
    """Claim the reading of a session until `end`; False while another reader has it."""
    row = conn.execute(
        "SELECT pg_try_advisory_lock(%(lock)s, hashtext(%(session)s))", {"lock": READING_LOCK, "session": session_id}
    ).fetchone()
    return bool(row and row[0])


def end(conn: Conn, session_id: str) -> None:
    """Give up the claim."""
    conn.execute(
        "SELECT pg_advisory_unlock(%(lock)s, hashtext(%(session)s))", {"lock": READING_LOCK, "session": session_id}
    )
