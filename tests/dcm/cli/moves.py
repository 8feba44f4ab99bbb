"""Exports and imports for tests: a DCM with a row of every kind, one with nothing, and what goes between them."""

import gzip
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from api_server import ApiServer, empty
from click.testing import Result
from command import answer, run
from story import AGENT, HOOKS, SESSION, tool

from db import telemetry
from dcm.domain.telemetry import CompactionSize, ModelRequest, UsageSum
from workers.briefs import make_brief

WriteAll = Callable[[], None]

PADDING = "x" * 5000
"""Longer than what is stored unpacked."""

AT = "2026-11-20T12:00:00+00:00"

REQUEST = ModelRequest(
    SESSION, "r1", "r1", None, "opus", "main", "", AT, input_tokens=3, output_tokens=4, cache_read_tokens=5,
    cache_creation_tokens=6, cost=0.25, duration_ms=900, status=529, error="overloaded",
)  # fmt: skip
SUM = UsageSum(SESSION, "one", AT, AT, "opus", "main", "", "cost", 0.25)
SIZE = CompactionSize(SESSION, "c1", AT, "auto", success=True, pre_tokens=9, post_tokens=3, duration_ms=9, error=None)
"""What telemetry told of the story's session."""

DERIVED = {
    "counts", "count_changes", "action_hours", "action_changes", "session_actions", "tool_scores",
    "tool_score_changes", "keywords", "keyword_changes", "search_entries",
}  # fmt: skip
"""Made again of the rows at an import."""

NOT_MOVED = {
    "events": "what a WebSocket client missed; nobody of the other DCM listens here",
    "transcripts": "how far files of that machine were read; they are read again where they lie",
    "access_tokens": "a token is good for the DCM that made it",
    "agent_credentials": "a credential is good for the DCM that made it",
    "audit_log": "what was done to that DCM",
    "prunings": "what that DCM let go",
    "forgotten_sessions": "what was deleted there; who imports a session here wants it",
    "kept_projects": "a note of a pruning that runs",
    "kept_sessions": "a note of a pruning that runs",
    "month_changes": "a note of a month that is written anew",
    "last_cleanup": "what that DCM's clock did",
    "migrations": "the schema of that database",
    "schema_version": "the schema of that database",
}

TABLES = {
    "projects": "project", "sessions": "session", "requests": "request", "task_lists": "task_list",
    "subtasks": "subtask", "actions": "action", "hook_events": "hook_event", "agent_messages": "message",
    "agent_contexts": "agent_context", "briefs": "brief", "message_usage": "usage", "context_usage": "context_usage",
    "model_requests": "model_request", "usage_sums": "usage_sum", "compaction_sizes": "compaction_size",
    "keyword_tool_scores": "score", "subscriptions": "subscription", "blocked_agents": "block",
    "rejected_events": "rejected_event",
}  # fmt: skip

COUNTED_AGAIN = {
    "sessions": {"total_tools_used", "total_success", "total_errors"},
    "keyword_tool_scores": {"id"},
    "briefs": {"imported"},
}
"""Columns that are made anew."""


def emptied(server: ApiServer) -> ApiServer:
    """The same server with nothing in its database."""
    with psycopg.connect(server.database_url, autocommit=True) as conn:
        empty(conn)
    return server


def url(server: ApiServer) -> str:
    return f"http://127.0.0.1:{server.port}"


def exported(server: ApiServer, home: Path, name: str = "all.jsonl", *options: str) -> list[dict[str, Any]]:
    """The lines of an export without its header, whose time is its own."""
    said = run(home, "export", "--output", str(home / name), "--url", url(server), *options)
    assert said.exit_code == 0, said.output
    text = gzip.decompress((home / name).read_bytes()) if name.endswith(".gz") else (home / name).read_bytes()
    head, *lines = [json.loads(line) for line in text.splitlines()]
    assert (head["format"], head["version"], head["waiting"]) == ("dcm-export", 1, 0)
    return lines


def line_set(lines: list[dict[str, Any]]) -> Counter[str]:
    return Counter(json.dumps(line, sort_keys=True) for line in lines)


def imported(server: ApiServer, home: Path, name: str = "all.jsonl", *options: str) -> Any:
    return answer(bring_in(server, home, name, "--json", *options))


def bring_in(server: ApiServer, home: Path, name: str, *options: str) -> Result:
    """`dcm import export` of who can read the server's token file."""
    ours = {"DCM_HOME": str(server.valkey.home), "DCM_PORT": str(server.port)}
    return run(home, "import", "export", str(home / name), *options, **ours)


def rows(server: ApiServer, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.database_url) as conn:
        return conn.execute(query.encode()).fetchall()


def live(server: ApiServer, write_all: WriteAll) -> ApiServer:
    """A DCM that has a row of every kind: a session, its brief, what agents said, what was refused."""
    emptied(server)
    for told in HOOKS[:-1]:
        assert server.hook(told).status == 200
    server.hook(tool("Read", 30, {"file_path": "/w/shop/cart.py"}, tool_response={"file": {"content": PADDING}}))
    write_all()
    shop = rows(server, "SELECT id FROM projects")[0][0]
    posts: list[tuple[str, dict[str, Any]]] = [
        ("/api/actions", {"tool_name": "Deploy", "tool_type": "command", "input": "ship it " + PADDING, "output": "no",
                          "exit_code": 3, "session_id": SESSION, "project_path": "/w/shop"}),
        ("/api/messages", {"project_id": str(shop), "from_agent_id": "a", "to_agent_id": None, "topic": "task.created",
                           "message_type": "info", "payload": {"rule": "prices in cents"}, "ttl_ms": 86400000}),
        ("/api/subscribe", {"agent_id": "a", "topic": "task.created"}),
        ("/api/blocking", {"blocked_by": "a", "blocked_agent": "b", "reason": "loops"}),
        ("/api/usage", {"messages": [{"message_id": "m1", "session_id": SESSION, "model": "opus",
                                      "at": "2026-11-20T12:00:00.000Z", "input_tokens": 3}],
                        "contexts": [{"session_id": SESSION, "model": "opus", "at": "2026-11-20T12:00:00.000Z",
                                      "tokens": 7}]}),
    ]  # fmt: skip
    for path, body in posts:
        said = server.ask("POST", path, json.dumps(body))
        assert said.status in {200, 201}, (path, said.body)
        write_all()
    make_brief.fn(SESSION, datetime.now(UTC).isoformat(), "manual")
    with psycopg.connect(server.database_url, autocommit=True) as conn:
        conn.execute("INSERT INTO rejected_events (entry_id, reason, payload, at) VALUES ('1-0', 'odd', '{}', now())")
        conn.execute("UPDATE projects SET keep_days = 365")
        telemetry.keep_requests(conn, [REQUEST])
        telemetry.keep_sums(conn, [SUM])
        telemetry.keep_compactions(conn, [SIZE])
        conn.execute(
            "INSERT INTO agent_contexts (project_id, agent_id, agent_type, role_context, session_id) "
            "VALUES (%s, %s, 'Explore', '{\"goal\": \"speed\"}', %s) ON CONFLICT DO NOTHING",
            [shop, AGENT, SESSION],
        )
    return server
