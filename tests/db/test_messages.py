"""Messages: polled by many at once, and cleaned away beside them."""

from concurrent.futures import ThreadPoolExecutor

import psycopg

from db import cleanup, messages
from db.pool import Conn


def broadcast(conn: Conn, priority: int = 0) -> None:
    """A message to everybody that lives for ten minutes."""
    given = {"project_id": None, "from_agent": "a", "to_agent": None, "topic": "task.created", "content": {}}
    messages.send(conn, {**given, "priority": priority, "ttl_s": 600})


def poll(conn: Conn, agent: str, limit: int = 100) -> int:
    """Poll as the API does; how many messages there were."""
    with conn.transaction():
        found = messages.poll(conn, agent, since=None, topic=None, broadcasts=True, project_id=None, limit=limit)
        return len(found)


def test_agents_that_poll_the_same_broadcasts_at_once_never_deadlock_and_each_has_read_them(
    database_url: str, conn: Conn
) -> None:
    for number in range(3000):
        broadcast(conn, number * 7919 % 11)
    conn.execute("ANALYZE agent_messages")

    def poll_in_parts(number: int) -> None:
        with psycopg.connect(database_url, autocommit=True) as own:
            for limit in (5, 40, 3000) if number % 2 else (3000, 40, 5):
                poll(own, f"agent {number}", limit)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(poll_in_parts, range(24)))
    read = conn.execute("SELECT DISTINCT cardinality(read_by) FROM agent_messages").fetchall()
    assert read == [(24,)]


def test_the_cleaning_leaves_a_message_that_is_being_polled_for_its_next_time(database_url: str, conn: Conn) -> None:
    for _ in range(2):
        broadcast(conn)
    conn.execute("UPDATE agent_messages SET read_by = '{b}', created_at = now() - interval '25 h'")
    with psycopg.connect(database_url) as own:
        own.execute("SELECT FROM agent_messages ORDER BY id LIMIT 1 FOR UPDATE")
        assert cleanup.clean_messages(conn) == 1
    assert cleanup.clean_messages(conn) == 1


def test_the_cleaning_deletes_read_broadcasts_of_yesterday_and_nothing_else_that_is_alive(conn: Conn) -> None:
    conn.execute("""
        INSERT INTO agent_messages (message_type, topic, payload, to_agent_id, read_by, created_at) VALUES
            ('t', 'read yesterday', '{}', NULL, '{b}', now() - interval '25 h'),
            ('t', 'read today', '{}', NULL, '{b}', now() - interval '23 h'),
            ('t', 'unread', '{}', NULL, '{}', now() - interval '25 h'),
            ('t', 'direct', '{}', 'b', '{b}', now() - interval '25 h')""")
    assert cleanup.clean_messages(conn) == 1
    left = [row[0] for row in conn.execute("SELECT topic FROM agent_messages ORDER BY topic")]
    assert left == ["direct", "read today", "unread"]
    last = cleanup.last(conn)
    assert last is not None
    assert last["deleted_messages"] == 1
