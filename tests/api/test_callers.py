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
