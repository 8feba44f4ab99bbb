"""`dcm up`: look whether everything can start, say so, and hand over to honcho."""

import os
import sys
from pathlib import Path

import click

from dcm import dotenv, lease, ports, token_file
from dcm.autostart import log_path
from dcm.cli.hints import callable_here
from dcm.domain import access
from dcm.domain.errors import StartError
from dcm.embedded.disk import require_room
from dcm.embedded.places import make_home, places
from dcm.launcher import write_launcher
from dcm.redaction import own_patterns
from dcm.settings import Settings, load

HOW_OTHERS_CALL = "other machines call with an access token: `dcm token create NAME` makes one"
"""What is said where servers listen beyond loopback."""

ROOT = Path(__file__).parents[2]
"""The clone: it holds the Procfile and, if the person made one, .env."""


@click.command()
@click.option("-c", "--concurrency", metavar="LINE=N,...", help="How many of a line to run: -c worker=3.")
def command(concurrency: str | None) -> None:
    """Run everything in the foreground; Ctrl-C stops it.

    Where DCM_SERVER_URL names a DCM on another machine that is the relay: see `dcm relay --help`.

    \b
    Examples:
      dcm up
      dcm up -c worker=3
      DCM_HOME=/srv/second PORT=4847 DASHBOARD_PORT=4848 WS_PORT=4849 dcm up
    """
    if not (ROOT / "Procfile").exists():
        raise StartError("There is no Procfile beside the installed package: run `dcm up` from a clone of DCM.")
    read_dotenv(ROOT / ".env")
    settings = load()
    if settings.server:
        from dcm.cli import relay  # noqa: PLC0415 - it stands on this module

        relay.become(settings)
    own_patterns(settings)
    token_file.digest(settings)
    make_home(settings.home)
    require_stopped(settings)
    require_ports(settings)
    require_room(settings.home, 20, "DCM")
    write_launcher(settings)
    claim(settings)
    describe(settings)
    os.environ.update(PORT=str(settings.port), DCM_PORT=str(settings.port))
    os.chdir(ROOT)
    scale = ["-c", concurrency] if concurrency else []
    sys.stdout.flush()
    honcho = [sys.executable, "-m", "dcm.procfile", str(log_path(settings)), "start", *scale]
    os.execv(sys.executable, honcho)  # nosec B606 # noqa: S606 - honcho gets Ctrl-C


def read_dotenv(path: Path) -> None:
    """Take the variables of .env as honcho does: they win over the environment."""
    os.environ.update(dotenv.read(path))


def require_stopped(settings: Settings) -> None:
    """Refuse a second start of the same DCM_HOME.

    Raises:
        StartError: one of its lines is being kept.
    """
    if any(lease.held(lock) for lock in places(settings.home).run.glob("*.keeper")):
        raise StartError(already_runs(settings))


def pid_file(settings: Settings) -> Path:
    """Names the process that runs this DCM_HOME, and is locked by it as long as it lives."""
    return places(settings.home).run / "dcm.pid"


def claim(settings: Settings) -> None:
    """Take the lock by which `dcm stop` knows that it is us; honcho, who takes our place, goes on holding it.

    Raises:
        StartError: another one holds it.
    """
    if (descriptor := lease.take(pid_file(settings))) is None:
        raise StartError(already_runs(settings))
    lease.write_pid(descriptor, os.getpid())
    os.set_inheritable(descriptor, True)


def already_runs(settings: Settings) -> str:
    """The sentence for a DCM_HOME that is in use."""
    return f"DCM already runs in {settings.home}: stop it first, or give this one a DCM_HOME and ports of its own."


def require_ports(settings: Settings) -> None:
    """Look at all three ports, so that a person changes them once.

    Raises:
        StartError: one sentence for each port that cannot be used.
    """
    wanted = (
        (settings.port, "PORT", "the API"),
        (settings.dashboard_port, "DASHBOARD_PORT", "the dashboard"),
        (settings.ws_port, "WS_PORT", "the WebSocket bridge"),
    )
    problems = []
    for port, variable, purpose in wanted:
        try:
            ports.require_free(settings.host, port, variable, purpose)
        except StartError as error:
            problems.append(str(error))
    if problems:
        raise StartError("\n     ".join(dict.fromkeys(problems)))


def describe(settings: Settings) -> None:
    """Say what is about to start, and with whose stores."""
    shown, where = settings.masked(), places(settings.home)
    postgres = f"embedded, data in {where.postgres_data}" if settings.embedded_postgres else shown["database_url"]
    valkey = f"embedded, data in {where.valkey_data}" if settings.embedded_valkey else shown["redis_url"]
    click.echo(f"DCM_HOME  {settings.home}\nPostgres  {postgres}\nValkey    {valkey}\nLogs      {where.logs}")
    if access.is_open(settings.host):
        click.echo(callable_here(f"Tokens    {HOW_OTHERS_CALL}"))
