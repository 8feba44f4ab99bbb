"""Which callers the API answers."""

import json

import pytest
from api_server import HOOKS, ApiServer

PAYLOAD = json.dumps({"session_id": "s", "hook_event_name": "Notification"})


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9", "https://localhost"])
def test_a_page_of_another_origin_is_refused_and_nothing_is_stored(server: ApiServer, origin: str) -> None:
    answer = server.ask("POST", HOOKS, PAYLOAD, {"Origin": origin, "Content-Type": "text/plain"})
    assert answer.status == 403
    assert origin in answer.json["error"]
    assert server.valkey.payloads() == []


@pytest.mark.parametrize("host", ["evil.example", "evil.example:3847", "127.0.0.1.evil.example"])
def test_a_foreign_name_that_leads_here_is_refused(server: ApiServer, host: str) -> None:
    assert server.ask("GET", "/api/sessions", headers={"Host": host}).status == 403


def test_our_own_pages_and_programs_are_answered(server: ApiServer) -> None:
    for headers in ({"Origin": f"http://localhost:{server.port}"}, {"Host": f"localhost:{server.port}"}, {}):
        assert server.ask("POST", HOOKS, PAYLOAD, headers).status == 200


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_a_page_that_may_call_is_told_that_it_may_read(server: ApiServer, method: str) -> None:
    origin = f"http://localhost:{server.port}"
    answer = server.ask(method, "/api/sessions", headers={"Origin": origin})
    assert answer.status in {200, 204}
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
    assert "Origin" in answer.headers["Vary"]


def test_a_page_that_may_not_call_and_a_program_are_told_nothing_of_reading(server: ApiServer) -> None:
    for headers in ({"Origin": "http://evil.example"}, {}):
        answer = server.ask("OPTIONS", "/api/sessions", headers=headers)
        assert "Access-Control-Allow-Origin" not in answer.headers
