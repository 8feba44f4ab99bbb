"""Briefs on demand, and saving and restoring around a compaction, over HTTP (contract, sections 3.9, 3.10, 7, 8)."""

import json
import uuid
from typing import Any

import pytest
from api_server import ApiServer, wait_for

from db.pool import Conn


@pytest.fixture
def shop(server: ApiServer, conn: Conn) -> str:
    """A session `s1` of the project /w/shop with a request, a wave and subtasks; gives the project's id."""
    row = conn.execute(
        """
        WITH p AS (INSERT INTO projects (path, name) VALUES ('/w/shop', 'shop') RETURNING id),
             s AS (INSERT INTO sessions (id, project_id) SELECT 's1', id FROM p),
             r AS (INSERT INTO requests (project_id, session_id, prompt)
                   SELECT id, 's1', 'sell shoes' FROM p RETURNING id),
             t AS (INSERT INTO task_lists (request_id, name, wave_number) SELECT id, 'Wave 2', 2 FROM r RETURNING id),
             x AS (INSERT INTO subtasks (task_list_id, agent_type, agent_id, description, status)
                   SELECT t.id, v.* FROM t, (VALUES ('backend-laravel', 'agent-1', 'write the cart', 'running'),
                       ('qa-testing', 'qa-1', 'test the cart', 'pending'),
                       ('qa-testing', 'qa-1', 'test the shop', 'completed')) AS v)
        SELECT id FROM p
        """
    ).fetchone()
    assert row
    conn.execute(
        "INSERT INTO agent_messages (from_agent_id, to_agent_id, message_type, topic, payload, priority, expires_at) "
        "VALUES ('lead', 'agent-1', 'n', 'context.request', '{}', 7, now() + interval '1 h'), "
        "('lead', NULL, 'n', 'task.created', '{\"message\": \"old\"}', 0, now() - interval '1 h')"
    )
    conn.execute("INSERT INTO blocked_agents (blocked_by, blocked_agent, reason) VALUES ('db', 'agent-1', 'migrating')")
    return str(row[0])


def get(server: ApiServer, path: str) -> Any:
    answer = server.get(path)
    assert answer.status == 200, answer.body
    return answer.json


def post(server: ApiServer, path: str, body: Any, status: int = 200) -> Any:
    answer = server.ask("POST", path, json.dumps(body).encode())
    assert answer.status == status, answer.body
    return answer.json


@pytest.mark.contract("GET /api/context/:agent_id")
def test_the_brief_of_a_developer_has_its_task_messages_and_blockers(server: ApiServer, shop: str) -> None:
    found = get(server, "/api/context/agent-1?session_id=s1&agent_type=backend-laravel")
    content = found["brief"]["content"]
    assert content.startswith("# Context Brief - Developer\n**Agent:** agent-1\n**Session:** s1\n**Generated:** 20")
    assert "**Description:** write the cart\n**Status:** RUNNING\n**Parent Task:** Wave 2\n**Wave:** 2" in content
    assert "- [!] From **lead**" in content
    assert "## Blockers\n- **db:** migrating" in content
    assert "old" not in content
    assert [source["type"] for source in found["sources"]] == ["task", "message", "blocking", "session", "project"]
    assert found["brief"]["token_count"] == -(-len(content) // 4)
    assert not found["brief"]["truncated"]


@pytest.mark.contract("GET /api/context/:agent_id")
def test_an_orchestrator_sees_the_tasks_of_everybody_in_its_session(server: ApiServer, shop: str) -> None:
    content = get(server, "/api/context/orchestrator?session_id=s1&agent_type=orchestrator")["brief"]["content"]
    assert content.startswith("# Context Brief - Orchestrator")
    assert "## Active Tasks (2)\n### Running (1)\n- [RUNNING] write the cart (@backend-laravel) [Wave 2]" in content
    assert "- Completed: 1/3 (33%)" in content
    assert "**Current Request:** sell shoes" in content


@pytest.mark.contract("GET /api/context/:agent_id")
def test_the_raw_form_gives_the_data_and_its_counts(server: ApiServer, shop: str) -> None:
    found = get(server, "/api/context/qa-testing?session_id=s1&format=raw")
    assert found["counts"] == {"tasks": 1, "messages": 0, "blockings": 0, "history": 0}
    assert [task["description"] for task in found["data"]["tasks"]] == ["test the cart"]
    assert found["data"]["project"]["path"] == "/w/shop"


@pytest.mark.contract("GET /api/context/:agent_id")
def test_without_a_session_the_one_in_which_the_agent_works_is_taken(server: ApiServer, shop: str) -> None:
    assert get(server, "/api/context/agent-1")["session_id"] == "s1"
    unknown = get(server, "/api/context/nobody")
    assert (unknown["agent_id"], unknown["context"]) == ("nobody", None)
    assert "session_id" in unknown["message"]


def test_work_of_another_project_is_in_no_brief(server: ApiServer, shop: str, conn: Conn) -> None:
    conn.execute(
        """
        WITH p AS (INSERT INTO projects (path) VALUES ('/w/bank') RETURNING id),
             r AS (INSERT INTO requests (project_id, session_id, prompt) SELECT id, 's2', 'x' FROM p RETURNING id),
             t AS (INSERT INTO task_lists (request_id) SELECT id FROM r RETURNING id)
        INSERT INTO subtasks (task_list_id, agent_type, description, status)
        SELECT id, 'backend-laravel', 'rob the bank', 'running' FROM t
        """
    )
    content = get(server, "/api/context/backend-laravel?session_id=s1")["brief"]["content"]
    assert "write the cart" in content
    assert "rob the bank" not in content


@pytest.mark.parametrize("query", ["max_tokens=99", "max_tokens=8001", "history_limit=0", "history_limit=51",
                                   "format=xml", "include_history=perhaps"])  # fmt: skip
def test_what_is_out_of_bounds_is_refused_with_details(server: ApiServer, conn: Conn, query: str) -> None:
    answer = server.get(f"/api/context/a?session_id=s&{query}")
    assert (answer.status, answer.json["error"]) == (400, "Invalid query parameters")
    assert list(answer.json["details"]) == [query.partition("=")[0]]


@pytest.mark.contract("POST /api/context/generate")
def test_generate_makes_a_brief_and_names_the_field_that_is_missing(server: ApiServer, shop: str) -> None:
    made = post(server, "/api/context/generate", {"agent_id": "security-9", "session_id": "s1"}, 201)
    assert made["brief"]["agent_type"] == "security-specialist"
    assert made["brief"]["content"].startswith("# Context Brief - Specialist (Security)")
    refused = post(server, "/api/context/generate", {"agent_id": "a"}, 400)
    assert list(refused["details"]) == ["session_id"]


SAVED = {
    "session_id": "s1",
    "trigger": "manual",
    "context_summary": "half way",
    "active_tasks": [{"id": "1", "description": "wire the till", "status": "running", "agent_type": None}],
    "modified_files": ["till.py"],
    "key_decisions": ["cents, no floats"],
    "agent_states": [{"agent_id": "a1", "agent_type": "Explore", "status": "completed", "summary": "found it"}],
}


@pytest.mark.contract("POST /api/compact/save", "POST /api/compact/restore")
def test_what_was_saved_is_what_is_restored(server: ApiServer, shop: str) -> None:
    saved = post(server, "/api/compact/save", SAVED, 201)
    assert saved["snapshot"] == {"session_id": "s1", "trigger": "manual", "tasks_count": 1, "files_count": 1,
                                 "decisions_count": 1, "agents_count": 1}  # fmt: skip
    leader = {"session_id": "s1", "agent_id": "orchestrator", "agent_type": "orchestrator"}
    restored = post(server, "/api/compact/restore", {**leader, "compact_summary": "the summary"})
    for fact in ("half way", "wire the till", "till.py", "cents, no floats", "found it", "write the cart",
                 "## Previous Context Summary\n\nthe summary"):  # fmt: skip
        assert fact in restored["brief"], fact
    assert restored["session_compacted"]
    assert len(restored["brief"]) <= 8000


@pytest.mark.contract("POST /api/compact/save", "GET /api/compact/snapshot/:session_id")
def test_a_second_save_replaces_what_it_names_and_keeps_the_rest(server: ApiServer, shop: str) -> None:
    post(server, "/api/compact/save", SAVED, 201)
    post(server, "/api/compact/save", {"session_id": "s1", "modified_files": ["a.py", "b.py"]}, 201)
    found = get(server, "/api/compact/snapshot/s1")
    assert found["snapshot"]["key_decisions"] == ["cents, no floats"]
    assert found["modified_files"] == ["a.py", "b.py"]
    assert (found["exists"], found["summary"], found["snapshot"]["trigger"]) == (True, "half way", "auto")


def test_a_session_without_project_has_one_snapshot_however_often_it_is_saved(server: ApiServer, conn: Conn) -> None:
    for _ in range(2):
        post(server, "/api/compact/save", {"session_id": "lonely", "context_summary": "x"}, 201)
    assert conn.execute("SELECT count(*) FROM agent_contexts").fetchall() == [(1,)]


@pytest.mark.parametrize(("path", "fields", "trigger"), [
    ("/api/compact/restore", {"agent_id": "a"}, "restore"), ("/api/compact/save", {"trigger": "manual"}, "save"),
])  # fmt: skip
def test_a_brief_made_for_a_program_is_of_no_compaction(
    server: ApiServer, conn: Conn, path: str, fields: dict[str, str], trigger: str
) -> None:
    conn.execute("INSERT INTO sessions (id) VALUES ('s1')")
    conn.execute(
        "INSERT INTO hook_events (id, session_id, event, event_key, created_at, payload) "
        "VALUES (%s, 's1', 'Stop', 'k', now(), '{}')",
        [uuid.uuid4()],
    )
    assert server.ask("POST", path, json.dumps({"session_id": "s1", **fields})).status in {200, 201}
    asked = map(json.loads, server.valkey.client.hvals("dcm:dramatiq:default.msgs"))
    assert [one["args"][2] for one in asked if one["actor_name"] == "make_brief"] == [trigger]


@pytest.mark.contract("GET /api/compact/status/:session_id")
def test_the_status_tells_of_the_last_restoration(server: ApiServer, shop: str) -> None:
    assert get(server, "/api/compact/status/s1")["compacted"] is False
    post(server, "/api/compact/restore", {"session_id": "s1", "agent_id": "a", "compact_summary": "so far"})
    status = get(server, "/api/compact/status/s1")
    assert (status["exists"], status["compacted"], status["compact_summary"], status["compact_agent"]) == (
        True, True, "so far", "a")  # fmt: skip
    post(server, "/api/requests", {"project_id": shop, "session_id": "s1", "prompt": "and now the lexer"}, 201)
    assert status == get(server, "/api/compact/status/s1")
    assert get(server, "/api/compact/status/unknown") == {"session_id": "unknown", "exists": False, "compacted": False}
    assert get(server, "/api/compact/snapshot/unknown") == {"session_id": "unknown", "exists": False, "snapshot": None}


def test_a_brief_is_shown_beside_the_clients_summary_with_what_either_lacks(server: ApiServer, conn: Conn) -> None:
    conn.execute(
        """
        INSERT INTO briefs (session_id, made_for, trigger, content, snapshot, subject, summary)
        VALUES ('s1', now(), 'auto', %s, '{}', 'main', %s), ('s1', now() - interval '1 day', 'auto', 'old', '{}',
                'subagent', NULL)
        """,
        [
            "# Head\nopening\n\n## Files\n- src/: cart.py ×3, till.py\n- prices are rounded wrong",
            "Prices are rounded wrong.\nNext: docs of cart.py",
        ],
    )
    found = get(server, "/api/compact/briefs/s1")
    assert found["count"] == 2
    newest, older = found["briefs"]
    assert newest["difference"] == {
        "only_in_brief": ["- src/: till.py"],
        "only_in_summary": ["Next: docs of cart.py"],
    }
    assert (older["brief"], older["subject"], older["summary"], older["difference"]) == ("old", "subagent", None, None)
    assert get(server, "/api/compact/briefs/s1?limit=1")["count"] == 1
    assert get(server, "/api/compact/briefs/unknown") == {"session_id": "unknown", "briefs": [], "count": 0}


@pytest.mark.contract("POST /api/compact/restore")
def test_a_restoration_stays_within_its_tokens_and_leaves_a_message(server: ApiServer, shop: str, conn: Conn) -> None:
    many = {**SAVED, "key_decisions": [f"decision {n} " + "x" * 200 for n in range(200)]}
    post(server, "/api/compact/save", many, 201)
    body = {"session_id": "s1", "agent_id": "a", "max_tokens": 300, "compact_summary": "y" * 5000}
    assert len(post(server, "/api/compact/restore", body)["brief"]) <= 1200
    [(message_id, to, payload)] = conn.execute(
        "SELECT id, to_agent_id, payload FROM agent_messages WHERE topic = 'context.generated'"
    )
    assert to == "a"
    assert uuid.UUID(payload.pop("brief_id"))
    assert payload.pop("sources_count") > 0
    assert 0 < payload.pop("token_count") <= 300
    assert payload == {"session_id": "s1", "agent_id": "a", "truncated": True}
    asked = wait_for(lambda: server.valkey.client.hvals("dcm:dramatiq:default.msgs"), "the calls of subscribers")
    calls = [(one["actor_name"], one["args"]) for one in map(json.loads, asked)]
    assert ("call_subscribers", [str(message_id)]) in calls


@pytest.mark.parametrize(("path", "body", "field"), [
    ("/api/compact/save", {"session_id": ""}, "session_id"),
    ("/api/compact/save", {"session_id": "s", "trigger": "now"}, "trigger"),
    ("/api/compact/save", {"session_id": "s", "active_tasks": [{"id": 1}]}, "active_tasks.0.id"),
    ("/api/compact/restore", {"session_id": "s"}, "agent_id"),
    ("/api/compact/restore", {"session_id": "s", "agent_id": "a", "max_tokens": 50}, "max_tokens"),
])  # fmt: skip
def test_a_body_that_is_wrong_is_refused_by_field(
    server: ApiServer, conn: Conn, path: str, body: dict[str, Any], field: str
) -> None:
    refused = post(server, path, body, 400)
    assert refused["error"] == "Validation failed"
    assert field in refused["details"]


@pytest.mark.contract("GET /api/agent-contexts", "GET /api/agent-contexts/stats")
def test_agent_contexts_are_listed_with_figures_over_all(server: ApiServer, shop: str, conn: Conn) -> None:
    conn.execute(
        "INSERT INTO agent_contexts (project_id, agent_id, agent_type, role_context, tools_used) VALUES "
        "(%(p)s, 'a', 'Explore', '{\"status\": \"running\"}', '{Read,Grep}'), "
        "(%(p)s, 'b', 'Plan', '{\"status\": \"completed\"}', '{Read}')",
        {"p": uuid.UUID(shop)},
    )
    page = get(server, "/api/agent-contexts?status=running&limit=0")
    assert [context["agent_id"] for context in page["contexts"]] == ["a"]
    assert (page["total"], page["limit"]) == (1, 1)
    totals = {
        query: get(server, f"/api/agent-contexts?{query}")["total"]
        for query in ("", "agent_type=Plan", "agent_type=Plan&status=running", "status=completed", "agent_type=x")
    }
    assert totals == {"": 2, "agent_type=Plan": 1, "agent_type=Plan&status=running": 0, "status=completed": 1,
                      "agent_type=x": 0}  # fmt: skip
    assert page["stats"] == {"total": 2, "unique_types": 2, "running": 1, "completed": 1, "failed": 0}
    stats = get(server, "/api/agent-contexts/stats")
    assert stats["overview"]["active_agents"] == 1
    assert stats["tools_used"] == [{"tool": "Read", "usage_count": 2}, {"tool": "Grep", "usage_count": 1}]
