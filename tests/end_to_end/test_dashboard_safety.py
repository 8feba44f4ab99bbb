"""The dashboard in a real browser: it works under its content policy, and shows what is stored as text."""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from browser import chromium
from playwright.sync_api import ConsoleMessage, Page
from system import DCM, System, until

pytestmark = pytest.mark.e2e

WATCH = """
window.violations = [];
const note = (event) => violations.push(`${event.violatedDirective} ${event.blockedURI}`)
addEventListener('securitypolicyviolation', note);
"""
RUN = "window.ran = (window.ran || 0) + 1"
EVIL = (
    f"<script>{RUN}</script>",
    f"<img src=x onerror='{RUN}'>",
    f"<svg onload='{RUN}'>",
    f"javascript:{RUN}",
    f"[x](javascript:{RUN})",
    '"><iframe srcdoc="<script>parent.ran=1</script>">',
    "\x1b]0;title\x07\x1b[2J\x1b[31m",
    "\u202egnp.exe",
)


@dataclass
class Watched:
    """A tab, and what its console said of the policy."""

    page: Page
    said: list[str] = field(default_factory=list)

    def note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.said.append(message.text)

    def violations(self) -> list[str]:
        """What the policy stopped."""
        found = self.page.evaluate("window.violations")
        assert isinstance(found, list)
        return [*found, *(text for text in self.said if "Content Security Policy" in text)]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One DCM for the module, with a session that tells evil things of itself."""
    running = System(tmp_path_factory.mktemp("dcm"), DCM, "up")
    try:
        running.wait_up()
        for number, text in enumerate(EVIL):
            tell(running, number, text)
        until(lambda: running.get("/api/intake")["waiting"] == 0, 15, "the events' being stored")
        yield running
    finally:
        running.stop()


def tell(system: System, number: int, text: str) -> None:
    """What a session tells that has the text wherever it can have one."""
    place = {"session_id": f"s{number}{text}", "cwd": f"/w/{text}", "prompt_id": f"p{number}"}
    tool = {"tool_name": text, "tool_use_id": f"t{number}", "tool_input": {"command": text, "file_path": text}}
    for event in (
        {"hook_event_name": "SessionStart", "source": "startup", "model": text},
        {"hook_event_name": "UserPromptSubmit", "prompt": text},
        {"hook_event_name": "SubagentStart", "agent_id": f"a{number}", "agent_type": text},
        {"hook_event_name": "PostToolUse", "tool_response": {"stdout": text}, **tool},
        {"hook_event_name": "PostToolUseFailure", "error": text, **tool, "tool_use_id": f"f{number}"},
        {"hook_event_name": "Notification", "message": text},
    ):
        body = json.dumps(place | event).encode()
        asked = urllib.request.Request(f"http://127.0.0.1:{system.port}/api/hooks/claude", body)
        urllib.request.urlopen(asked, timeout=5).close()


@pytest.fixture
def watched() -> Iterator[Watched]:
    """A tab that counts what its policy stops."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.add_init_script(WATCH)
        found = Watched(page)
        page.on("console", found.note)
        yield found


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_the_dashboard_works_under_its_policy(system: System, watched: Watched, name: str) -> None:
    page = watched.page
    for port in (system.dashboard_port, system.port):
        page.goto(f"http://{name}:{port}/")
        page.wait_for_selector("text=Live", timeout=15_000)
        page.wait_for_selector(".recharts-surface", timeout=15_000)
        page.mouse.move(700, 450)
        for each in page.get_by_role("button").all():
            each.hover(trial=True, force=True)
    assert watched.violations() == []
    page.goto(f"http://{name}:{system.port}/docs")
    page.get_by_text("/api/sessions", exact=False).first.wait_for(timeout=15_000)
    assert watched.violations() == []


def test_the_policy_stops_what_does_not_belong_to_the_dashboard(system: System, watched: Watched) -> None:
    page = watched.page
    page.goto(f"http://localhost:{system.dashboard_port}/")
    page.wait_for_selector("text=Live", timeout=15_000)
    page.evaluate("""() => {
        const script = document.createElement('script'); script.textContent = 'window.ran = 1'
        document.body.append(script)
        document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="window.ran = 1">')
        document.body.append(Object.assign(document.createElement('iframe'), {src: 'http://127.0.0.1:9/'}))
        fetch('http://127.0.0.1:9/').catch(() => {})
    }""")
    until(lambda: len({text.split()[0] for text in page.evaluate("violations")}) >= 4, 10, "the policy's work")
    assert page.evaluate("window.ran") is None


def test_what_is_stored_is_shown_as_text(system: System, watched: Watched) -> None:
    page = watched.page
    page.goto(f"http://localhost:{system.dashboard_port}/")
    page.wait_for_selector("text=Live", timeout=15_000)
    tell(system, 100, EVIL[0])
    tell(system, 101, EVIL[1])
    page.wait_for_selector("text=<script>window.ran", timeout=15_000)
    shown = page.inner_text("body")
    assert EVIL[1] in shown
    assert page.evaluate("window.ran") is None
    assert page.locator("img[src=x], iframe, a[href^='javascript:'], body script:not([src])").count() == 0
    assert watched.violations() == []
