"""Work of a hundred days, for tests of what is kept how long."""

from db import counts
from db.pool import Conn


def fill(conn: Conn, days: int = 100, each: int = 40) -> None:
    """So many days of work, a session a day with so many tool calls, half of them in the second of two projects."""
    conn.execute("SELECT ensure_month(now() - make_interval(days => n)) FROM generate_series(0, %s + 2) AS n", [days])
    conn.execute("INSERT INTO projects (path) VALUES ('/w/shop'), ('/w/bank')")
    given = {"days": days, "each": each}
    for statement in (
        """
        INSERT INTO sessions (id, project_id, started_at, last_seen_at, ended_at, total_tools_used)
        SELECT 's' || n, p.id, t.at, t.at, t.at, %(each)s
        FROM generate_series(0, %(days)s) AS n
        CROSS JOIN LATERAL (SELECT now() - make_interval(days => n, hours => 12) AS at) AS t
        JOIN projects p ON p.path = (ARRAY['/w/shop', '/w/bank'])[1 + mod(n, 2)]
        """,
        """
        INSERT INTO requests (project_id, session_id, prompt, created_at)
        SELECT project_id, id, 'make the cart faster', started_at FROM sessions
        """,
        "INSERT INTO task_lists (request_id) SELECT id FROM requests",
        """
        INSERT INTO subtasks (task_list_id, session_id, description, status, created_at)
        SELECT t.id, r.session_id, 'look', 'completed', r.created_at
        FROM task_lists t JOIN requests r ON r.id = t.request_id
        """,
        """
        INSERT INTO actions (tool_name, tool_type, input, session_id, subtask_id, duration_ms, success, created_at)
        SELECT (ARRAY['Bash', 'Read'])[1 + mod(n, 2)], 'builtin', 'x', s.id, CASE WHEN mod(n, 3) = 0 THEN t.id END,
               nullif(n, 3), n <> 2, s.started_at - make_interval(secs => n)
        FROM sessions s JOIN subtasks t ON t.session_id = s.id, generate_series(1, %(each)s) AS n
        """,
        """
        INSERT INTO hook_events (id, session_id, event, event_key, created_at, payload)
        SELECT gen_random_uuid(), s.id, 'Notification', s.id || n, s.started_at - make_interval(secs => n), '{}'
        FROM sessions s, generate_series(1, %(each)s) AS n
        """,
        """
        INSERT INTO search_entries (kind, ref, session_id, at, words)
        SELECT 'action', id, session_id, created_at, search_words(tool_name) FROM actions
        """,
        """
        INSERT INTO briefs (session_id, made_for, created_at, trigger, content, snapshot)
        SELECT id, started_at, started_at, 'auto', 'x', '{}' FROM sessions
        """,
        """
        INSERT INTO agent_messages (project_id, message_type, payload, created_at)
        SELECT project_id, 'a', '{}', started_at FROM sessions
        """,
        """
        INSERT INTO keyword_tool_scores (keyword, tool_name, tool_type, last_used)
        SELECT 'word' || n, 'Bash', 'builtin', now() - make_interval(days => n, hours => 12)
        FROM generate_series(0, %(days)s) AS n
        """,
        """
        INSERT INTO events (channel, event, data, created_at)
        SELECT 'global', 'task.created', '{}', now() - make_interval(days => %(days)s - n, hours => 12)
        FROM generate_series(0, %(days)s) AS n
        """,
    ):
        conn.execute(statement.encode(), given)
    counts.fold(conn)
