"""The main job, whole: the real client works, compacts, and still knows what it was doing."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from briefs_seen import BRIEF, brief_in
from browser import chromium
from claude import Claude, wait_until
from playwright.sync_api import Page
from scripted_model import Call, Say, Scenario, ScriptedModel
from system import DCM, System

from db.pool import connect
from dcm.embedded.places import places

pytestmark = pytest.mark.e2e

WINDOW = {"CLAUDE_CODE_AUTO_COMPACT_WINDOW": "100000"}
FULL = 120_000
"""Input tokens of an answer that makes a client with that window compact."""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One DCM for the module, with embedded stores."""
    running = System(tmp_path_factory.mktemp("dcm"), DCM, "up").wait_up()
    yield running
    running.stop()


@pytest.fixture
def page() -> Iterator[Page]:
    """A tab of Debian's browser."""
    with chromium() as browser:
        yield browser.new_page(viewport={"width": 1440, "height": 900})


def long_session(work: Path) -> Scenario:
    """Twelve tool calls: writes, edits, reads, a command that fails, a subagent with calls of its own."""
    shop = str(work / "src" / "shop.py")
    return Scenario(
        main=[
            Call("Bash", {"command": "git init -q . && mkdir -p src", "description": "prepare"}),
            Call("Write", {"file_path": shop, "content": "def total(prices):\n    return sum(prices)\n"}),
            Call("Write", {"file_path": str(work / "README.md"), "content": "# Shop\n"}),
            Call("Read", {"file_path": shop}),
            Call("Edit", {"file_path": shop, "old_string": "sum(prices)", "new_string": "sum(prices) // 100"}),
            Call("Bash", {"command": "python3 -m compileall -q src", "description": "compile"}),
            Call("Bash", {"command": "python3 -c 'import shopkeeper'", "description": "try the import"}),
            Call("Agent", {"description": "Count the lines", "prompt": "COUNTER count the lines of src/shop.py",
                           "subagent_type": "general-purpose"}),
            Call("Glob", {"pattern": "src/*.py"}),
            Call("Bash", {"command": "ls src", "description": "list"}),
            Say("The total is in cents. Next: the import of shopkeeper."),
            Say("Going on."),
        ],
        subagents={"COUNTER": [Call("Bash", {"command": "wc -l src/shop.py"}), Say("src/shop.py has two lines.")]},
        summary="Summary: a shop is being built.",
    )  # fmt: skip


def test_after_a_compaction_the_agent_still_knows_what_it_was_doing(
    system: System, reporting: Callable[..., Claude], model: ScriptedModel, page: Page, tmp_path: Path
) -> None:
    claude = reporting(system.port)
    model.play(long_session(claude.work))
    page.goto(f"http://127.0.0.1:{system.port}/")
    page.get_by_text("Live", exact=False).first.wait_for()

    said = claude.prompt("Build a shop. Prices are in cents, never use floats.")
    page.get_by_text("Build a shop.", exact=False).first.wait_for(timeout=3000)
    page.get_by_text("try the import", exact=False).first.wait_for(timeout=3000)
    page.screenshot(path=str(tmp_path / "dashboard.png"))

    claude.compact(said.session_id)
    before = len(model.requests)
    claude.prompt("Go on.", resume=said.session_id)
    brief = brief_in(model.requests[before:])
    for fact in (
        "Build a shop. Prices are in cents, never use floats.",
        "src/shop.py",
        "README.md",
        "python3 -c 'import shopkeeper'",
        "ModuleNotFoundError: No module named 'shopkeeper'",
        "src/shop.py has two lines.",
        "Next: the import of shopkeeper.",
    ):
        assert fact in brief, fact
    assert "compileall -q src` → ok" in brief
    assert "Worth keeping in the" in compaction_request(model)

    wait_until(lambda: len(actions(system, said.session_id)) >= 11)
    rows = actions(system, said.session_id)
    assert len(rows) == 11
    assert [row["summary"] for row in rows if not row["success"]] == ["try the import"]
    assert {row["tool_name"] for row in rows} == {"Bash", "Write", "Read", "Edit", "Glob", "general-purpose"}


def test_the_dashboard_shows_a_tool_call_within_a_second(system: System, page: Page) -> None:
    page.goto(f"http://127.0.0.1:{system.port}/")
    page.get_by_text("Live", exact=True).first.wait_for()
    call = {"hook_event_name": "PostToolUse", "session_id": "watched", "tool_use_id": "toolu_watched"}
    call |= {"tool_name": "Bash", "tool_input": {"command": "echo seen"}, "tool_response": {}}
    request = urllib.request.Request(
        f"http://127.0.0.1:{system.port}/api/hooks/claude", json.dumps(call).encode(), method="POST"
    )
    urllib.request.urlopen(request, timeout=5).close()
    page.get_by_text("echo seen").first.wait_for(timeout=1000)


def compaction_request(model: ScriptedModel) -> str:
    """What the summariser was told."""
    return next(request.text for request in model.requests if request.is_compaction)


def actions(system: System, session_id: str) -> list[dict[str, object]]:
    """The recorded tool calls of a session."""
    found: list[dict[str, object]] = system.get(f"/api/actions?session_id={session_id}&limit=1000")["actions"]
    return found


def test_a_subagent_that_compacts_never_gets_the_brief_of_the_main_conversation(
    system: System, reporting: Callable[..., Claude], model: ScriptedModel
) -> None:
    claude = reporting(system.port, "subagent", environ=WINDOW)
    model.play(
        Scenario(
            main=[
                Call("Bash", {"command": "echo main work", "description": "work"}),
                Call("Agent", {"description": "Dig", "prompt": "DIGGER dig", "subagent_type": "general-purpose"}),
                Say("The digger is done."),
            ],
            subagents={"DIGGER": [Call("Bash", {"command": "echo one"}), Call("Bash", {"command": "echo two"}, FULL)]},
        )
    )
    said = claude.prompt("Send a digger.")
    assert any(request.is_compaction and request.conversation == "DIGGER" for request in model.requests)
    assert not any(BRIEF in request.text for request in model.requests)
    assert subjects(system, said.session_id) == ["subagent"]
    assert snapshots(system, said.session_id) == 0


def subjects(system: System, session_id: str) -> list[str]:
    """Whose the compactions of a session were, once all are settled."""
    query = "SELECT subject FROM briefs WHERE session_id = %s AND settled_at IS NOT NULL ORDER BY made_for"
    wait_until(lambda: bool(column(system, query, session_id)))
    return column(system, query, session_id)


def snapshots(system: System, session_id: str) -> int:
    """How many snapshots of the main conversation are kept."""
    return len(column(system, "SELECT agent_id FROM agent_contexts WHERE session_id = %s", session_id))


def column(system: System, query: str, session_id: str) -> list[str]:
    """The first column of what a query about a session gives."""
    with connect(places(system.home).postgres_url, "test") as conn:
        return [row[0] for row in conn.execute(query.encode(), [session_id]).fetchall()]


def test_a_main_conversation_that_compacts_beside_a_background_subagent_gets_its_brief_with_its_next_tool_call(
    system: System, reporting: Callable[..., Claude], model: ScriptedModel
) -> None:
    claude = reporting(system.port, "background", environ=WINDOW)
    model.play(
        Scenario(
            main=[
                Call("Bash", {"command": "echo first", "description": "first"}),
                Call("Agent", {"description": "Wait", "prompt": "WAITER wait", "subagent_type": "general-purpose",
                               "run_in_background": True}),
                Call("Bash", {"command": "echo full", "description": "fill the window"}, FULL),
                Call("Bash", {"command": "echo after", "description": "after the compaction"}, after=1.0),
                Call("Bash", {"command": "echo later", "description": "later"}, after=1.0),
                Say("Done beside the waiter."),
            ],
            subagents={"WAITER": [Call("Bash", {"command": "echo waiting"}), Say("Waited.", after=6.0)]},
        )
    )  # fmt: skip
    said = claude.prompt("Work beside a waiter; remember the word xylophone.")
    assert any(request.is_compaction and request.conversation == "main" for request in model.requests)
    assert "xylophone" in brief_in([request for request in model.requests if request.conversation == "main"])
    assert not any(BRIEF in request.text for request in model.turns("WAITER"))
    assert subjects(system, said.session_id) == ["main"]
    assert snapshots(system, said.session_id) == 1


def test_a_main_conversation_that_fills_its_window_gets_its_brief_at_once(
    system: System, reporting: Callable[..., Claude], model: ScriptedModel
) -> None:
    claude = reporting(system.port, "filled", environ=WINDOW)
    model.play(
        Scenario(
            main=[
                Call("Bash", {"command": "echo first", "description": "first"}),
                Call("Bash", {"command": "echo full", "description": "fill the window"}, FULL),
                Call("Bash", {"command": "echo after", "description": "after the compaction"}),
                Say("Done."),
            ],
        )
    )
    said = claude.prompt("Fill the window; remember the word marimba.")
    compacted = next(number for number, request in enumerate(model.requests) if request.is_compaction)
    after = [request.text for request in model.requests[compacted + 1 :] if request.conversation == "main"]
    assert "marimba" in after[0][after[0].index(BRIEF) :]
    assert not any("newest brief there is" in text for text in after)
    starts = "SELECT payload ->> 'source' FROM hook_events WHERE session_id = %s AND event = 'SessionStart' ORDER BY 1"
    assert column(system, starts, said.session_id) == ["compact", "startup"]
    assert subjects(system, said.session_id) == ["main"]


def test_a_session_is_unharmed_when_the_server_is_stopped_in_the_middle(
    tmp_path: Path, reporting: Callable[..., Claude], model: ScriptedModel
) -> None:
    running = System(tmp_path / "dcm-home", DCM, "up").wait_up()
    claude = reporting(running.port, "stopped")
    model.play(
        Scenario(main=[Call("Bash", {"command": f"echo {n}"}, after=0.2) for n in range(8)] + [Say("Unharmed.")])
    )
    with claude.screen() as screen:
        screen.wait_for("\u276f")
        screen.say("count")
        wait_until(lambda: len(model.turns("main")) >= 4)
        running.process.kill()
        screen.wait_for("Unharmed.", 30)
        assert "hook error" not in screen.drawn()
    running.stop()
