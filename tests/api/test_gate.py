"""Who may call with which right: programs of this machine, other machines, and who administers."""

import base64
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from access_tokens import administer, bearer, owner, token
from api_server import HOOKS, ApiServer, OwnValkey, database_away, serving, wait_for
from other_machine import ask_from_outside

from db.pool import Conn

PAYLOAD = json.dumps({"session_id": "s", "hook_event_name": "Notification"})
ADMINISTRATION = {
    ("get", "/api/tokens"), ("post", "/api/tokens"), ("delete", "/api/tokens/{key}"), ("get", "/api/audit"),
    ("post", "/api/prunings"), ("post", "/api/retention"), ("post", "/api/import/export"),
    ("post", "/api/agents/{agent_id}/credential"), ("delete", "/api/agents/{agent_id}/credential"),
}  # fmt: skip
REPORTS = {
    ("post", HOOKS),
    ("post", "/api/actions"),
    ("post", "/api/import"),
    ("post", "/api/usage"),
    ("post", "/v1/metrics"),
    ("post", "/v1/logs"),
    ("post", "/v1/traces"),
}


@pytest.fixture(scope="module")
def module_server(module_database: str, module_valkey: OwnValkey, tmp_path_factory: Any) -> Iterator[ApiServer]:
    """A server that other machines reach, with pages to serve."""
    pages = tmp_path_factory.mktemp("dist")
    (pages / "index.html").write_text("<title>DCM</title>")
    (pages / "logo.svg").write_text("<svg/>")
    app = f"api.app:create_app(dashboard={str(pages)!r})"
    with serving(module_valkey, module_database, app, HOST="0.0.0.0", DCM_RATE_BURST="1000000") as running:
        yield running


ANYTHING = [
    ("GET", "/"), ("GET", "/logo.svg"), ("GET", "/health"), ("GET", "/openapi.json"), ("GET", "/api/sessions"),
    ("GET", "/nothing"), ("POST", HOOKS), ("DELETE", "/api/sessions/s"), ("OPTIONS", "/api/sessions"),
    ("HEAD", "/health"), ("GET", "/api/tokens"), ("POST", "/api/auth/token"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), ANYTHING)
def test_from_elsewhere_nothing_is_answered_without_a_token_but_401(
    server: ApiServer, conn: Conn, method: str, path: str
) -> None:
    answer = ask_from_outside(server, method, path, PAYLOAD if method == "POST" else None)
    assert answer.status == 401
    assert answer.body in {b'{"error": "Unauthorized"}', b""}
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="DCM", Bearer realm="DCM"'
    assert server.valkey.payloads() == []


@pytest.mark.parametrize(
    "shown", ["Bearer dcm_guessed", "Bearer guessed", "Basic !", "Basic eDp5", "Digest x", "Bearer"]
)
def test_from_elsewhere_what_is_no_good_token_is_none(server: ApiServer, conn: Conn, shown: str) -> None:
    answer = ask_from_outside(server, "GET", "/health", headers={"Authorization": shown})
    assert answer.status in {401, 429}


def test_from_elsewhere_a_token_opens_what_its_scopes_say_and_the_rest_is_403(server: ApiServer, conn: Conn) -> None:
    reporter, reader, writer = (token(server, scope, name=scope) for scope in ("ingest", "read", "write"))
    project = json.dumps({"path": "/src/shop"})
    for method, path, body, allowed in (
        ("POST", HOOKS, PAYLOAD, reporter),
        ("GET", "/api/sessions", None, reader),
        ("GET", "/logo.svg", None, reader),
        ("GET", "/", None, reader),
        ("POST", "/api/projects", project, writer),
    ):
        for shown in (reporter, reader, writer):
            headers = {**bearer(shown), "Content-Type": "application/json"}
            answer = ask_from_outside(server, method, path, body, headers)
            assert (answer.status < 300) == (shown == allowed), (method, path)
            assert shown == allowed or answer.status == 403, (method, path)


@pytest.mark.parametrize("scope", ["ingest", "read", "write", "admin"])
def test_from_elsewhere_every_good_token_is_told_whether_dcm_is_well(server: ApiServer, conn: Conn, scope: str) -> None:
    assert ask_from_outside(server, "GET", "/health", headers=bearer(token(server, scope))).status == 200


def test_a_token_of_admin_and_the_token_file_may_everything_from_everywhere(server: ApiServer, conn: Conn) -> None:
    admin = bearer(token(server, "admin"))
    for headers in (admin, owner(server)):
        for path in ("/api/tokens", "/api/audit", "/api/sessions", "/logo.svg"):
            assert ask_from_outside(server, "GET", path, headers=headers).status == 200, path
        assert ask_from_outside(server, "POST", HOOKS, PAYLOAD, headers).status == 200


def test_a_browser_shows_the_token_as_a_password(server: ApiServer, conn: Conn) -> None:
    shown = base64.b64encode(f"ada:{token(server, 'read')}".encode()).decode()
    assert ask_from_outside(server, "GET", "/", headers={"Authorization": f"Basic {shown}"}).body.startswith(b"<title>")


def test_on_this_machine_everything_but_administration_needs_no_token(server: ApiServer, conn: Conn) -> None:
    assert server.hook({"session_id": "s", "hook_event_name": "Notification"}).status == 200
    assert server.get("/health").status == 200
    assert server.get("/logo.svg").status == 200
    assert server.ask("POST", "/api/projects", '{"path": "/x"}', {"Content-Type": "application/json"}).status == 201
    refused = server.get("/api/tokens")
    assert refused.status == 401
    assert "dcm token create" in refused.json["error"]


def test_on_this_machine_a_token_that_may_not_administer_is_403_and_a_wrong_one_401(
    server: ApiServer, conn: Conn
) -> None:
    everyday = token(server, "read", "write", "ingest")
    assert server.ask("GET", "/api/audit", headers=bearer(everyday)).status == 403
    assert server.ask("GET", "/api/audit", headers=bearer("dcm_wrong")).status in {401, 429}


@pytest.mark.parametrize(
    "header", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "x-forwarded-proto", "X-Real-IP"]
)
def test_a_proxy_on_this_machine_does_not_make_the_world_local(server: ApiServer, conn: Conn, header: str) -> None:
    assert server.ask("GET", "/api/sessions", headers={header: "127.0.0.1"}).status == 401
    with_token = {header: "127.0.0.1", **bearer(token(server, "read"))}
    assert server.ask("GET", "/api/sessions", headers=with_token).status == 200


def test_a_token_for_the_websocket_is_good_for_five_minutes_on_another_machine(server: ApiServer, conn: Conn) -> None:
    headers = {**bearer(token(server, "read")), "Content-Type": "application/json"}
    made = ask_from_outside(server, "POST", "/api/auth/token", '{"agent_id": "a1"}', headers).json
    assert made["expires_in"] == 300
    claims = made["token"].partition(".")[0]
    told = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert 299_000 <= told["expires_at"] - told["issued_at"] <= 301_000


def test_the_token_file_is_closed_to_others(server: ApiServer) -> None:
    path = server.valkey.home / "token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("dcm_")
    assert len(path.read_text()) == len("dcm_") + 43


def test_a_revoked_token_is_refused_within_five_seconds(server: ApiServer, conn: Conn) -> None:
    shown = token(server, "read")
    assert ask_from_outside(server, "GET", "/health", headers=bearer(shown)).status == 200
    assert administer(server, "DELETE", "/api/tokens/laptop").status == 200
    refused = lambda: ask_from_outside(server, "GET", "/health", headers=bearer(shown)).status == 401  # noqa: E731
    wait_for(refused, "the refusal", 5)


def test_a_token_is_refused_once_its_time_is_over(server: ApiServer, conn: Conn) -> None:
    shown = token(server, "read", expires_at="2099-01-01T00:00:00Z")
    conn.execute("UPDATE access_tokens SET expires_at = now() + interval '1 second'")
    assert ask_from_outside(server, "GET", "/health", headers=bearer(shown)).status == 200
    refused = lambda: ask_from_outside(server, "GET", "/health", headers=bearer(shown)).status == 401  # noqa: E731
    wait_for(refused, "the refusal", 5)


def test_who_was_known_goes_on_reporting_while_the_database_is_away(server: ApiServer, conn: Conn) -> None:
    known, unknown = token(server, "ingest"), token(server, "ingest", name="other")
    assert ask_from_outside(server, "POST", HOOKS, PAYLOAD, bearer(known)).status == 200
    with database_away(server.database_url):
        assert ask_from_outside(server, "POST", HOOKS, PAYLOAD, bearer(known)).status == 200
        assert ask_from_outside(server, "POST", HOOKS, PAYLOAD, bearer(unknown)).status == 503
        assert server.hook({"session_id": "s", "hook_event_name": "Notification"}).status == 200


def test_why_the_database_is_away_is_told_to_this_machine_and_with_the_token_file(
    server: ApiServer, conn: Conn
) -> None:
    reader = bearer(token(server, "read"))
    assert ask_from_outside(server, "GET", "/health", headers=reader).status == 200
    with database_away(server.database_url):
        others = ask_from_outside(server, "GET", "/health", headers=reader)
        ours = [server.get("/health"), ask_from_outside(server, "GET", "/health", headers=owner(server))]
    assert (others.status, others.json["database"]["error"]) == (503, "no answer")
    assert "no answer" not in {answer.json["database"]["error"] for answer in ours}


def test_each_operation_says_which_scope_it_takes(server: ApiServer) -> None:
    document = server.get("/openapi.json").json
    scopes = {
        (method, path): operation["security"][0]["token"][0]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert {key for key, scope in scopes.items() if scope == "admin"} == ADMINISTRATION
    assert {key for key, scope in scopes.items() if scope == "ingest"} == REPORTS
    for key, scope in scopes.items():
        if key not in ADMINISTRATION | REPORTS | {("post", "/api/auth/token"), ("get", "/health")}:
            assert scope == ("read" if key[0] == "get" else "write"), key
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


def test_beyond_loopback_the_api_does_not_start_without_its_token_file(
    module_database: str, module_valkey: OwnValkey, tmp_path: Path
) -> None:
    (tmp_path / "token").mkdir()
    told = {"HOST": "0.0.0.0", "DCM_HOME": str(tmp_path)}
    with (
        pytest.raises(AssertionError, match=r"dcm: The secret in .*token cannot be used .*HOST=127\.0\.0\.1"),
        serving(module_valkey, module_database, **told),
    ):
        pass


def test_a_page_learns_whether_the_websocket_will_ask_it_for_a_token(server: ApiServer, conn: Conn) -> None:
    assert server.get("/config.json").json["ws_needs_token"] is False
    shown = bearer(token(server, "read"))
    assert ask_from_outside(server, "GET", "/config.json", headers=shown).json["ws_needs_token"] is True
    body = '{"agent_id": "dashboard"}'
    made = ask_from_outside(server, "POST", "/api/auth/token", body, {**shown, "Content-Type": "application/json"})
    assert made.json["token"]
