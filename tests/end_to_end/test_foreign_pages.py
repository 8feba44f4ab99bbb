"""Pages of somebody else in the person's own browser: none reads or writes anything, by any way a page has."""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from browser import chromium, foreign_pages
from playwright.sync_api import Browser, Page, Request, Response
from psycopg import sql
from system import DCM, System, until

from db.pool import connect
from dcm.embedded.places import places

pytestmark = pytest.mark.e2e

JEWELS = "the crown jewels lie under the stairs"
MARK = "written-by-a-page"
NAMES = ("evil.example", "friend.example")
"""Names of other sites, all of which lead to this machine: what DNS says is the attacker's to choose."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A DCM with something to steal, a browser, and a server of foreign pages."""

    system: System
    browser: Browser
    port: int


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One for the module; pages of friend.example may call."""
    led = ",".join(f"MAP {name} 127.0.0.1" for name in NAMES)
    with foreign_pages() as port, chromium(f"--host-resolver-rules={led}") as browser:
        origin = f"http://friend.example:{port}"
        system = System(tmp_path_factory.mktemp("dcm"), DCM, "up", DCM_ALLOWED_ORIGINS=origin)
        try:
            system.wait_up()
            prompt = {"session_id": JEWELS, "hook_event_name": "UserPromptSubmit", "cwd": "/w", "prompt": JEWELS}
            report(system, prompt)
            until(lambda: JEWELS in json.dumps(system.get("/api/sessions")), 15, "the jewels' being stored")
            yield Scene(system, browser, port)
        finally:
            system.stop()


def report(system: System, payload: dict[str, str]) -> None:
    """Report as a program does."""
    asked = urllib.request.Request(f"http://127.0.0.1:{system.port}/api/hooks/claude", json.dumps(payload).encode())
    urllib.request.urlopen(asked, timeout=5).close()


def stored(system: System, words: str) -> dict[str, int]:
    """{table: rows that hold the words} of all tables that have some, once nothing waits."""
    report(system, {"session_id": "end", "hook_event_name": "Notification"})
    until(lambda: system.get("/api/intake")["waiting"] == 0, 15, "the queue's end")
    with connect(places(system.home).postgres_url, "test") as conn:
        tables = [row[0] for row in conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        count = sql.SQL("SELECT count(*) FROM {} AS t WHERE t::text LIKE %s")
        asked = {table: conn.execute(count.format(sql.Identifier(table)), [f"%{words}%"]) for table in tables}
        found = {table: rows.fetchone() for table, rows in asked.items()}
    return {table: row[0] for table, row in found.items() if row and row[0]}


def attacked(scene: Scene, page: Page, servers: list[str], mark: str) -> dict[str, str]:
    """{way: what the page could read} of all ways, tried by the page that is open."""
    sockets = [f"{server.replace('http', 'ws').rpartition(':')[0]}:{scene.system.ws_port}/ws" for server in servers]
    tried = page.evaluate("([servers, sockets, mark]) => attack(servers, sockets, mark)", [servers, sockets, mark])
    return {way: read for way, read in tried if read}


def ours(scene: Scene, asked: Request | Response) -> bool:
    """Whether it is DCM that is asked."""
    system = scene.system
    return any(f":{port}/" in asked.url for port in (system.port, system.dashboard_port, system.ws_port))


@pytest.mark.parametrize("host", ["evil.example", "localhost", "127.0.0.1"])
def test_a_page_elsewhere_reads_nothing_writes_nothing_and_hears_nothing(scene: Scene, host: str) -> None:
    before, context = connections(scene.system), scene.browser.new_context()
    answers: list[Response] = []
    asked: list[Request] = []

    def keep(what: Request | Response) -> None:
        asked.append(what) if isinstance(what, Request) else answers.append(what)

    context.on("response", keep)
    context.on("request", keep)
    page = context.new_page()
    page.goto(f"http://{host}:{scene.port}/hostile.html")
    api, dashboard = scene.system.port, scene.system.dashboard_port
    servers = [f"http://localhost:{api}", f"http://127.0.0.1:{dashboard}", f"http://evil.example:{api}"]
    read = attacked(scene, page, servers, MARK)
    assert [way for way in read if "beacon" not in way] == []
    assert len([each for each in asked if ours(scene, each)]) > 75
    assert [each.url for each in answers if ours(scene, each) and each.status != 403] == []
    assert stored(scene.system, MARK) == {}
    assert connections(scene.system) == before
    context.close()


def connections(system: System) -> int:
    """How many WebSocket connections were ever opened."""
    return system.output.count('"connection open"')


def test_the_same_page_reads_writes_and_hears_where_it_is_allowed(scene: Scene) -> None:
    context = scene.browser.new_context()
    page = context.new_page()
    page.goto(f"http://friend.example:{scene.port}/hostile.html")
    read = attacked(scene, page, [f"http://localhost:{scene.system.port}"], "written-by-a-friend")
    reading = f"of http://localhost:{scene.system.port}"
    assert all(JEWELS in read[f"{way} {reading}"] for way in ("fetch", "xhr", "fetch from the cache"))
    assert "opened" in read[f"socket to ws://localhost:{scene.system.ws_port}/ws"]
    assert stored(scene.system, "written-by-a-friend")["hook_events"] >= 6
    assert f"a page without an origin {reading}" not in read
    until(lambda: connections(scene.system) >= 1, 5, "the log of the connection")
    context.close()


def test_a_foreign_name_that_leads_here_is_of_no_use_to_its_own_pages(scene: Scene) -> None:
    """What a rebinding name gives: the page and the server have one origin, in the browser's eyes."""
    context = scene.browser.new_context(bypass_csp=True)
    page = context.new_page()
    for port in (scene.system.port, scene.system.dashboard_port, scene.system.ws_port):
        answer = page.goto(f"http://evil.example:{port}/health")
        assert answer
        assert answer.status == 403
        read = (
            "async () => { const answer = await fetch('/api/sessions'); return [answer.status, await answer.text()] }"
        )
        status, text = page.evaluate(read)
        assert (status, JEWELS in text) == (403, False)
        body = json.dumps({"session_id": MARK, "hook_event_name": "Notification"})
        write = (
            "async (body) => (await fetch('/api/hooks/claude', {method: 'POST', body}).catch(() => ({}))).status ?? 0"
        )
        assert page.evaluate(write, body) in {0, 403}
    assert stored(scene.system, MARK) == {}
    context.close()


def test_a_link_elsewhere_opens_the_dashboard_which_keeps_no_tie_to_it(scene: Scene) -> None:
    context = scene.browser.new_context()
    page = context.new_page()
    page.goto(f"http://evil.example:{scene.port}/hostile.html")
    dashboard = f"http://localhost:{scene.system.dashboard_port}/"
    with context.expect_page() as opened:
        page.evaluate("(url) => { window.opened = window.open(url) }", dashboard)
    opened.value.wait_for_selector("text=Live", timeout=15_000)
    assert opened.value.evaluate("window.opener") is None
    assert page.evaluate("window.opened.closed") is True
    with context.expect_page() as led, page.expect_popup():
        page.evaluate("(url) => { window.open(url) }", f"{dashboard}api/sessions")
    led.value.wait_for_selector("text=another site may not load this")
    context.close()
