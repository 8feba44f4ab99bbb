"""The routes of how long things are kept, and of prunings."""

from typing import Any

import orjson
import pytest
from access_tokens import JSON, administer, bearer, token
from api_server import ApiServer
from stories import a_session, store
from work import NOBODY, project, send

from db import counts, retention
from db.pool import Conn


def waiting(server: ApiServer) -> list[list[str]]:
    """The arguments of the prunings that a worker is to do."""
    found = [orjson.loads(raw) for raw in server.valkey.client.hvals("dcm:dramatiq:default.msgs")]
    return [message["args"] for message in found if message["actor_name"] == "prune"]


@pytest.mark.contract("GET /api/retention", "POST /api/retention")
def test_the_days_of_each_kind_are_shown_and_those_of_a_project_are_set_and_unset(
    server: ApiServer, conn: Conn
) -> None:
    shop = project(server)
    shown = server.get("/api/retention").json
    assert (shown["days"]["actions"], shown["days"]["events"], shown["projects"]) == (90, 7, [])
    own = {"id": shop, "path": "/src/shop", "days": 365}
    assert administer(server, "POST", "/api/retention", {"project": "/src/shop/", "days": 365}).json == own
    assert server.get("/api/retention").json["projects"] == [own]
    assert administer(server, "POST", "/api/retention", {"project": "/src/shop", "days": None}).json == {
        **own,
        "days": None,
    }
    assert server.get("/api/retention").json["projects"] == []


@pytest.mark.parametrize(("body", "status"), [
    ({"project": "/nowhere", "days": 3}, 404), ({"project": "/src/shop"}, 400), ({"days": 3}, 400),
    ({"project": "/src/shop", "days": -1}, 400), ({"project": "/src/shop", "days": 36_501}, 400),
])  # fmt: skip
def test_days_that_cannot_be_set_are_refused(server: ApiServer, conn: Conn, body: dict[str, Any], status: int) -> None:
    project(server)
    assert administer(server, "POST", "/api/retention", body).status == status


@pytest.mark.contract("POST /api/prunings", "GET /api/prunings/:id")
def test_a_pruning_is_given_to_a_worker_and_tells_how_far_it_is(server: ApiServer, conn: Conn) -> None:
    answer = administer(server, "POST", "/api/prunings", {"older_than_days": 30, "dry_run": True})
    asked = answer.json
    assert (answer.status, asked["older_than_days"], asked["dry_run"], asked["stage"]) == (202, 30, True, "waiting")
    assert waiting(server) == [[asked["id"]]]
    assert server.get(f"/api/prunings/{asked['id']}").json == asked
    retention.finish(conn, asked["id"], None)
    assert server.get("/api/retention").json["prunings"][0]["stage"] == "done"
    assert server.get(f"/api/prunings/{NOBODY}").status == 404


def test_a_pruning_of_a_project_needs_days_given_or_set(server: ApiServer, conn: Conn) -> None:
    project(server)
    assert administer(server, "POST", "/api/prunings", {"project": "/nowhere"}).status == 404
    refused = administer(server, "POST", "/api/prunings", {"project": "/src/shop"})
    assert (refused.status, waiting(server)) == (400, [])
    assert "older_than_days" in refused.json["error"]
    assert administer(server, "POST", "/api/prunings", {"project": "/src/shop", "older_than_days": 0}).status == 400
    assert administer(server, "POST", "/api/prunings", {"project": "/src/shop", "older_than_days": 3}).status == 202
    administer(server, "POST", "/api/retention", {"project": "/src/shop", "days": 7})
    assert administer(server, "POST", "/api/prunings", {"project": "/src/shop/"}).json["project_path"] == "/src/shop"


@pytest.mark.parametrize(("path", "body", "status", "act"), [
    ("/api/prunings", {"dry_run": True}, 202, "pruning.asked"),
    ("/api/retention", {"project": "/src/shop", "days": 7}, 200, "retention.set"),
])  # fmt: skip
def test_what_lets_go_of_things_takes_a_token_on_this_machine_too_and_is_noted(
    server: ApiServer, conn: Conn, *, path: str, body: dict[str, Any], status: int, act: str
) -> None:
    project(server)
    assert send(server, "POST", path, body).status == 401
    writer = {**JSON, **bearer(token(server, "read", "write"))}
    assert server.ask("POST", path, orjson.dumps(body).decode(), writer).status == 403
    acts = "SELECT who, act FROM audit_log WHERE act <> 'token.created'"
    assert (conn.execute(acts).fetchall(), waiting(server)) == ([], [])
    assert administer(server, "POST", path, body).status == status
    assert conn.execute(acts).fetchall() == [("token file", act)]


@pytest.mark.contract("DELETE /api/sessions/:id?everything=true")
def test_a_session_deleted_with_everything_leaves_nothing_behind(server: ApiServer, conn: Conn) -> None:
    store(conn, *a_session())
    assert server.ask("DELETE", "/api/sessions/s1?everything=true").status == 204
    noted = conn.execute("SELECT subject, details FROM audit_log WHERE act = 'session.deleted'").fetchall()
    assert noted == [("s1", {"everything": True})]
    counts.fold(conn)
    for table in ("sessions", "requests", "actions", "hook_events", "search_entries", "subtasks", "session_actions"):
        assert conn.execute(b"SELECT count(*) FROM " + table.encode()).fetchone() == (0,), table
    assert server.ask("DELETE", "/api/sessions/s1?everything=true").status == 404
    assert conn.execute("SELECT count(*) FROM forgotten_sessions").fetchone() == (1,)
