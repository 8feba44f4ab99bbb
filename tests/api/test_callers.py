"""Which callers the API answers."""

import json
import socket

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


VISIT = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(
    "more", [{"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, VISIT], ids=["image", "link"]
)
def test_a_page_elsewhere_gets_no_data_whether_it_embeds_it_or_leads_there(
    server: ApiServer, site: str, more: dict[str, str]
) -> None:
    for path in ("/api/sessions", "/health", "/stats", "/config.json", "/openapi.json"):
        answer = server.ask("GET", path, headers={"Sec-Fetch-Site": site, **more})
        assert (answer.status, list(answer.json)) == (403, ["error"])


@pytest.mark.parametrize("host", ["localhost.", "a.localhost", "0.0.0.0"])
def test_another_name_of_this_machine_is_a_foreign_name(server: ApiServer, host: str) -> None:
    assert server.ask("GET", "/api/sessions", headers={"Host": f"{host}:{server.port}"}).status == 403


@pytest.mark.parametrize(
    "headers",
    [{"User-Agent": "axios/1.2", "Accept": "*/*"}, {"User-Agent": "curl/8", "Host": "127.0.0.1"},
     {"Sec-Fetch-Site": "none", **VISIT}, {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}],
)  # fmt: skip
def test_programs_what_is_typed_and_our_own_pages_read(server: ApiServer, headers: dict[str, str]) -> None:
    assert server.ask("GET", "/api/sessions", headers=headers).status == 200


def test_a_preflight_from_elsewhere_is_refused_and_an_allowed_page_may_cross_into_this_machine(
    server: ApiServer,
) -> None:
    asked = {"Access-Control-Request-Method": "DELETE", "Access-Control-Request-Private-Network": "true"}
    foreign = server.ask("OPTIONS", "/api/sessions", headers={"Origin": "http://localhost:3000", **asked})
    assert foreign.status == 403
    assert not [name for name in foreign.headers if name.lower().startswith("access-control")]
    own = server.ask("OPTIONS", "/api/sessions", headers={"Origin": f"http://localhost:{server.port}", **asked})
    assert own.headers["Access-Control-Allow-Private-Network"] == "true"


def test_this_port_becomes_a_websocket_for_nobody(server: ApiServer) -> None:
    for path in ("/", "/api/sessions", "/nothing"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as link:
            head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            link.sendall((head + key).encode())
            assert b"101" not in link.recv(1000)


def test_data_is_kept_by_nobody_and_embedded_nowhere(server: ApiServer) -> None:
    for method, path in (("GET", "/api/sessions"), ("GET", "/nothing"), ("POST", "/api/projects")):
        headers = server.ask(method, path, PAYLOAD).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_what_a_request_holds_is_not_in_the_log(server: ApiServer) -> None:
    for path in ("/api/sessions?token=hush1", "/nothing?token=hush2", "/api/sessions?limit=hush3"):
        for host in ("localhost", "evil.example"):
            server.ask("GET", path, headers={"Authorization": "Bearer hush4", "Host": host, "Cookie": "a=hush5"})
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as link:
        link.sendall(b"GET /?token=hush6 HTTP/9.9\r\nAuthorization: Bearer hush7\r\nno header\r\n\r\n")
        while link.recv(1000):
            pass
    log = (server.valkey.home / "logs" / "api.log").read_text(encoding="utf-8")
    assert "hush" not in log
