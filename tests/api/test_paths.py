"""Ids that need escaping in a path: what was stored under a name is found under it."""

from urllib.parse import quote

import pytest
from api_server import ApiServer
from work import project, request, saved, send

from db.pool import Conn

IDS = ["sl/x", "/", "a/b/../c", "%2F", "é/ü?#", "50% of", "stats/", "a\\b"]


@pytest.mark.parametrize("name", IDS)
def test_an_id_with_any_character_is_found_under_its_path(server: ApiServer, conn: Conn, name: str) -> None:
    path = quote(name, safe="")
    assert send(server, "POST", "/api/sessions", {"id": name}).status == 201
    assert server.get(f"/api/sessions/{path}").json["id"] == name
    assert server.get(f"/api/compact/snapshot/{path}").json["session_id"] == name
    request(server, project(server), name)
    assert server.get(f"/api/compact/status/{path}").json["exists"] is True
    saved(server, "/api/messages", {"from_agent": "a", "to_agent": name, "topic": "context.request", "content": {}})
    assert len(server.get(f"/api/messages/{path}").json["messages"]) == 1
    assert server.get(f"/api/context/{path}").json["agent_id"] == name
    send(server, "POST", "/api/subscribe", {"agent_id": name, "topic": "task.failed"})
    assert len(server.get(f"/api/subscriptions/{path}").json["subscriptions"]) == 1
    assert server.ask("DELETE", f"/api/actions/by-session/{path}").json["session_id"] == name
    assert server.ask("DELETE", f"/api/sessions/{path}").status == 204
    assert server.get(f"/api/sessions/{path}").status == 404


def test_a_slash_may_be_escaped_in_either_case(server: ApiServer, conn: Conn) -> None:
    assert send(server, "POST", "/api/sessions", {"id": "a/b"}).status == 201
    assert [server.get(f"/api/sessions/a{slash}b").status for slash in ("%2F", "%2f", "/")] == [200, 200, 404]


@pytest.mark.parametrize("path", ["/api%2Fsessions", "/api/nothing%2Fhere", "/assets/..%2F..%2Fetc%2Fpasswd", "/%2F"])
def test_an_escaped_slash_leads_nowhere_else(server: ApiServer, conn: Conn, path: str) -> None:
    answer = server.get(path)
    assert (answer.status, answer.type) == (404, "application/json")
    assert "There is nothing at" in answer.json["error"]
