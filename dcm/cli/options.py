"""What the commands have in common: the server they speak to, and answers for scripts."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from dcm import token_file
from dcm.cli import texts, up
from dcm.client import Client
from dcm.client.transport import TIMEOUT
from dcm.domain import access
from dcm.domain.errors import InvalidInput, SettingsError
from dcm.launcher import server_url
from dcm.settings import Settings, load

url = click.option(
    "--url", envvar="CONTEXT_MANAGER_URL", help="The server.  [default: DCM_SERVER_URL, or HOST and PORT of this DCM]"
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of sentences.")
yes = click.option("--yes", is_flag=True, help="Do not ask.")


def settings() -> Settings:
    """The settings of this DCM, its .env included."""
    up.read_dotenv(up.ROOT / ".env")
    return load()


def database_advice(settings: Settings) -> str:
    """What to do about a database that refuses."""
    if settings.embedded_postgres:
        return "See `dcm logs postgres`."
    return "Correct or unset DCM_DATABASE_URL (or the DB_* variables)."


def connect(given: str | None, timeout: float = TIMEOUT, *, administers: bool = False) -> Client:
    """A client of the server that was named, or of this DCM; `timeout` in seconds of a call."""
    return Client(address := server(given), token=token(address, administers=administers), timeout=timeout)


def token(address: str, *, administers: bool = False) -> str | None:
    """What is shown to a server: DCM_TOKEN; this DCM is shown the token file first, where it asks for one.

    On loopback that is for what administers alone. The server this machine reports to has a file of its own.
    """
    try:
        known = settings()
    except SettingsError:
        return None
    address = address.rstrip("/")
    if address == known.server.rstrip("/"):
        return token_file.for_server(known) or None
    ports = (known.port, known.dashboard_port, known.ws_port)
    port = next((port for port in ports if address == server_url(replace(known, port=port))), None)
    if port is None or not (administers or access.is_open(urlsplit(address).hostname or "")):
        return known.token or None
    return token_file.own(known, port) or None


def server(given: str | None) -> str:
    """The server that was named, or the one this machine reports to, or this DCM's."""
    return given or (known := settings()).server or server_url(known)


def folder(path: str) -> str:
    """The folder that a person names, as a session says its own: absolute, without `..`, `~` and links."""
    return str(Path(path).expanduser().resolve())


def confirm(sentence: str, done: str, *, yes: bool) -> None:
    """Say what will happen and ask for the word yes, unless it was said; `done` is what then does not happen.

    Raises:
        InvalidInput: the answer was another, or there was none.
    """
    if yes:
        return
    click.echo(sentence, err=True)
    try:
        answer = click.prompt("Type yes to go on", default="no", show_default=False, err=True)
    except click.Abort:
        raise InvalidInput(f"Nothing was {done}: nobody answered. `--yes` does not ask.") from None
    if answer != "yes":
        raise InvalidInput(f"Nothing was {done}: the answer was not yes.")


def count(number: int, noun: str) -> str:
    """A number and its noun: `1 session`, `2 sessions`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def show_json(value: Any) -> None:
    """Print a value for a script."""
    click.echo(texts.as_json(value, indent=2))
