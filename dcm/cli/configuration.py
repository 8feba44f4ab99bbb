"""Writes docs/configuration.md from the settings: `python -m dcm.cli.configuration --write`."""

import sys
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from dcm.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"

DEFAULTS = {
    "home": "`~/.dcm`",
    "database_url": "embedded",
    "redis_url": "embedded",
    "claude_home": "`~/.claude`",
    "backup_folder": "`DCM_HOME/backups`",
    "token_file": "`DCM_HOME/server-token`",  # nosec B105 # where it is
    "production": "",
}
"""What is taken where a field's own value does not tell it; empty: nothing."""

HEAD = """\
# Configuration

Everything has a default, empty where nothing is set. Set what you need in the environment or in `.env` beside the
Procfile, which wins.
This page is made from the settings themselves: `python -m dcm.cli.configuration --write`.

| variable | default | what it does |
|---|---|---|
"""

TAIL = """
A Postgres of your own can also be named piece by piece: `DB_HOST` (localhost), `DB_PORT` (5432), `DB_NAME`
(claude_context), `DB_USER` and `DB_PASSWORD`, which are both needed then. `DCM_DATABASE_URL` wins over them.

Switches take 1 or 0, also yes, true, on and no, false, off; anything else is refused.

`CONTEXT_MANAGER_URL` names the server for the hooks and for `dcm`, in place of this DCM's own.
`CLAUDE_CONFIG_DIR` is where Claude Code keeps its settings and transcripts (default `~/.claude`).
"""


def page() -> str:
    """The text of the page."""
    return HEAD + "".join(_row(item) for item in fields(Settings) if item.metadata["env"]) + TAIL


def _row(item: Field[Any]) -> str:
    return f"| `{item.metadata['env']}` | {_default(item)} | {item.metadata['doc']} |\n"


def _default(item: Field[Any]) -> str:
    """A default as one would write it into a variable; empty where nothing is set."""
    if item.name in DEFAULTS:
        return DEFAULTS[item.name]
    if isinstance(item.default, bool):
        return f"`{item.default:d}`"
    return "" if item.default in (MISSING, None, "", ()) else f"`{item.default}`"


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
