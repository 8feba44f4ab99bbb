"""Every route of the contract's section 3, with the field names the API takes."""

import inspect
from types import ModuleType
from typing import Any

import pytest
from recorder import Recorder, Said

from dcm.client import AsyncClient, Client
from dcm.client.calls import access, contexts, dead, events, messages, system, work

TABLE: tuple[ModuleType, ...] = (system, access, dead, work, events, contexts, messages)

ID = "6f8a4f0e-5d0c-5c9d-9f0b-2a6d3c1e7b44"
CALL = {"tool_name": "Bash", "tool_type": "builtin"}
PAST = {"at": "2026-11-21T12:00:00.000Z", "payload": {"session_id": "s", "hook_event_name": "Stop"}}
USED = {"message_id": "m1", "session_id": "s", "model": "opus", "at": "2026-11-21T12:00:00.000Z", "input_tokens": 3}

Row = tuple[str, dict[str, Any], str, dict[str, str], Any]
"""Method, what it is given, and the route, query and body it sends."""

ROUTES: list[Row] = [
    ("health", {}, "GET /health", {}, None),
    ("get_config", {}, "GET /config.json", {}, None),
    ("get_stats", {}, "GET /stats", {}, None),
    ("get_tools_summary", {}, "GET /stats/tools-summary", {}, None),
    ("get_kpis", {}, "GET /api/dashboard/kpis", {}, None),
    ("get_intake", {}, "GET /api/intake", {}, None),
    ("get_system", {}, "GET /api/system", {}, None),
    ("list_dead_letters", {"kind": "event", "limit": 5}, "GET /api/dead", {"kind": "event", "limit": "5"}, None),
    ("get_dead_letter", {"letter_id": ID}, f"GET /api/dead/{ID}", {}, None),
    ("retry_dead_letter", {"letter_id": ID}, f"POST /api/dead/{ID}/retry", {}, {}),
    ("retry_dead_letters", {"kind": "message"}, "POST /api/dead/retry", {"kind": "message"}, {}),
    ("drop_dead_letter", {"letter_id": ID}, f"DELETE /api/dead/{ID}", {}, None),
    ("drop_dead_letters", {"kind": "event"}, "DELETE /api/dead", {"kind": "event"}, None),
    ("report_usage", {"messages": [USED]}, "POST /api/usage", {}, {"messages": [USED], "contexts": []}),
    ("get_session_usage", {"session_id": "s 1"}, "GET /api/sessions/s%201/usage", {}, None),
    ("create_access_token",
     {"name": "ada", "kind": "person", "scopes": ("read",), "expires_at": "2099-01-01T00:00:00Z"},
     "POST /api/tokens", {},
     {"name": "ada", "kind": "person", "scopes": ["read"], "expires_at": "2099-01-01T00:00:00Z"}),
    ("list_access_tokens", {}, "GET /api/tokens", {}, None),
    ("revoke_access_token", {"key": "ada"}, "DELETE /api/tokens/ada", {}, None),
    ("create_agent_credential", {"agent_id": "a/1"}, "POST /api/agents/a%2F1/credential", {}, {}),
    ("delete_agent_credential", {"agent_id": "a1"}, "DELETE /api/agents/a1/credential", {}, None),
    ("get_audit", {"act": "token", "before": 7, "limit": 5}, "GET /api/audit",
     {"act": "token", "before": "7", "limit": "5"}, None),
    ("create_project", {"path": "/w", "name": "W", "metadata": {"a": 1}}, "POST /api/projects", {},
     {"path": "/w", "name": "W", "metadata": {"a": 1}}),
    ("list_projects", {"limit": 5, "offset": 2}, "GET /api/projects", {"limit": "5", "offset": "2"}, None),
    ("get_project_by_path", {"path": "/w & x"}, "GET /api/projects/by-path", {"path": "/w & x"}, None),
    ("get_project", {"project_id": ID}, f"GET /api/projects/{ID}", {}, None),
    ("delete_project", {"project_id": ID}, f"DELETE /api/projects/{ID}", {}, None),
    ("create_request", {"project_id": ID, "session_id": "s", "prompt": "do", "prompt_type": "feature"},
     "POST /api/requests", {}, {"project_id": ID, "session_id": "s", "prompt": "do", "prompt_type": "feature"}),
    ("list_requests", {"project_id": ID, "session_id": "s", "status": "active"}, "GET /api/requests",
     {"project_id": ID, "session_id": "s", "status": "active"}, None),
    ("get_request", {"request_id": ID}, f"GET /api/requests/{ID}", {}, None),
    ("update_request", {"request_id": ID, "status": "completed"}, f"PATCH /api/requests/{ID}", {},
     {"status": "completed"}),
    ("delete_request", {"request_id": ID}, f"DELETE /api/requests/{ID}", {}, None),
    ("create_task", {"request_id": ID, "wave_number": 0}, "POST /api/tasks", {}, {"request_id": ID, "wave_number": 0}),
    ("list_tasks", {"request_id": ID, "status": "running"}, "GET /api/tasks", {"request_id": ID, "status": "running"},
     None),
    ("get_task", {"task_id": ID}, f"GET /api/tasks/{ID}", {}, None),
    ("update_task", {"task_id": ID, "name": "second"}, f"PATCH /api/tasks/{ID}", {}, {"name": "second"}),
    ("delete_task", {"task_id": ID}, f"DELETE /api/tasks/{ID}", {}, None),
    ("create_subtask", {"task_id": ID, "description": "look", "agent_type": "Explore", "agent_id": "a1",
                        "blocked_by": [ID]},
     "POST /api/subtasks", {},
     {"task_id": ID, "description": "look", "agent_type": "Explore", "agent_id": "a1", "blocked_by": [ID]}),
    ("list_subtasks", {"task_id": ID, "agent_type": "Explore"}, "GET /api/subtasks",
     {"task_id": ID, "agent_type": "Explore"}, None),
    ("get_subtask", {"subtask_id": ID}, f"GET /api/subtasks/{ID}", {}, None),
    ("update_subtask", {"subtask_id": ID, "status": "completed", "result": {"summary": "done"}},
     f"PATCH /api/subtasks/{ID}", {}, {"status": "completed", "result": {"summary": "done"}}),
    ("delete_subtask", {"subtask_id": ID}, f"DELETE /api/subtasks/{ID}", {}, None),
    ("record_action", {**CALL, "input": "{}", "exit_code": 0, "file_paths": ["/a"], "session_id": "s",
                       "project_path": "/w"},
     "POST /api/actions", {},
     {**CALL, "input": "{}", "exit_code": 0, "file_paths": ["/a"], "session_id": "s", "project_path": "/w"}),
    ("list_actions", {"tool_type": "mcp", "session_id": "s", "limit": 9}, "GET /api/actions",
     {"tool_type": "mcp", "session_id": "s", "limit": "9"}, None),
    ("get_hourly_actions", {}, "GET /api/actions/hourly", {}, None),
    ("delete_action", {"action_id": ID}, f"DELETE /api/actions/{ID}", {}, None),
    ("delete_session_actions", {"session_id": "s/1"}, "DELETE /api/actions/by-session/s%2F1", {}, None),
    ("get_hierarchy", {"project_id": ID}, f"GET /api/hierarchy/{ID}", {}, None),
    ("list_active_agents", {}, "GET /api/active-sessions", {}, None),
    ("suggest_tools", {"keywords": ["a", "b"], "min_score": 0.3, "exclude_types": ["builtin"]},
     "GET /api/routing/suggest", {"keywords": "a,b", "min_score": "0.3", "exclude_types": "builtin"}, None),
    ("get_routing_stats", {}, "GET /api/routing/stats", {}, None),
    ("give_routing_feedback", {"tool_name": "Bash", "keywords": ["a"], "chosen": False}, "POST /api/routing/feedback",
     {}, {"tool_name": "Bash", "keywords": ["a"], "chosen": False}),
    ("get_context", {"agent_id": "o", "session_id": "s", "format": "raw", "include_history": False},
     "GET /api/context/o", {"session_id": "s", "format": "raw", "include_history": "false"}, None),
    ("generate_context", {"agent_id": "o", "session_id": "s", "max_tokens": 500}, "POST /api/context/generate", {},
     {"agent_id": "o", "session_id": "s", "max_tokens": 500}),
    ("save_snapshot", {"session_id": "s", "trigger": "manual", "key_decisions": ["x"]}, "POST /api/compact/save", {},
     {"session_id": "s", "trigger": "manual", "key_decisions": ["x"]}),
    ("restore_context", {"session_id": "s", "agent_id": "o"}, "POST /api/compact/restore", {},
     {"session_id": "s", "agent_id": "o"}),
    ("get_compact_status", {"session_id": "s"}, "GET /api/compact/status/s", {}, None),
    ("get_snapshot", {"session_id": "s"}, "GET /api/compact/snapshot/s", {}, None),
    ("get_briefs", {"session_id": "s", "limit": 3}, "GET /api/compact/briefs/s", {"limit": "3"}, None),
    ("list_agent_contexts", {"status": "running"}, "GET /api/agent-contexts", {"status": "running"}, None),
    ("get_agent_context_stats", {}, "GET /api/agent-contexts/stats", {}, None),
    ("create_session", {"id": "s", "total_tools_used": 0}, "POST /api/sessions", {},
     {"id": "s", "total_tools_used": 0}),
    ("list_sessions", {"active_only": True, "limit": 1}, "GET /api/sessions", {"active_only": "true", "limit": "1"},
     None),
    ("get_session_stats", {}, "GET /api/sessions/stats", {}, None),
    ("get_session", {"session_id": "s"}, "GET /api/sessions/s", {}, None),
    ("update_session", {"session_id": "s", "ended_at": "2026-11-21T12:00:00Z"}, "PATCH /api/sessions/s", {},
     {"ended_at": "2026-11-21T12:00:00Z"}),
    ("delete_session", {"session_id": "s"}, "DELETE /api/sessions/s", {}, None),
    ("delete_session", {"session_id": "s", "everything": True}, "DELETE /api/sessions/s", {"everything": "true"}, None),
    ("get_retention", {}, "GET /api/retention", {}, None),
    ("set_retention", {"project": "/w", "days": None}, "POST /api/retention", {}, {"project": "/w", "days": None}),
    ("start_pruning", {"older_than_days": 30, "project": "/w", "dry_run": True}, "POST /api/prunings", {},
     {"older_than_days": 30, "project": "/w", "dry_run": True}),
    ("get_pruning", {"pruning_id": ID}, f"GET /api/prunings/{ID}", {}, None),
    ("send_message", {"from_agent": "a", "topic": "task.created", "content": {"x": 1}, "to_agent": "b",
                      "ttl_seconds": 60},
     "POST /api/messages", {},
     {"from_agent": "a", "to_agent": "b", "topic": "task.created", "content": {"x": 1}, "ttl_seconds": 60}),
    ("list_messages", {"limit": 3}, "GET /api/messages", {"limit": "3"}, None),
    ("get_messages", {"agent_id": "b", "include_broadcasts": False}, "GET /api/messages/b",
     {"include_broadcasts": "false"}, None),
    ("subscribe", {"agent_id": "a", "topic": "task.failed"}, "POST /api/subscribe", {},
     {"agent_id": "a", "topic": "task.failed"}),
    ("list_subscriptions", {"agent_id": "a"}, "GET /api/subscriptions", {"agent_id": "a"}, None),
    ("get_subscriptions", {"agent_id": "a"}, "GET /api/subscriptions/a", {}, None),
    ("delete_subscription", {"subscription_id": ID}, f"DELETE /api/subscriptions/{ID}", {}, None),
    ("unsubscribe", {"agent_id": "a", "topic": "t"}, "POST /api/unsubscribe", {}, {"agent_id": "a", "topic": "t"}),
    ("block", {"blocked_by": "a", "blocked_agent": "b", "reason": "r"}, "POST /api/blocking", {},
     {"blocked_by": "a", "blocked_agent": "b", "reason": "r"}),
    ("is_blocked", {"blocker": "a", "blocked": "b"}, "GET /api/blocking/check", {"blocker": "a", "blocked": "b"}, None),
    ("get_blocking", {"agent_id": "b"}, "GET /api/blocking/b", {}, None),
    ("delete_blocking", {"blocking_id": ID}, f"DELETE /api/blocking/{ID}", {}, None),
    ("unblock", {"blocked_by": "a", "blocked_agent": "b"}, "POST /api/unblock", {},
     {"blocked_by": "a", "blocked_agent": "b"}),
    ("get_cleanup_stats", {}, "GET /api/cleanup/stats", {}, None),
    ("create_token", {"agent_id": "a", "session_id": "s"}, "POST /api/auth/token", {},
     {"agent_id": "a", "session_id": "s"}),
    ("hook", {"payload": PAST["payload"]}, "POST /api/hooks/claude", {}, PAST["payload"]),
    ("import_payloads", {"payloads": [PAST]}, "POST /api/import", {}, {"payloads": [PAST]}),
    ("import_rows", {"rows": [{"kind": "block"}]}, "POST /api/import/export", {}, {"rows": [{"kind": "block"}]}),
    ("search", {"q": "cart", "project": "/w", "session_id": "s", "since": "2026-11-01"}, "GET /api/search",
     {"q": "cart", "project": "/w", "session_id": "s", "since": "2026-11-01"}, None),
]  # fmt: skip


@pytest.mark.parametrize("row", ROUTES, ids=[row[0] for row in ROUTES])
def test_a_method_sends_what_the_contract_says(row: Row, recorder: Recorder) -> None:
    name, given, route, query, body = row
    recorder.answer(Said(204) if route.startswith("DELETE") else Said(200, {"it": "worked"}))
    with Client(recorder.url) as client:
        answer = getattr(client, name)(**given)
    [asked] = recorder.asked
    assert (f"{asked.method} {asked.path}", asked.query, asked.body) == (route, query, body)
    assert answer == (None if route.startswith("DELETE") else {"it": "worked"})


def table() -> set[str]:
    """The rows of the table: the functions its modules define."""
    return {
        name
        for module in TABLE
        for name, found in inspect.getmembers(module, inspect.isfunction)
        if found.__module__ == module.__name__
    }


def test_every_row_of_the_table_is_tested_and_is_a_method_of_both_clients() -> None:
    assert {name for name, *_ in ROUTES} == table()
    for client in (Client, AsyncClient):
        own = {name for name in vars(client) if not name.startswith("_")}
        assert own - {"send", "stream", "close", "aclose", "is_healthy"} == table()


def test_a_method_keeps_the_signature_and_the_words_of_its_row() -> None:
    with Client() as client:
        assert inspect.signature(client.get_project) == inspect.signature(work.get_project)
        assert inspect.getdoc(client.get_project) == inspect.getdoc(work.get_project)
