"""What no route takes, and what every route that is read answers."""

from typing import Any

import pytest
from api_server import ApiServer
from work import project, saved, send

MESSAGE = {"from_agent": "a", "to_agent": "b", "topic": "context.request", "content": {"q": 1}}


@pytest.mark.parametrize("path", ["/health", "/api/projects", "/api/actions?limit=1"])
def test_head_is_answered_as_get_without_a_body(server: ApiServer, path: str) -> None:
    got, head = send(server, "GET", path), send(server, "HEAD", path)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("/api/messages", MESSAGE | {"content": 5}, ["content"]),
        ("/api/messages", MESSAGE | {"content": [1]}, ["content"]),
        ("/api/subscribe", {"agent_id": "a", "topic": "x"}, ["topic"]),
        ("/api/projects", {"path": "/p", "metadata": {"a": {"b": ["x\0"]}}}, ["metadata.a.b.0"]),
        ("/api/projects", {"path": "/p", "metadata": {"a\0": 1}}, ["metadata"]),
    ],
)
def test_the_details_of_a_refusal_name_fields(server: ApiServer, path: str, body: Any, fields: list[str]) -> None:
    refused = send(server, "POST", path, body)
    assert refused.status == 400
    assert refused.json["error"] == "Validation failed"
    assert list(refused.json["details"]) == fields


def test_what_json_does_not_know_is_refused_as_such(server: ApiServer) -> None:
    headers = {"Content-Type": "application/json"}
    refused = server.ask("POST", "/api/projects", '{"path": "/p", "metadata": {"a": NaN}}', headers)
    assert refused.status == 400
    assert "NaN is not JSON" in refused.json["error"]
    named = saved(server, "/api/projects", {"path": "/p", "metadata": {"a": "NaN"}})
    assert named["metadata"] == {"a": "NaN"}


def test_an_id_with_a_nul_is_refused_in_our_words(server: ApiServer) -> None:
    refused = send(server, "GET", "/api/sessions/a%00b")
    assert refused.status == 400
    assert refused.json == {
        "error": "Invalid session_id in the path",
        "details": {"session_id": ["holds a NUL character: no id has one"]},
    }


def test_a_counter_that_is_null_stays_as_it_is(server: ApiServer) -> None:
    send(server, "POST", "/api/sessions", {"id": "s1", "project_id": project(server)})
    send(server, "PATCH", "/api/sessions/s1", {"total_tools_used": 7})
    patched = send(server, "PATCH", "/api/sessions/s1", {"total_tools_used": None, "total_errors": 2})
    assert patched.status == 200
    found = send(server, "GET", "/api/sessions/s1").json
    assert (found["total_tools_used"], found["total_errors"]) == (7, 2)


def test_who_polls_since_the_last_message_does_not_get_it_again(server: ApiServer) -> None:
    saved(server, "/api/messages", MESSAGE)
    [message] = send(server, "GET", "/api/messages/b").json["messages"]
    assert send(server, "GET", f"/api/messages/b?since={message['created_at']}").json["messages"] == []


def test_a_project_is_found_by_what_was_asked_in_it_without_a_session(server: ApiServer) -> None:
    made = saved(server, "/api/projects", {"path": "/src/zebra", "name": "zebra"})["id"]
    saved(server, "/api/requests", {"project_id": made, "session_id": "s9", "prompt": "paint the zebracrossing"})
    for where in ("project=/src/zebra", f"project_id={made}"):
        [hit] = send(server, "GET", f"/api/search?q=zebracrossing&{where}").json["results"]
        assert hit["project_name"] == "zebra"
