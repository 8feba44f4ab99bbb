"""What the pages on the command line, the client and the settings show works as shown."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest
from api_server import ApiServer
from bridge import serving
from command import execute

from dcm.cli.configuration import PAGE, page
from dcm.cli.main import COMMANDS
from dcm.settings import Settings

DOCS = PAGE.parent


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / document).read_text(encoding="utf-8"), re.DOTALL)


def test_the_page_of_the_settings_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m dcm.cli.configuration --write"


def test_a_default_on_the_page_is_what_one_would_write_into_the_variable() -> None:
    assert not re.search(r"\| `(|None|True|False|\(\))` \|", page())


def test_the_page_of_the_commands_names_every_command() -> None:
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if not re.search(rf"[`| ]{name}\b", text)] == []


@pytest.mark.parametrize("line", [line for block in blocks("cli.md", "sh") for line in block.splitlines()])
def test_a_command_of_the_page_works(line: str, home: Path) -> None:
    program, *arguments = line.split()
    said = execute(home, *arguments)
    assert (program, said.returncode) == ("dcm", 0), said.stderr


@pytest.mark.parametrize("number", range(len(blocks("sdk.md", "python"))))
def test_an_example_of_the_client_runs(number: int, server: ApiServer, settings: Settings) -> None:
    async def run() -> subprocess.CompletedProcess[str]:
        async with serving(settings) as bridge:
            code = blocks("sdk.md", "python")[number].replace(":3847", f":{server.port}")
            program = [sys.executable, "-c", code.replace(":3849", f":{bridge.settings.ws_port}")]
            return await asyncio.to_thread(
                subprocess.run, program, capture_output=True, text=True, check=False, timeout=60
            )

    done = asyncio.run(run())
    assert done.returncode == 0, done.stderr
