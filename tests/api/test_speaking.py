"""Agents with a credential speak for themselves, and nobody else does."""

import json
from typing import Any

import pytest
from access_tokens import JSON, administer, bearer, credential
from api_server import Answer, ApiServer

from db.pool import Conn

CLAIMS: list[tuple[str, str, dict[str, Any] | None]] = [
    ("POST", "/api/messages", {"from_agent_id": "a1", "to_agent": "b", "topic": "task.created", "content": "x"}),
    ("GET", "/api/messages/a1", None),
    ("POST", "/api/subscribe", {"agent_id": "a1", "topic": "task.created"}),
    ("POST", "/api/unsubscribe", {"agent_id": "a1", "topic": "task.created"}),
    ("POST", "/api/blocking", {"blocked_by": "a1", "blocked_agent": "b"}),
    ("POST", "/api/unblock", {"blocked_by": "a1", "blocked_agent": "b"}),
    ("POST", "/api/auth/token", {"agent_id": "a1"}),
    ("GET", "/api/context/a1", None),
    ("GET", "/api/context/a1?session_id=s1&format=raw", None),
    ("POST", "/api/context/generate", {"agent_id": "a1", "session_id": "s1"}),
    ("POST", "/api/compact/restore", {"agent_id": "a1", "session_id": "s1"}),
]


def send(server: ApiServer, method: str, path: str, body: Any, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.ask(method, path, None if body is None else json.dumps(body), {**JSON, **named})


def test_who_has_a_credential_shows_it_and_who_shows_none_or_anothers_is_403(server: ApiServer, conn: Conn) -> None:
    own, others = credential(server, "a1"), credential(server, "a2")
    for method, path, body in CLAIMS:
        for shown in ({}, {"X_DCM_Agent_Token": others}, {"X_DCM_Agent_Token": "dcma_x"}, bearer(others)):
            answer = send(server, method, path, body, **shown)
            assert answer.status == 403, (path, shown)
            assert "X-DCM-Agent-Token" in answer.json["error"]
        assert send(server, method, path, body, X_DCM_Agent_Token=own).status < 300, path
    for method, path, body in CLAIMS:
        assert send(server, method, path, body, **bearer(own)).status < 300, path


def test_an_agent_without_a_credential_speaks_as_it_always_did(server: ApiServer, conn: Conn) -> None:
    credential(server, "a2")
    assert [send(server, *claim).status < 300 for claim in CLAIMS] == [True] * len(CLAIMS)


def test_what_was_made_in_an_agents_name_is_ended_with_its_credential_alone(server: ApiServer, conn: Conn) -> None:
    subscribed = send(server, "POST", "/api/subscribe", {"agent_id": "a1", "topic": "task.created"}).json
    blocked = send(server, "POST", "/api/blocking", {"blocked_by": "a1", "blocked_agent": "b"}).json
    own = credential(server, "a1")
    for path in (
        f"/api/subscriptions/{subscribed['subscription']['id']}",
        f"/api/blocking/{blocked['blocking']['id']}",
    ):
        assert send(server, "DELETE", path, None).status == 403
        assert send(server, "DELETE", path, None, X_DCM_Agent_Token=own).status == 200


@pytest.mark.contract("POST /api/agents/:agent_id/credential", "DELETE /api/agents/:agent_id/credential")
def test_a_new_credential_ends_the_one_before_and_without_one_names_are_believed_again(
    server: ApiServer, conn: Conn
) -> None:
    first, second = credential(server, "a1"), credential(server, "a1")
    poll = ("GET", "/api/messages/a1", None)
    assert send(server, *poll, X_DCM_Agent_Token=first).status == 403
    assert send(server, *poll, X_DCM_Agent_Token=second).status == 200
    assert administer(server, "DELETE", "/api/agents/a1/credential").status == 200
    assert send(server, *poll).status == 200
    assert administer(server, "DELETE", "/api/agents/a1/credential").status == 404


def test_what_is_said_to_an_agent_with_a_credential_is_read_and_found_by_who_shows_it_alone(
    server: ApiServer, conn: Conn
) -> None:
    for to_agent in ("a1", "b", None):
        said = {"from_agent": "lead", "to_agent": to_agent, "topic": "task.created"}
        said["content"] = f"cherry for {to_agent}"
        assert send(server, "POST", "/api/messages", said).status == 201
    own, others = credential(server, "a1"), credential(server, "a2")

    def told(**shown: str) -> dict[str | None, Any]:
        rows = send(server, "GET", "/api/messages", None, **shown).json["messages"]
        return {row["to_agent_id"]: row["payload"].get("message") for row in rows}

    def found(**shown: str) -> set[str]:
        return {hit["snippet"] for hit in send(server, "GET", "/api/search?q=cherry", None, **shown).json["results"]}

    for shown in ({}, {"X_DCM_Agent_Token": others}):
        assert told(**shown) == {"a1": None, "b": "cherry for b", None: "cherry for None"}
        assert len(found(**shown)) == 2
        assert not any("for a1" in each for each in found(**shown))
    assert told(X_DCM_Agent_Token=own)["a1"] == "cherry for a1"
    assert len(found(**bearer(own))) == 3


def test_the_end_of_a_subtask_is_told_in_the_name_of_its_kind_of_agent_by_who_may_speak_as_it(
    server: ApiServer, conn: Conn
) -> None:
    row = conn.execute(
        """
        WITH p AS (INSERT INTO projects (path, name) VALUES ('/w/shop', 'shop') RETURNING id),
             r AS (INSERT INTO requests (project_id, session_id, prompt) SELECT id, 's1', 'sell' FROM p RETURNING id),
             t AS (INSERT INTO task_lists (request_id, name, wave_number) SELECT id, 'One', 1 FROM r RETURNING id)
        INSERT INTO subtasks (task_list_id, agent_type, agent_id, description, status)
        SELECT id, 'a1', 'x', 'sell', 'running' FROM t RETURNING id
        """
    ).fetchone()
    assert row
    own, change = credential(server, "a1"), {"status": "completed", "result": {"summary": "all is sold"}}
    assert send(server, "PATCH", f"/api/subtasks/{row[0]}", {"status": "paused"}).status == 200
    assert send(server, "PATCH", f"/api/subtasks/{row[0]}", change).status == 403
    stored = "SELECT status, (SELECT count(*) FROM agent_messages) FROM subtasks"
    assert conn.execute(stored).fetchone() == ("paused", 0)
    assert send(server, "PATCH", f"/api/subtasks/{row[0]}", change, X_DCM_Agent_Token=own).status == 200
    assert conn.execute("SELECT from_agent_id FROM agent_messages").fetchall() == [("a1",)]


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_credentials_are_given_and_taken_by_who_administers(server: ApiServer, conn: Conn, method: str) -> None:
    assert server.ask(method, "/api/agents/a1/credential").status == 401


def test_a_credential_is_kept_as_its_hash(server: ApiServer, conn: Conn) -> None:
    own = credential(server, "a1")
    row: Any = conn.execute("SELECT c::text FROM agent_credentials c").fetchone()
    assert own.startswith("dcma_")
    assert own not in row[0]
