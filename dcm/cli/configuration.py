"""Writes docs/configuration.md from the settings: `python -m dcm.cli.configuration --write`."""

import sys
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from dcm.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"

DEFAULTS = {
    "redact_file": "",
    "token_file": "`DCM_HOME/server-token`",
    "relay_insecure": "`0`",
    "home": "`~/.dcm`",
    "database_url": "embedded",
    "redis_url": "embedded",
    "ws_auth_secret": "",  # nosec B105 # a default that the page shows as empty
    "token": "",  # nosec B105 # the same
    "production": "",
    "allowed_origins": "",
    "callback_private": "`0`",
    "claude_home": "`~/.claude`",
    "autostart": "`1`",
}
"""What is taken where a field has no value of its own."""

HEAD = """\
# Configuration

Everything has a default. Set what you need in the environment or in `.env` beside the Procfile, which wins.
This page is made from the settings themselves: `python -m dcm.cli.configuration --write`.

| variable | default | what it does |
|---|---|---|
"""

TAIL = """
A Postgres of your own can also be named piece by piece: `DB_HOST` (localhost), `DB_PORT` (5432), `DB_NAME`
(claude_context), `DB_USER` and `DB_PASSWORD`, which are both needed then. `DCM_DATABASE_URL` wins over them.

`CONTEXT_MANAGER_URL` names the server for the hooks and for `dcm`, in place of this DCM's own.
`CLAUDE_CONFIG_DIR` is where Claude Code keeps its settings and transcripts (default `~/.claude`).
"""


def page() -> str:
    """The text of the page."""
    return HEAD + "".join(_row(item) for item in fields(Settings) if item.metadata["env"]) + TAIL


def _row(item: Field[Any]) -> str:
    default = DEFAULTS.get(item.name, "" if item.default is MISSING else f"`{item.default}`")
    return f"| `{item.metadata['env']}` | {default} | {item.metadata['doc']} |\n"


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
