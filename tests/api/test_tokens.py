"""Access tokens: made, listed, used, revoked; and what the audit log says of it."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from access_tokens import administer, bearer, token
from api_server import ApiServer
from work import project, request, task

from db import tokens
from db.pool import Conn
from dcm.domain import access


def acts(server: ApiServer, query: str = "") -> list[tuple[str, str, str]]:
    """(who, act, subject), oldest first."""
    found = administer(server, "GET", f"/api/audit{query}").json["acts"]
    return [(each["who"], each["act"], each["subject"]) for each in reversed(found)]


@pytest.mark.contract("POST /api/tokens")
def test_a_token_has_256_random_bits_is_shown_once_and_stored_as_its_hash(server: ApiServer, conn: Conn) -> None:
    made = administer(server, "POST", "/api/tokens", {"name": "laptop"}).json
    assert made["token"].startswith("dcm_")
    assert len(base64.urlsafe_b64decode(made["token"].removeprefix("dcm_") + "=")) == 32
    assert made["token"] not in administer(server, "GET", "/api/tokens").body.decode()
    row: Any = conn.execute("SELECT token_hash, t::text FROM access_tokens t").fetchone()
    assert row[0] == hashlib.sha256(made["token"].encode()).digest()
    assert made["token"] not in row[1]


@pytest.mark.parametrize(("kind", "scopes"), [("machine", ["ingest"]), ("person", ["read", "write"])])
def test_a_machine_reports_and_a_person_reads_and_writes_when_nobody_says_more(
    server: ApiServer, conn: Conn, kind: str, scopes: list[str]
) -> None:
    made = administer(server, "POST", "/api/tokens", {"name": "x", "kind": kind}).json
    assert (made["kind"], made["scopes"], made["expires_at"], made["last_used_at"]) == (kind, scopes, None, None)


@pytest.mark.parametrize(
    "body",
    [
        {}, {"name": ""}, {"name": "a b"}, {"name": "a\n"}, {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["root"]}, {"name": "x", "kind": "dog"},
        {"name": "x", "expires_at": "2020-01-01T00:00:00Z"}, {"name": "x", "expires_at": "soon"},
    ],
)  # fmt: skip
def test_what_cannot_be_a_token_is_refused_with_the_field(server: ApiServer, conn: Conn, body: dict[str, Any]) -> None:
    answer = administer(server, "POST", "/api/tokens", body)
    assert answer.status == 400
    assert answer.json["details"]


@pytest.mark.contract("GET /api/tokens", "DELETE /api/tokens/:key")
def test_two_good_tokens_never_have_one_name_and_a_revoked_one_gives_it_back(server: ApiServer, conn: Conn) -> None:
    token(server, "read")
    assert administer(server, "POST", "/api/tokens", {"name": "laptop"}).status == 409
    revoked = administer(server, "DELETE", "/api/tokens/laptop")
    assert revoked.json["revoked_at"] is not None
    token(server, "read")
    listed = administer(server, "GET", "/api/tokens").json
    assert [each["revoked_at"] is None for each in listed["tokens"]] == [True, False]
    assert administer(server, "DELETE", f"/api/tokens/{listed['tokens'][0]['id']}").status == 200
    assert administer(server, "DELETE", "/api/tokens/laptop").status == 404


def test_its_last_use_is_written_once_a_minute_at_most(conn: Conn) -> None:
    hashed = access.digest("dcm_x")
    made = tokens.create(
        conn, name="x", kind="machine", scopes=["read"], token_hash=hashed, expires_at=None, created_by="test"
    )
    assert made is not None

    def last_used() -> datetime:
        assert tokens.used(conn, hashed) is not None
        found: datetime = tokens.page(conn)[0]["last_used_at"]
        return found

    first = last_used()
    assert last_used() == first
    conn.execute("UPDATE access_tokens SET last_used_at = %s", [datetime.now(UTC) - timedelta(seconds=61)])
    assert last_used() > first


@pytest.mark.contract("GET /api/audit")
def test_every_administrative_act_is_in_the_audit_log_with_who_did_it(server: ApiServer, conn: Conn) -> None:
    admin = token(server, "admin", name="boss")
    server.ask("DELETE", "/api/tokens/nobody", headers=bearer(admin))
    token(server, "read")
    assert server.ask("DELETE", "/api/tokens/laptop", headers=bearer(admin)).status == 200
    administer(server, "POST", "/api/agents/a1/credential")
    administer(server, "DELETE", "/api/agents/a1/credential")
    assert acts(server) == [
        ("token file", "token.created", "boss"),
        ("token file", "token.created", "laptop"),
        ("token boss", "token.revoked", "laptop"),
        ("token file", "credential.created", "a1"),
        ("token file", "credential.revoked", "a1"),
    ]
    newest = administer(server, "GET", "/api/audit?limit=1").json["acts"][0]
    assert newest["address"] == "127.0.0.1"
    older = administer(server, "GET", f"/api/audit?before={newest['id']}&act=credential").json
    assert [each["act"] for each in older["acts"]] == ["credential.created"]


def test_subscriptions_and_blocks_that_end_are_in_the_audit_log(server: ApiServer, conn: Conn) -> None:
    topics = [{"agent_id": "a1", "topic": topic} for topic in ("task.created", "task.failed")]
    pairs = [{"blocked_by": "a1", "blocked_agent": agent} for agent in ("a2", "a3")]
    ids = [server.ask("POST", "/api/subscribe", json.dumps(topic)).json["subscription"]["id"] for topic in topics]
    blocks = [server.ask("POST", "/api/blocking", json.dumps(pair)).json["blocking"]["id"] for pair in pairs]
    ended = [
        server.ask("DELETE", f"/api/subscriptions/{ids[0]}"),
        server.ask("POST", "/api/unsubscribe", json.dumps(topics[1])),
        server.ask("POST", "/api/unsubscribe", json.dumps(topics[1])),
        server.ask("DELETE", f"/api/blocking/{blocks[0]}"),
        server.ask("POST", "/api/unblock", json.dumps(pairs[1])),
    ]
    assert [answer.status for answer in ended] == [200, 200, 404, 200, 200]
    assert acts(server) == [
        ("local", "subscription.ended", "a1"),
        ("local", "subscription.ended", "a1"),
        ("local", "block.ended", "a2"),
        ("local", "block.ended", "a3"),
    ]


def test_an_id_is_that_tokens_alone_though_another_has_it_for_a_name(server: ApiServer, conn: Conn) -> None:
    token(server, "ingest", name="laptop")
    [laptop] = [each["id"] for each in administer(server, "GET", "/api/tokens").json["tokens"]]
    token(server, "ingest", name=laptop)
    assert administer(server, "DELETE", f"/api/tokens/{laptop}").json["name"] == "laptop"
    assert administer(server, "DELETE", f"/api/tokens/{laptop}").status == 404
    listed = administer(server, "GET", "/api/tokens").json["tokens"]
    assert {each["name"]: each["revoked_at"] is None for each in listed} == {"laptop": False, laptop: True}


@pytest.mark.contract("GET /api/audit")
def test_what_is_deleted_is_in_the_audit_log_and_what_was_not_there_is_not(server: ApiServer, conn: Conn) -> None:
    project_id = project(server)
    request_id = request(server, project_id)
    task_id = task(server, request_id)
    project_path = server.get(f"/api/projects/{project_id}").json["project"]["path"]
    for path in (f"tasks/{task_id}", f"requests/{request_id}", f"projects/{project_id}", f"projects/{project_id}"):
        server.ask("DELETE", f"/api/{path}")
    server.ask("DELETE", "/api/actions/by-session/s1")
    assert acts(server) == [
        ("local", "task.deleted", task_id),
        ("local", "request.deleted", request_id),
        ("local", "project.deleted", project_id),
        ("local", "actions.deleted", "s1"),
    ]
    [deleted] = administer(server, "GET", "/api/audit?act=project").json["acts"]
    assert deleted["details"] == {"path": project_path}
