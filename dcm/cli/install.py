"""`dcm install`: leave the hook launcher under DCM_HOME."""

import json

import click

from dcm.cli import up
from dcm.launcher import server_url, write_launcher
from dcm.settings import load


@click.command("install")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a sentence.")
def command(*, as_json: bool) -> None:
    """Leave the hook launcher under DCM_HOME, so that the Claude Code plugin finds this copy of DCM.

    `dcm up` does the same at each start. On a machine that reports to a DCM on another, this and `dcm hooks` are all it
    needs: a session that starts, starts the relay.

    \b
    Examples:
      dcm install
      PORT=4000 dcm install           the hooks will report to port 4000
      DCM_HOME=/srv/dcm dcm install
      DCM_SERVER_URL=https://dcm.example.org:3847 dcm install && dcm hooks
    """
    up.read_dotenv(up.ROOT / ".env")
    settings = load()
    path = write_launcher(settings)
    if as_json:
        click.echo(json.dumps({"launcher": str(path), "url": server_url(settings)}))
    else:
        click.echo(f"Launcher written: {path} (reports to {server_url(settings)}).")
