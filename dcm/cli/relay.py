"""`dcm relay`: run what takes this machine's hooks for a DCM on another."""

import os
import sys
from pathlib import Path

import click

from dcm import ports, token_file
from dcm.cli import up
from dcm.embedded.places import make_home
from dcm.launcher import write_launcher
from dcm.relay.running import LOOPBACK, server_of
from dcm.settings import Settings, load


@click.command("relay")
@click.option("--server", metavar="URL", help="The server.  [default: DCM_SERVER_URL]")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    help=f"File with the token; DCM_TOKEN goes before it.  [default: DCM_TOKEN_FILE, DCM_HOME/{token_file.OF_SERVER}]",
)
@click.option("--spool-mb", type=click.IntRange(1, 100_000), help="Megabytes kept while it is away.  [default: 64]")
@click.option("--insecure", is_flag=True, help="Speak plain HTTP to the open network too.")
def command(*, server: str | None, token_file: Path | None, spool_mb: int | None, insecure: bool) -> None:
    """Take this machine's hooks for a DCM on another, in the foreground; Ctrl-C stops it.

    It listens where DCM would, so the hooks stay as they are. What happens while the server is away is kept in
    DCM_HOME/relay and sent later, with its time. `dcm status` says what waits.

    \b
    Examples:
      dcm relay --server https://dcm.example.org:3847
      dcm relay --server http://10.0.0.5:3847 --token-file ~/laptop.token
      DCM_SERVER_URL=https://dcm.example.org:3847 dcm install    and sessions start it by themselves
    """
    up.read_dotenv(up.ROOT / ".env")
    given = {
        "DCM_SERVER_URL": server,
        "DCM_TOKEN_FILE": token_file and str(token_file.absolute()),
        "DCM_RELAY_SPOOL_MB": spool_mb and str(spool_mb),
        "DCM_RELAY_INSECURE": "1" if insecure else None,
    }
    os.environ.update({name: value for name, value in given.items() if value})
    become(load())


def become(settings: Settings) -> None:
    """Let the relay take the place of this process: it needs little, and nothing of the command line.

    Raises:
        DcmError: it could not start.
    """
    server = server_of(settings)
    make_home(settings.home)
    up.require_stopped(settings)
    ports.require_free(LOOPBACK, settings.port, "PORT", "the relay")
    write_launcher(settings)
    up.claim(settings)
    click.echo(f"This machine reports to {server}: the relay takes hooks at {LOOPBACK}:{settings.port}.")
    os.environ["DCM_PORT"] = str(settings.port)
    os.chdir(up.ROOT)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "dcm.relay"])  # noqa: S606  # nosec B606 # Ctrl-C is the relay's
