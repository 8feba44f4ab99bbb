"""What the commands have in common: the server they speak to, and answers for scripts."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from dcm import token_file
from dcm.cli import texts, up
from dcm.client import Client
from dcm.client.transport import TIMEOUT
from dcm.domain.errors import SettingsError
from dcm.launcher import server_url
from dcm.settings import Settings, load

url = click.option(
    "--url", envvar="CONTEXT_MANAGER_URL", help="The server.  [default: DCM_SERVER_URL, or HOST and PORT of this DCM]"
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of sentences.")


def settings() -> Settings:
    """The settings of this DCM, its .env included."""
    up.read_dotenv(up.ROOT / ".env")
    return load()


def database_advice(settings: Settings) -> str:
    """What to do about a database that refuses."""
    if settings.embedded_postgres:
        return "See `dcm logs postgres`."
    return "Correct or unset DCM_DATABASE_URL (or the DB_* variables)."


def connect(given: str | None, timeout: float = TIMEOUT) -> Client:
    """A client of the server that was named, or of this DCM; `timeout` in seconds of a call."""
    return Client(address := server(given), token=token(address), timeout=timeout)


def token(address: str) -> str | None:
    """What is shown to a server: DCM_TOKEN, or the token file to this DCM alone."""
    try:
        known = settings()
    except SettingsError:
        return None
    ports = (known.port, known.dashboard_port, known.ws_port)
    ours = {known.server.rstrip("/"), *(server_url(replace(known, port=port)) for port in ports)}
    return known.token or (token_file.own(known) if address.rstrip("/") in ours else None) or None


def server(given: str | None) -> str:
    """The server that was named, or the one this machine reports to, or this DCM's."""
    return given or (known := settings()).server or server_url(known)


def folder(path: str) -> str:
    """The folder that a person names, as a session says its own: absolute, without `..`, `~` and links."""
    return str(Path(path).expanduser().resolve())


def count(number: int, noun: str) -> str:
    """A number and its noun: `1 session`, `2 sessions`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def show_json(value: Any) -> None:
    """Print a value for a script."""
    click.echo(texts.as_json(value, indent=2))
