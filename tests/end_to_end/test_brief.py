"""What the brief says of a session of the real client: what holds, and nothing else."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from briefs_seen import brief_in, section
from claude import Claude
from scripted_model import Call, Say, Scenario, ScriptedModel
from system import DCM, System

pytestmark = pytest.mark.e2e

SECRET = "sk-ant-" + "api03-" + "Zq7Lk2Vb9Xw4Tn8Rd1Mf6Yh3" * 3 + "-abcdefAA"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One DCM for the module, with embedded stores."""
    running = System(tmp_path_factory.mktemp("dcm"), DCM, "up").wait_up()
    yield running
    running.stop()


def changing_session(work: Path) -> Scenario:
    """A check that fails and is mended, one that stays broken, a subagent, and a decision that is taken back."""
    commit = "git -c user.name=Ada -c user.email=ada@example.org commit -q --allow-empty -m begin"
    case = "import unittest\n\n\nclass T(unittest.TestCase):\n    def test_it(self):\n        pass\n"
    check = "python3 -m unittest tests.test_store"
    return Scenario(
        main=[
            Call("Bash", {"command": f"git init -q . && {commit}", "description": "prepare"}),
            Call("Write", {"file_path": str(work / "src" / "store.py"), "content": "KEY = None\n"}),
            Call("Bash", {"command": check, "description": "check the store"}),
            Call("Write", {"file_path": str(work / "tests" / "test_store.py"), "content": case}),
            Call("Bash", {"command": check, "description": "check the store"}),
            Call("Agent", {"description": "Count the lines", "prompt": "COUNTER count the lines of src/store.py",
                           "subagent_type": "general-purpose"}),
            Call("Bash", {"command": "python3 -c 'import shopkeeper'", "description": "try the import"}),
            Say("The store stands. Next: the till."),
            Say("SQLite it is."),
            Say("Going on."),
        ],
        subagents={"COUNTER": [Call("Bash", {"command": "wc -l src/store.py"}), Say("src/store.py has one line.")]},
        summary="Summary: a store is being built.",
    )  # fmt: skip


def test_the_brief_says_what_holds_and_nothing_of_what_was_taken_back_or_is_anothers(
    system: System, reporting: Callable[..., Claude], model: ScriptedModel
) -> None:
    claude = reporting(system.port)
    model.play(changing_session(claude.work))
    first = f"Build a store. Use Postgres for the data. Never print prices. The key is {SECRET}"
    said = claude.prompt(first)
    claude.prompt("No, use SQLite instead of Postgres.", resume=said.session_id)

    sibling = reporting(system.port, "sibling")
    subprocess.run(["git", "-C", claude.work, "worktree", "add", "-q", "-b", "paint", sibling.work], check=True)
    colours = Call("Write", {"file_path": str(sibling.work / "colours.py"), "content": "GREEN = 1\n"})
    model.play(Scenario(main=[colours, Say("It is green.")]))
    sibling.prompt("Paint the till green. Never use blue.")

    model.play(changing_session(claude.work))
    claude.compact(said.session_id)
    before = len(model.requests)
    claude.prompt("Go on.", resume=said.session_id)
    brief = brief_in(model.requests[before:])
    still_open, solved = (section(brief, head) for head in ("Errors still open", "Errors solved"))
    settled = section(brief, "Required, forbidden, decided") + section(brief, "What the user asked")
    assert "use SQLite instead of Postgres" in settled
    assert "Use Postgres for the data" not in brief
    assert "Never print prices" in settled
    assert "No module named 'shopkeeper'" in still_open
    assert "test_store" not in still_open
    assert "tests.test_store" in solved
    assert "src/store.py has one line." in section(brief, "Subagents")
    assert SECRET not in brief
    assert "[redacted:" in brief
    for theirs in ("colours.py", "Paint the till", "Never use blue", "It is green"):
        assert theirs not in brief
