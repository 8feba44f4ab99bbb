"""Credentials of agents: which agents must prove who they are, and with what."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from db.pool import Conn


@dataclass(frozen=True, slots=True)
class Credential:
    """The hash of an agent's credential, and since when it has it."""

    agent_id: str
    credential_hash: bytes
    created_at: datetime


def save(conn: Conn, agent_id: str, credential_hash: bytes) -> Credential:
    """Give an agent a credential; the one it had is good no more."""
    with conn.cursor(row_factory=class_row(Credential)) as cursor:
        found = cursor.execute(
            """
            INSERT INTO agent_credentials (agent_id, credential_hash) VALUES (%(agent)s, %(hash)s)
            ON CONFLICT (agent_id) DO UPDATE SET credential_hash = excluded.credential_hash, created_at = now()
            RETURNING agent_id, credential_hash, created_at
            """,
            {"agent": agent_id, "hash": credential_hash},
        ).fetchone()
    assert found is not None
    return found


def find(conn: Conn, agent_id: str) -> Credential | None:
    """The credential of an agent; None when it needs none."""
    with conn.cursor(row_factory=class_row(Credential)) as cursor:
        return cursor.execute(
            "SELECT agent_id, credential_hash, created_at FROM agent_credentials WHERE agent_id = %(agent)s",
            {"agent": agent_id},
        ).fetchone()


def proved_at(conn: Conn) -> int:
    """The moment, in milliseconds by the clock that dates credentials."""
    row = conn.execute("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint").fetchone()
    assert row is not None
    return int(row[0])


def remove(conn: Conn, agent_id: str) -> bool:
    """Take an agent's credential away; False when it has none."""
    return conn.execute("DELETE FROM agent_credentials WHERE agent_id = %(agent)s", {"agent": agent_id}).rowcount == 1


def everything(conn: Conn) -> list[Credential]:
    """The credentials of all agents that have one."""
    with conn.cursor(row_factory=class_row(Credential)) as cursor:
        return cursor.execute("SELECT agent_id, credential_hash, created_at FROM agent_credentials").fetchall()
