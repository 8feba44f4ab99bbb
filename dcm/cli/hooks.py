"""`dcm hooks`: add DCM's hooks to Claude Code's settings."""

import importlib.resources
import json
import os
from pathlib import Path

import click

from dcm.cli import up
from dcm.cli.settings_file import change, default_path
from dcm.domain.claude_settings import endpoint, hook, our_hooks, unhook
from dcm.launcher import launcher_path, server_url
from dcm.settings import load


@click.command("hooks")
@click.option("--url", envvar="CONTEXT_MANAGER_URL", help="The server.  [default: HOST and PORT of this DCM]")
@click.option("--settings", type=click.Path(path_type=Path), help="The file.  [default: ~/.claude/settings.json]")
@click.option("--force", is_flag=True, help="Put them in anew, after everybody else's, even if they are there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of sentences.")
def command(*, url: str | None, settings: Path | None, force: bool, as_json: bool) -> None:
    """Add DCM's hooks to Claude Code's settings, for people who do not use the plugin.

    Everything else in the file stays as it is; a copy of the file is kept beside it. Doing it again
    changes nothing, or only the address. CLAUDE_CONFIG_DIR is honoured.

    \b
    Examples:
      dcm hooks
      dcm hooks --url http://127.0.0.1:4000
      dcm hooks --settings .claude/settings.json --json     one project only
      dcm hooks --force
    """
    up.read_dotenv(up.ROOT / ".env")
    configured = load()
    plugin = json.loads((importlib.resources.files("hooks") / "hooks.json").read_text(encoding="utf-8"))["hooks"]
    server, launcher = url or server_url(configured), launcher_path(configured.home)
    path = settings or default_path(os.environ)
    ours = our_hooks(plugin, server, str(launcher))
    changed, backup = change(path, lambda before: hook(unhook(before) if force else before, ours))
    if as_json:
        report = {"settings": str(path), "changed": changed, "backup": backup and str(backup)}
        click.echo(json.dumps({**report, "url": endpoint(server), "events": list(ours)}))
        return
    click.echo(f"{'Hooks added to' if changed else 'Hooks are already in'} {path}; they report to {endpoint(server)}.")
    if backup:
        click.echo(f"The file as it was: {backup}")
    if not launcher.exists():
        click.echo(f"{launcher} is missing, so most of them are silent: run `dcm install` or `dcm up`.")
