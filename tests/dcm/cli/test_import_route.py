"""POST /api/import: which payloads of the past it takes, and how many."""

import json
from typing import Any

import pytest
import story
from api_server import ApiServer
from story import HOOKS


def body(server: ApiServer, *members: Any) -> Any:
    return server.ask("POST", "/api/import", json.dumps({"payloads": list(members)}))


@pytest.mark.parametrize(
    ("member", "sentence"),
    [
        ({}, "not a JSON object"),
        ({"at": "2026-11-20T12:00:00Z", "payload": {"session_id": "s"}}, "hook_event_name is missing"),
        ({"at": "2026-11-20T12:00:00", "payload": HOOKS[1]}, "at is not a time with its zone"),
        ({"payload": HOOKS[1]}, "at is not a time with its zone"),
        ({"at": "2019-01-01T00:00:00Z", "payload": HOOKS[1]}, "give a time from 2020 to now"),
        ({"at": "2126-01-01T00:00:00Z", "payload": HOOKS[1]}, "give a time from 2020 to now"),
        ({"at": "2026-11-20T12:00:00Z", "payload": story.payload("PreCompact")}, "PreCompact is not taken"),
    ],
)
def test_the_import_route_says_which_payload_it_cannot_take(server: ApiServer, member: Any, sentence: str) -> None:
    good = {"at": "2026-11-20T12:00:00Z", "payload": HOOKS[1]}
    refused = body(server, good, member)
    assert refused.status == 400
    assert refused.json["error"] == "Validation failed"
    assert sentence in refused.json["details"]["payloads.1"][0]
    assert server.valkey.payloads() == []


def test_the_import_route_takes_a_thousand_and_no_more(server: ApiServer) -> None:
    past = {"at": "2026-11-20T12:00:00Z", "payload": {"session_id": "s", "hook_event_name": "Notification"}}
    assert body(server, *[past] * 1001).status == 400
    assert server.ask("POST", "/api/import", b"[]").status == 400
    assert body(server).json == {"accepted": 0, "known": 0, "waiting": 0}
    assert body(server, *[past] * 1000).json == {"accepted": 1000, "known": 0, "waiting": 1000}
    assert server.get("/api/intake").json["waiting"] == 1000
