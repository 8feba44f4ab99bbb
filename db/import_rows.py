"""Rows of an export, stored: each as it was, counters and words to search for made again, what is known left alone."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, LiteralString

import orjson
import psycopg

from db import partitions, search, sessions
from db.pool import Conn
from dcm.domain.actions import findable, packed
from dcm.domain.exports import Row


class HalfCharacter(ValueError):
    """A text holds half of a character, which cannot be written."""


REFUSED = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded, HalfCharacter)
"""The database cannot store a row: no room for a value, half of a character, or another row that is not there."""


@dataclass(slots=True)
class Done:
    """How many rows are new, why which are not stored, and the ids here of projects that were known by another."""

    stored: int = 0
    refused: dict[int, str] = field(default_factory=dict)
    projects: dict[str, str] = field(default_factory=dict)

    def __iadd__(self, other: "Done") -> "Done":
        self.stored += other.stored
        self.refused |= other.refused
        self.projects |= other.projects
        return self


_STATEMENTS: Mapping[str, LiteralString] = {
    "project": """
        INSERT INTO projects (id, path, name, created_at, updated_at, metadata, keep_days)
        SELECT id, path, name, created_at, updated_at, metadata, keep_days
        FROM jsonb_populate_recordset(NULL::projects, %(rows)s::text::jsonb) ORDER BY path
        ON CONFLICT DO NOTHING
        """,
    "session": """
        INSERT INTO sessions (id, project_id, started_at, ended_at, last_seen_at, last_active_at, cwd, cwd_at, worktree,
                              transcript_path, transcript_path_at, model, model_at, source, source_at, end_reason,
                              end_reason_at, context_bytes, proactive_snapshot_at)
        SELECT id, project_id, started_at, ended_at, last_seen_at, last_active_at, cwd, cwd_at, worktree,
               transcript_path, transcript_path_at, model, model_at, source, source_at, end_reason,
               end_reason_at, context_bytes, proactive_snapshot_at
        FROM jsonb_populate_recordset(NULL::sessions, %(rows)s::text::jsonb) ORDER BY id
        ON CONFLICT DO NOTHING
        """,
    "request": """
        INSERT INTO requests (id, project_id, session_id, prompt, prompt_type, status, created_at, completed_at,
                              metadata, prompt_id)
        SELECT id, project_id, session_id, prompt, prompt_type, status, created_at, completed_at, metadata, prompt_id
        FROM jsonb_populate_recordset(NULL::requests, %(rows)s::text::jsonb) ORDER BY id
        ON CONFLICT DO NOTHING
        """,
    "task_list": """
        INSERT INTO task_lists (id, request_id, name, wave_number, status, created_at, completed_at)
        SELECT id, request_id, name, wave_number, status, created_at, completed_at
        FROM jsonb_populate_recordset(NULL::task_lists, %(rows)s::text::jsonb) ORDER BY id
        ON CONFLICT DO NOTHING
        """,
    "subtask": """
        INSERT INTO subtasks (id, task_list_id, agent_type, agent_id, description, status, blocked_by, created_at,
                              started_at, completed_at, context_snapshot, result, session_id, tool_use_id, resumed_at,
                              last_seen_at)
        SELECT id, task_list_id, agent_type, agent_id, description, status, blocked_by, created_at,
               started_at, completed_at, context_snapshot, result, session_id, tool_use_id, resumed_at, last_seen_at
        FROM jsonb_populate_recordset(NULL::subtasks, %(rows)s::text::jsonb) ORDER BY id
        ON CONFLICT DO NOTHING
        """,
    "hook_event": """
        INSERT INTO hook_events (id, session_id, event, event_key, agent_id, prompt_id, tool_use_id, created_at,
                                 payload, recovered)
        SELECT id, session_id, event, event_key, agent_id, prompt_id, tool_use_id, created_at, payload, recovered
        FROM jsonb_populate_recordset(NULL::hook_events, %(rows)s::text::jsonb) AS e
        WHERE NOT EXISTS (SELECT FROM hook_events h WHERE h.id = e.id) ORDER BY id
        ON CONFLICT DO NOTHING
        """,
    "message": """
        INSERT INTO agent_messages (id, project_id, from_agent_id, to_agent_id, message_type, topic, payload, priority,
                                    read_by, created_at, expires_at, session_id)
        SELECT id, project_id, from_agent_id, to_agent_id, message_type, topic, payload, priority,
               read_by, created_at, expires_at, session_id
        FROM jsonb_populate_recordset(NULL::agent_messages, %(rows)s::text::jsonb) ORDER BY id
        ON CONFLICT DO NOTHING
        """,
    "agent_context": """
        INSERT INTO agent_contexts (id, project_id, agent_id, agent_type, role_context, skills_to_restore, tools_used,
                                    progress_summary, last_updated, session_id)
        SELECT id, project_id, agent_id, agent_type, role_context, skills_to_restore, tools_used,
               progress_summary, last_updated, session_id
        FROM jsonb_populate_recordset(NULL::agent_contexts, %(rows)s::text::jsonb) ORDER BY project_id, agent_id
        ON CONFLICT DO NOTHING
        """,
    "brief": """
        INSERT INTO briefs (id, session_id, made_for, created_at, trigger, content, snapshot, subject, given_at,
                            settled_at, summary, imported)
        SELECT id, session_id, made_for, created_at, trigger, content, snapshot, subject, given_at, settled_at,
               summary, true
        FROM jsonb_populate_recordset(NULL::briefs, %(rows)s::text::jsonb) ORDER BY id
        ON CONFLICT DO NOTHING
        """,
    "usage": """
        INSERT INTO message_usage (message_id, session_id, agent_id, model, created_at, input_tokens, output_tokens,
                                   cache_read_tokens, cache_creation_tokens, cache_creation_1h_tokens, request_id)
        SELECT message_id, session_id, agent_id, model, created_at, input_tokens, output_tokens,
               cache_read_tokens, cache_creation_tokens, cache_creation_1h_tokens, request_id
        FROM jsonb_populate_recordset(NULL::message_usage, %(rows)s::text::jsonb) ORDER BY message_id
        ON CONFLICT DO NOTHING
        """,
    "model_request": """
        INSERT INTO model_requests (session_id, key, request_id, prompt_id, model, source, agent_name, created_at,
                                    input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, cost,
                                    duration_ms, status, error)
        SELECT session_id, key, request_id, prompt_id, model, source, agent_name, created_at,
               input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, cost, duration_ms, status, error
        FROM jsonb_populate_recordset(NULL::model_requests, %(rows)s::text::jsonb) ORDER BY session_id, key
        ON CONFLICT DO NOTHING
        """,
    "usage_sum": """
        INSERT INTO usage_sums (session_id, stream, started_at, told_at, model, source, agent_name, part, value)
        SELECT session_id, stream, started_at, told_at, model, source, agent_name, part, value
        FROM jsonb_populate_recordset(NULL::usage_sums, %(rows)s::text::jsonb)
        ORDER BY session_id, stream, started_at, told_at
        ON CONFLICT DO NOTHING
        """,
    "compaction_size": """
        INSERT INTO compaction_sizes (session_id, key, created_at, trigger, success, pre_tokens, post_tokens,
                                      duration_ms, error)
        SELECT session_id, key, created_at, trigger, success, pre_tokens, post_tokens, duration_ms, error
        FROM jsonb_populate_recordset(NULL::compaction_sizes, %(rows)s::text::jsonb) ORDER BY session_id, key
        ON CONFLICT DO NOTHING
        """,
    "context_usage": """
        INSERT INTO context_usage (session_id, tokens, model, told_at)
        SELECT session_id, tokens, model, told_at
        FROM jsonb_populate_recordset(NULL::context_usage, %(rows)s::text::jsonb) ORDER BY session_id
        ON CONFLICT DO NOTHING
        """,
    "score": """
        INSERT INTO keyword_tool_scores (keyword, tool_name, tool_type, score, usage_count, success_count, last_used)
        SELECT keyword, tool_name, tool_type, score, usage_count, success_count, last_used
        FROM jsonb_populate_recordset(NULL::keyword_tool_scores, %(rows)s::text::jsonb) ORDER BY keyword, tool_name
        ON CONFLICT DO NOTHING
        """,
    "subscription": """
        INSERT INTO subscriptions (id, agent_id, topic, callback_url, created_at, updated_at, last_called_at,
                                   last_status, failures)
        SELECT id, agent_id, topic, callback_url, created_at, updated_at, last_called_at, last_status, failures
        FROM jsonb_populate_recordset(NULL::subscriptions, %(rows)s::text::jsonb) ORDER BY agent_id, topic
        ON CONFLICT DO NOTHING
        """,
    "block": """
        INSERT INTO blocked_agents (id, blocked_by, blocked_agent, reason, created_at)
        SELECT id, blocked_by, blocked_agent, reason, created_at
        FROM jsonb_populate_recordset(NULL::blocked_agents, %(rows)s::text::jsonb) ORDER BY blocked_by, blocked_agent
        ON CONFLICT DO NOTHING
        """,
    "rejected_event": """
        INSERT INTO rejected_events (id, entry_id, session_id, event, reason, payload, created_at, at, came_as,
                                     recovered, refusals, refused_at, sent_again_at)
        SELECT id, entry_id, session_id, event, reason, payload, created_at, at, came_as,
               recovered, refusals, refused_at, sent_again_at
        FROM jsonb_populate_recordset(NULL::rejected_events, %(rows)s::text::jsonb) ORDER BY entry_id
        ON CONFLICT DO NOTHING
        """,
}
"""Kind: the statement that stores it, in an order in which two writers cannot wait for one another."""


def make_months(conn: Conn, rows: Sequence[Row]) -> None:
    """Make the partitions the rows need, outside the transaction that stores them."""
    dated = (row["created_at"] for row in rows if row["kind"] in {"action", "hook_event"})
    partitions.ensure(conn, (datetime.fromisoformat(at) for at in dated))


def store(conn: Conn, rows: Mapping[int, Row]) -> Done:
    """Store numbered rows in their order; their months are made."""
    done = Done()
    for kind, group in groupby(rows.values(), key=lambda row: str(row["kind"])):
        together = list(group)
        done.stored += _SPECIAL[kind](conn, together) if kind in _SPECIAL else _insert(conn, kind, together)
        if kind == "project":
            done.projects |= _known_otherwise(conn, together)
    return done


def _text(rows: Sequence[Row]) -> str:
    try:
        return orjson.dumps(rows).decode()
    except orjson.JSONEncodeError as error:
        raise HalfCharacter(str(error)) from None


def _insert(conn: Conn, kind: str, rows: Sequence[Row]) -> int:
    return conn.execute(_STATEMENTS[kind], {"rows": _text(rows)}).rowcount


def _known_otherwise(conn: Conn, rows: Sequence[Row]) -> dict[str, str]:
    """{id of the export: id here} of projects whose path was known."""
    known = conn.execute(
        "SELECT path, id::text FROM projects WHERE path = ANY(%(paths)s)", {"paths": [row["path"] for row in rows]}
    ).fetchall()
    found = {path: str(project_id) for path, project_id in known}
    return {row["id"]: found[row["path"]] for row in rows if found.get(row["path"], row["id"]) != row["id"]}


def _insert_actions(conn: Conn, rows: Sequence[Row]) -> int:
    """Store tool calls, count them for their sessions and make them findable; a subtask nobody knows is left out."""
    by_id = {row["id"]: row for row in rows}
    stored = conn.execute(
        """
        INSERT INTO actions (id, subtask_id, tool_name, tool_type, input, output, file_paths, exit_code, duration_ms,
                             created_at, metadata, session_id, tool_use_id, prompt_id, agent_id, success, error,
                             summary)
        SELECT e.id, s.id, e.tool_name, e.tool_type, p.input, p.output, e.file_paths, e.exit_code, e.duration_ms,
               e.created_at, e.metadata, e.session_id, e.tool_use_id, e.prompt_id, e.agent_id, e.success, e.error,
               e.summary
        FROM jsonb_populate_recordset(NULL::actions, %(rows)s::text::jsonb) AS e
        JOIN unnest(%(ids)s::uuid[], %(inputs)s::bytea[], %(outputs)s::bytea[]) AS p (id, input, output) ON p.id = e.id
        LEFT JOIN subtasks s ON s.id = e.subtask_id
        WHERE NOT EXISTS (SELECT FROM actions a WHERE a.id = e.id) ORDER BY e.id
        ON CONFLICT DO NOTHING
        RETURNING id::text
        """,
        {
            "rows": _text([row | {"input": None, "output": None} for row in by_id.values()]),
            "ids": list(by_id),
            "inputs": [_packed(row["input"]) for row in by_id.values()],
            "outputs": [_packed(row["output"]) for row in by_id.values()],
        },
    ).fetchall()
    new = [by_id[row[0]] for row in stored]
    _count(conn, new)
    search.keep(conn, [_entry(row) for row in new])
    return len(new)


def _packed(text: str | None) -> bytes | None:
    return None if text is None else packed(text)


def _count(conn: Conn, rows: Sequence[Row]) -> None:
    good = Counter(row["session_id"] for row in rows if row["success"])
    bad = Counter(row["session_id"] for row in rows if not row["success"])
    told = {session_id: (good[session_id], bad[session_id]) for session_id in {*good, *bad} if session_id}
    if told:
        sessions.count_tools(conn, told)


def _entry(row: Mapping[str, Any]) -> search.ActionEntry:
    said = findable(
        str(row["metadata"].get("tool") or row["tool_name"]),
        row["input"] or "",
        row["summary"],
        row["file_paths"],
        row["error"] or "",
        recorded="project_path" in row["metadata"],
        got=row["output"] or "",
    )
    return search.ActionEntry(row["id"], row["session_id"], datetime.fromisoformat(row["created_at"]), said)


_SPECIAL: Mapping[str, Callable[[Conn, Sequence[Row]], int]] = {"action": _insert_actions}
