"""`dcm unhook`: remove DCM's hooks from Claude Code's settings."""

import json
import os
from pathlib import Path

import click

from dcm.cli.settings_file import change, default_path
from dcm.domain.claude_settings import unhook
from dcm.domain.errors import InvalidInput


@click.command("unhook")
@click.option("--settings", type=click.Path(path_type=Path), help="The file.  [default: ~/.claude/settings.json]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of sentences.")
def command(*, settings: Path | None, as_json: bool) -> None:
    """Remove DCM's hooks, whatever port they name, from Claude Code's settings, and nothing else.

    A copy of the file is kept beside it. CLAUDE_CONFIG_DIR is honoured.

    \b
    Examples:
      dcm unhook
      dcm unhook --settings .claude/settings.json --json
    """
    path = settings or default_path(os.environ)
    if settings and not settings.exists():
        raise InvalidInput(f"There is no {settings}: name the file that has the hooks.")
    changed, backup = change(path, unhook)
    if as_json:
        click.echo(json.dumps({"settings": str(path), "changed": changed, "backup": backup and str(backup)}))
        return
    click.echo(f"{'Hooks removed from' if changed else 'No hooks of DCM in'} {path}.")
    if backup:
        click.echo(f"The file as it was: {backup}")
