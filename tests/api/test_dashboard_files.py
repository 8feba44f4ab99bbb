"""The dashboard's files beside the API, from a folder as the build leaves it."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_server import Answer, ApiServer, OwnValkey, serving

INDEX = "<!doctype html><title>DCM</title>"
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
FILES = {
    "index.html": INDEX,
    "mark.svg": "<svg/>",
    "assets/index-C1a2b3.js": "console.log(1)",
    "assets/index-C1a2b3.css": "body{}",
    "assets/font-C1a2b3.woff2": "wOF2",
}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built dashboard, and beside it what must never be served."""
    folder = tmp_path_factory.mktemp("dashboard") / "dist"
    (folder / "assets").mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_text(content)
    (folder.parent / "secret.txt").write_text("crown jewels")
    return folder


@pytest.fixture(scope="module")
def pages(module_valkey: OwnValkey, module_database: str, dist: Path) -> Iterator[ApiServer]:
    """A server of that folder."""
    with serving(module_valkey, module_database, f"api.app:create_app(dashboard={str(dist)!r})") as running:
        yield running


def is_the_app(answer: Answer) -> bool:
    return (answer.status, answer.type, answer.body.decode()) == (200, "text/html", INDEX)


def is_json_404(answer: Answer) -> bool:
    return answer.status == 404 and answer.type == "application/json" and "nothing at" in answer.json["error"]


def test_the_app_is_served_at_the_root_whatever_is_accepted(pages: ApiServer) -> None:
    assert is_the_app(pages.get("/", **HTML))
    assert is_the_app(pages.get("/"))
    assert is_the_app(pages.get("/index.html"))


@pytest.mark.parametrize("path", ["/sessions", "/sessions/s1/actions", "/a.b/c", "/sessions?limit=5", "/apifel"])
def test_the_app_is_served_at_its_own_pages_to_who_accepts_html(pages: ApiServer, path: str) -> None:
    assert is_the_app(pages.get(path, **HTML))
    assert is_json_404(pages.get(path, Accept="application/json"))
    assert is_json_404(pages.get(path))


@pytest.mark.parametrize("path", ["/api/nothing", "/api/", "/api", "/api/sessions/x/y", "/api/hooks"])
def test_unknown_api_paths_are_a_json_404_even_to_a_browser(pages: ApiServer, path: str) -> None:
    assert is_json_404(pages.get(path, **HTML))
    assert is_json_404(pages.ask("POST", path, b"{}"))


def test_a_page_that_is_posted_to_is_not_found(pages: ApiServer) -> None:
    assert is_json_404(pages.ask("POST", "/sessions", b"{}", HTML))


def test_an_asset_of_an_older_build_is_not_found_rather_than_the_app(pages: ApiServer) -> None:
    assert is_json_404(pages.get("/assets/index-old.js", **HTML))
    assert "immutable" not in str(pages.get("/assets/index-old.js").headers)


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("index.html", "text/html"),
        ("mark.svg", "image/svg+xml"),
        ("assets/index-C1a2b3.js", "text/javascript"),
        ("assets/index-C1a2b3.css", "text/css"),
        ("assets/font-C1a2b3.woff2", "font/woff2"),
    ],
)
def test_files_have_their_type_and_their_content(pages: ApiServer, name: str, type_: str) -> None:
    answer = pages.get(f"/{name}")
    assert (answer.status, answer.type, answer.body.decode()) == (200, type_, FILES[name])


def test_hashed_files_are_kept_for_ever_and_the_others_asked_for_again(pages: ApiServer) -> None:
    for name in FILES:
        kept = pages.get(f"/{name}").headers["Cache-Control"]
        assert kept == ("public, max-age=31536000, immutable" if name.startswith("assets/") else "no-cache")
    for page in ("/", "/sessions"):
        assert pages.get(page, **HTML).headers["Cache-Control"] == "no-cache"
    assert pages.get("/config.json").headers["Cache-Control"] == "no-store"


def test_a_file_that_has_not_changed_is_not_sent_again(pages: ApiServer) -> None:
    tag = pages.get("/index.html").headers["ETag"]
    again = pages.get("/index.html", **{"If-None-Match": tag})
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "//secret.txt",
        "/assets/%00/../../../secret.txt",
        "/....//secret.txt",
        "/%252e%252e/secret.txt",
        "//etc/passwd",
        "/assets/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
    ],
)
def test_nothing_outside_the_folder_is_served(pages: ApiServer, path: str) -> None:
    for accept in ("text/html", "*/*"):
        with socket.create_connection(("127.0.0.1", pages.port), 5) as plain:
            head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
            plain.sendall(head.encode())
            whole = b"".join(iter(lambda plain=plain: plain.recv(65_536), b""))
        status, body = int(whole.split(b" ", 2)[1]), whole.partition(b"\r\n\r\n")[2]
        assert status in {400, 404} or INDEX.encode() in body
        assert b"crown jewels" not in body
        assert b"root:" not in body


def test_a_head_request_gets_the_head_alone(pages: ApiServer) -> None:
    for path in ("/", "/mark.svg"):
        answer = pages.ask("HEAD", path, headers=HTML)
        assert (answer.status, answer.body) == (200, b"")


def test_a_folder_is_not_listed(pages: ApiServer) -> None:
    assert is_json_404(pages.get("/assets/"))
    assert is_json_404(pages.get("/assets"))


def test_without_a_build_the_api_serves_and_the_root_says_there_is_nothing(server: ApiServer, tmp_path: Path) -> None:
    with serving(server.valkey, server.database_url, f"api.app:create_app(dashboard={str(tmp_path / 'x')!r})") as bare:
        assert is_json_404(bare.get("/", **HTML))
        assert bare.get("/config.json").status == 200


def test_a_method_that_a_route_does_not_take_is_refused_with_a_sentence(pages: ApiServer) -> None:
    answer = pages.ask("DELETE", "/api/dashboard/kpis")
    assert (answer.status, answer.type) == (405, "application/json")
    assert answer.headers["Allow"] == "GET, OPTIONS"
    assert answer.json["error"]


def test_pages_come_with_a_policy_and_are_held_by_nobody_who_opened_them(pages: ApiServer) -> None:
    for path in ("/", "/index.html", "/sessions"):
        headers = pages.get(path, **HTML).headers
        assert "script-src 'self';" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert "ws://127.0.0.1:" in headers["Content-Security-Policy"]
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-cache"
        assert "geolocation=()" in headers["Permissions-Policy"]


def test_a_link_elsewhere_may_lead_to_a_page_which_nobody_may_frame_or_embed(pages: ApiServer) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert is_the_app(pages.get("/", **HTML, **link))
    assert is_the_app(pages.get("/sessions", **HTML, **link))
    assert pages.get("/", **HTML, **link | {"Sec-Fetch-Dest": "iframe"}).status == 403
    script = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}
    assert pages.get("/assets/index-C1a2b3.js", **script).status == 403
    assert pages.get("/assets/index-C1a2b3.js").headers["Cross-Origin-Resource-Policy"] == "same-origin"
