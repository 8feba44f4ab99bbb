"""What the documents show is what the code does."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dcm.domain.briefs import brief
from dcm.domain.snapshots import AgentState, Asked, Command, FileChange, OpenError, Snapshot

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def at(hour: int, minute: int) -> datetime:
    return datetime(2026, 11, 21, hour, minute, tzinfo=UTC)


def test_the_brief_in_the_readme_is_one_that_dcm_makes() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [shown] = re.findall(r"```text\n(# Where this session stood.*?)\n```", readme, re.DOTALL)
    snapshot = Snapshot(
        session_id="s",
        trigger="manual",
        saved_at=at(12, 4),
        folder="/home/ada/shop",
        branch="main",
        asked=[Asked("Build a shop. Prices are in cents, never use floats.", at(12, 0), 1)],
        changed=[FileChange("src/shop.py", 2, "edited", at(12, 3))],
        commands=[Command("python3 -m compileall -q src", 1, "", at(12, 3))],
        open_errors=[
            OpenError(
                "python3 -c 'import shopkeeper'",
                "ModuleNotFoundError: No module named 'shopkeeper'",
                at(12, 3),
            )
        ],
        agents=[AgentState("a", "general-purpose", "completed", "Count the lines", "src/shop.py has two lines.")],
        tool_calls=11,
    )
    assert brief(snapshot) == shown


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_the_commands_of_the_readme_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"\bmake ([a-z0-9]+)", readme):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"make {target}"
    for command in re.findall(r"\bdcm ([a-z]+)\b", " ".join(re.findall(r"`[^`]+`|```sh.*?```", readme, re.DOTALL))):
        from dcm.cli.main import COMMANDS

        assert command in COMMANDS, f"dcm {command}"
