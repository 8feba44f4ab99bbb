"""Who blocks whom over HTTP, and what the blocked one is told (contract, sections 3.12 and 9.3)."""

from concurrent.futures import ThreadPoolExecutor
from unittest.mock import ANY

import pytest
from api_server import ApiServer, wait_for
from test_messages import call, events, queued

from db.pool import Conn


@pytest.mark.contract(
    "POST /api/blocking", "GET /api/blocking/check", "GET /api/blocking/:agent_id", "DELETE /api/blocking/:blocked_id"
)
def test_a_block_is_stored_told_checked_listed_and_ended(server: ApiServer, conn: Conn) -> None:
    block = call(server, "POST", "/api/blocking", {"blocked_by": "a", "blocked_agent": "b", "reason": "wait"}, 201)
    assert call(server, "GET", "/api/blocking/check?blocker=a&blocked=b")["is_blocked"]
    assert not call(server, "GET", "/api/blocking/check?blocker=b&blocked=a")["is_blocked"]
    of_b, of_a = (call(server, "GET", f"/api/blocking/{agent}") for agent in ("b", "a"))
    assert ([x["by_agent"] for x in of_b["blocked_by"]], of_b["is_blocking"]) == (["a"], False)
    assert ([x["agent"] for x in of_a["blocking"]], of_a["summary"]["blocking_count"]) == (["b"], 1)
    assert call(server, "DELETE", f"/api/blocking/{block['blocking']['id']}")["unblocked"]["reason"] == "wait"
    call(server, "DELETE", f"/api/blocking/{block['blocking']['id']}", status=404)
    call(server, "POST", "/api/unblock", {"blocked_by": "a", "blocked_agent": "b"}, 404)
    assert events(conn) == [("agents/b", "agent.blocked"), ("agents/b", "agent.unblocked")]


def test_an_agent_is_told_of_a_block_of_its_reason_when_that_changes_and_of_its_end(
    server: ApiServer, conn: Conn
) -> None:
    pair = {"blocked_by": "a", "blocked_agent": "b"}
    for reason in ("wait", "wait", "wait on"):
        call(server, "POST", "/api/blocking", {**pair, "reason": reason}, 201)
    call(server, "POST", "/api/unblock", pair)
    asked = wait_for(lambda: queued(server, 3), "what the agent is told")
    assert sorted(asked, key=lambda one: one[1][2]) == [
        ("tell_agent", ["b", text, ANY])
        for text in ("Blocked by a: wait, told by DCM.", "Blocked by a: wait on, told by DCM.",
                     "No longer blocked by a, told by DCM.")
    ]  # fmt: skip


@pytest.mark.contract("POST /api/unblock")
def test_the_same_block_at_the_same_moment_is_one(server: ApiServer, conn: Conn) -> None:
    body = {"blocked_by": "a", "blocked_agent": "b"}
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: call(server, "POST", "/api/blocking", body, 201), range(24)))
    assert len({each["blocking"]["id"] for each in found}) == 1
    assert call(server, "POST", "/api/unblock", body)["unblocked"]["blocked_agent"] == "b"


def test_an_agent_cannot_block_itself(server: ApiServer, conn: Conn) -> None:
    refused = call(server, "POST", "/api/blocking", {"blocked_by": "a", "blocked_agent": "a"}, 400)
    assert "cannot block itself" in refused["error"]
    call(server, "POST", "/api/blocking", {"blocked_by": "a", "blocked_agent": "b", "reason": "x" * 501}, 400)
    call(server, "GET", "/api/blocking/check?blocker=a", status=400)
