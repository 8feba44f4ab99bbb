"""Blocks: which of them concern a session."""

from db import blocking
from db.pool import Conn


def test_a_block_concerns_a_session_while_the_agent_has_not_ended(conn: Conn) -> None:
    for status in ("pending", "running", "paused", "blocked", "completed", "failed"):
        conn.execute("INSERT INTO subtasks (session_id, agent_id, status) VALUES ('s1', %s, %s)", [status, status])
        blocking.save(conn, "lead", status, None)
    named = {block["blocked_agent"] for block in blocking.of_session(conn, "s1")}
    assert named == {"pending", "running", "paused", "blocked"}
    assert blocking.of_session(conn, "s2") == []
