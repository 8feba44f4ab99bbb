"""Every row of a project, a session or all, read by a cursor as exports hold them."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg.rows import dict_row

from db.pool import Conn
from dcm.domain.actions import unpacked

BATCH = 100
"""Rows read at once: the largest have a megabyte."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows are exported; None: everybody's. `owners`: projects of which everything is exported."""

    projects: list[uuid.UUID] | None = None
    owners: list[uuid.UUID] | None = None
    sessions: list[str] | None = None
    subtasks: list[uuid.UUID] | None = None

    @property
    def values(self) -> dict[str, Any]:
        """What the statements are given."""
        return {name: getattr(self, name) for name in ("projects", "owners", "sessions", "subtasks")}


_STATEMENTS: Mapping[str, LiteralString] = {
    "project": """
        SELECT id, path, name, created_at, updated_at, metadata, keep_days FROM projects
        WHERE %(projects)s::uuid[] IS NULL OR id = ANY(%(projects)s) ORDER BY created_at, id
        """,
    "session": """
        SELECT id, project_id, started_at, ended_at, last_seen_at, last_active_at, cwd, cwd_at, worktree,
               transcript_path, transcript_path_at, model, model_at, source, source_at, end_reason, end_reason_at,
               context_bytes, proactive_snapshot_at
        FROM sessions WHERE %(sessions)s::text[] IS NULL OR id = ANY(%(sessions)s) ORDER BY started_at, id
        """,
    "request": """
        SELECT id, project_id, session_id, prompt, prompt_type, status, created_at, completed_at, metadata, prompt_id
        FROM requests
        WHERE %(sessions)s::text[] IS NULL OR session_id = ANY(%(sessions)s) OR project_id = ANY(%(owners)s)
        ORDER BY created_at, id
        """,
    "task_list": """
        SELECT t.id, t.request_id, t.name, t.wave_number, t.status, t.created_at, t.completed_at
        FROM task_lists t LEFT JOIN requests r ON r.id = t.request_id
        WHERE %(sessions)s::text[] IS NULL OR r.session_id = ANY(%(sessions)s) OR r.project_id = ANY(%(owners)s)
        ORDER BY t.created_at, t.id
        """,
    "subtask": """
        SELECT id, task_list_id, agent_type, agent_id, description, status, blocked_by::text[], created_at, started_at,
               completed_at, context_snapshot, result, session_id, tool_use_id, resumed_at, last_seen_at
        FROM subtasks WHERE %(subtasks)s::uuid[] IS NULL OR id = ANY(%(subtasks)s) ORDER BY created_at, id
        """,
    "action": """
        SELECT id, subtask_id, tool_name, tool_type, input, output, file_paths, exit_code, duration_ms, created_at,
               metadata, session_id, tool_use_id, prompt_id, agent_id, success, error, summary
        FROM actions
        WHERE %(sessions)s::text[] IS NULL OR session_id = ANY(%(sessions)s) OR subtask_id = ANY(%(subtasks)s)
        ORDER BY created_at
        """,
    "hook_event": """
        SELECT id, session_id, event, event_key, agent_id, prompt_id, tool_use_id, created_at, payload, recovered
        FROM hook_events WHERE %(sessions)s::text[] IS NULL OR session_id = ANY(%(sessions)s)
        """,
    "message": """
        SELECT id, project_id, from_agent_id, to_agent_id, message_type, topic, payload, priority, read_by, created_at,
               expires_at, session_id
        FROM agent_messages
        WHERE (%(sessions)s::text[] IS NULL OR session_id = ANY(%(sessions)s) OR project_id = ANY(%(owners)s))
          AND NOT EXISTS (SELECT 1 FROM agent_credentials c WHERE c.agent_id = to_agent_id)
        ORDER BY created_at, id
        """,
    "agent_context": """
        SELECT id, project_id, agent_id, agent_type, role_context, skills_to_restore, tools_used, progress_summary,
               last_updated, session_id
        FROM agent_contexts
        WHERE %(sessions)s::text[] IS NULL OR session_id = ANY(%(sessions)s) OR project_id = ANY(%(owners)s)
        ORDER BY last_updated, id
        """,
    "brief": """
        SELECT id, session_id, made_for, created_at, trigger, content, snapshot, subject, given_at, settled_at, summary
        FROM briefs WHERE %(sessions)s::text[] IS NULL OR session_id = ANY(%(sessions)s) ORDER BY made_for, id
        """,
    "usage": """
        SELECT message_id, session_id, agent_id, model, created_at, input_tokens, output_tokens, cache_read_tokens,
               cache_creation_tokens, cache_creation_1h_tokens, request_id
        FROM message_usage WHERE %(sessions)s::text[] IS NULL OR session_id = ANY(%(sessions)s)
        """,
    "model_request": """
        SELECT session_id, key, request_id, prompt_id, model, source, agent_name, created_at, input_tokens,
               output_tokens, cache_read_tokens, cache_creation_tokens, cost, duration_ms, status, error
        FROM model_requests WHERE %(sessions)s::text[] IS NULL OR session_id = ANY(%(sessions)s)
        """,
    "usage_sum": """
        SELECT session_id, stream, started_at, told_at, model, source, agent_name, part, value
        FROM usage_sums WHERE %(sessions)s::text[] IS NULL OR session_id = ANY(%(sessions)s)
        """,
    "compaction_size": """
        SELECT session_id, key, created_at, trigger, success, pre_tokens, post_tokens, duration_ms, error
        FROM compaction_sizes WHERE %(sessions)s::text[] IS NULL OR session_id = ANY(%(sessions)s)
        """,
    "context_usage": """
        SELECT session_id, tokens, model, told_at FROM context_usage
        WHERE %(sessions)s::text[] IS NULL OR session_id = ANY(%(sessions)s)
        """,
    "score": """
        SELECT keyword, tool_name, tool_type, score, usage_count, success_count, last_used FROM keyword_tool_scores
        WHERE %(sessions)s::text[] IS NULL
        """,
    "subscription": """
        SELECT id, agent_id, topic, callback_url, created_at, updated_at, last_called_at, last_status, failures
        FROM subscriptions WHERE %(sessions)s::text[] IS NULL
        """,
    "block": """
        SELECT id, blocked_by, blocked_agent, reason, created_at FROM blocked_agents
        WHERE %(sessions)s::text[] IS NULL
        """,
    "rejected_event": """
        SELECT id, entry_id, session_id, event, reason, payload, created_at, at, came_as, recovered, refusals,
               refused_at, sent_again_at
        FROM rejected_events WHERE %(sessions)s::text[] IS NULL OR session_id = ANY(%(sessions)s)
        """,
}
"""Kind: the statement that reads it; what belongs to nobody's session goes with everything alone."""


def begin(conn: Conn) -> None:
    """Begin to read, in a transaction: all of it as it is at this moment, for as long as it takes."""
    conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    conn.execute("SET LOCAL statement_timeout = 0")
    conn.execute("SET LOCAL timezone = 'UTC'")


def is_known(conn: Conn, project: str | None, session_id: str | None) -> bool:
    """Whether there is a project of this path, or this session, where one is named."""
    row = conn.execute(
        """
        SELECT (%(project)s::text IS NULL OR EXISTS (SELECT FROM projects WHERE path = %(project)s))
           AND (%(session)s::text IS NULL OR EXISTS (SELECT FROM sessions WHERE id = %(session)s))
        """,
        {"project": project, "session": session_id},
    ).fetchone()
    return row == (True,)


def of_project(conn: Conn, path: str) -> Scope | None:
    """All of a project, None when none has this path."""
    row = conn.execute("SELECT id FROM projects WHERE path = %(path)s", {"path": path}).fetchone()
    if row is None:
        return None
    sessions = conn.execute("SELECT id FROM sessions WHERE project_id = %(id)s", {"id": row[0]}).fetchall()
    return _whole(conn, [row[0]], [one[0] for one in sessions])


def of_session(conn: Conn, session_id: str) -> Scope | None:
    """All of a session, None when it is not known."""
    row = conn.execute("SELECT FROM sessions WHERE id = %(id)s", {"id": session_id}).fetchone()
    return None if row is None else _whole(conn, [], [session_id])


def _whole(conn: Conn, owners: list[uuid.UUID], sessions: list[str]) -> Scope:
    """With the projects that these rows name, and the subtasks, which say of neither."""
    given = {"owners": owners, "sessions": sessions}
    projects = conn.execute(
        """
        SELECT unnest(%(owners)s::uuid[])
        UNION SELECT project_id FROM sessions WHERE id = ANY(%(sessions)s)
        UNION SELECT project_id FROM requests WHERE session_id = ANY(%(sessions)s)
        UNION SELECT project_id FROM agent_messages WHERE session_id = ANY(%(sessions)s)
        UNION SELECT project_id FROM agent_contexts WHERE session_id = ANY(%(sessions)s)
        """,
        given,
    ).fetchall()
    subtasks = conn.execute(
        """
        SELECT s.id FROM requests r JOIN task_lists t ON t.request_id = r.id JOIN subtasks s ON s.task_list_id = t.id
        WHERE r.session_id = ANY(%(sessions)s) OR r.project_id = ANY(%(owners)s)
        UNION SELECT id FROM subtasks WHERE session_id = ANY(%(sessions)s) AND task_list_id IS NULL
        """,
        given,
    ).fetchall()
    return Scope([row[0] for row in projects if row[0]], owners, sessions, [row[0] for row in subtasks])


def rows(conn: Conn, kind: str, scope: Scope) -> Iterator[dict[str, Any]]:
    """The rows of a kind, a few in memory at a time; what is stored packed is plain."""
    with conn.cursor(f"export_{kind}", row_factory=dict_row) as cursor:
        cursor.itersize = BATCH
        cursor.execute(_STATEMENTS[kind], scope.values)
        for row in cursor:
            for name in ("input", "output") if kind == "action" else ():
                row[name] = None if row[name] is None else unpacked(row[name])
            yield row
