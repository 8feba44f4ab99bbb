"""`dcm token`: who may call this DCM from other machines, and administer it."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import click
from rich.console import Console
from rich.table import Table

from dcm.cli import options, texts
from dcm.domain.access import Scope
from dcm.domain.instants import instant

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Expiry(click.ParamType[str]):
    """A time to come: ISO 8601, or in how long."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The time as the API takes it: UTC, with Z."""
        try:
            if within := re.fullmatch(r"(\d{1,5})([mhdw])", str(value).strip().lower()):
                return instant(datetime.now(UTC) + timedelta(**{UNITS[within[2]]: int(within[1])}))
            return instant(datetime.fromisoformat(str(value)).astimezone())
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time: give one like 2027-11-21, or 90d.", param, ctx)


@click.group("token")
def command() -> None:
    """Say who may call this DCM from other machines, and administer it.

    \b
    Examples:
      dcm token create laptop
      dcm token list
      dcm token revoke laptop
    """


@command.command()
@click.argument("name")
@click.option("--person", is_flag=True, help="It is a person's: it may read and write, unless --scope says otherwise.")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(get_args(Scope)), help="What it may. Repeatable.")
@click.option("--expires", type=Expiry(), help="Until when it is good: a time, or in how long, like 90d.")
@options.url
@options.as_json
def create(
    *, name: str, person: bool, scopes: Sequence[str], expires: str | None, url: str | None, as_json: bool
) -> None:
    """Make a token, and print it this once. A machine's may report what happens there, and nothing else.

    Set it there as DCM_TOKEN: the hooks and `dcm` send it.

    \b
    Examples:
      dcm token create laptop
      dcm token create ada --person --expires 90d
      dcm token create backup --scope admin --json
    """
    kind = "person" if person else "machine"
    with options.connect(url, administers=True) as client:
        made = client.create_access_token(name, kind=kind, scopes=scopes or None, expires_at=expires)
    if as_json:
        options.show_json(made)
        return
    click.echo(f"{name} may {', '.join(made['scopes'])}. The token is shown this once:", err=True)
    click.echo(made["token"])


@command.command("list")
@options.url
@options.as_json
def list_tokens(*, url: str | None, as_json: bool) -> None:
    """List the tokens, newest first; the revoked ones too.

    \b
    Examples:
      dcm token list
      dcm token list --json
    """
    with options.connect(url, administers=True) as client:
        found = client.list_access_tokens()
    if as_json:
        options.show_json(found)
        return
    table = Table("name", "kind", "scopes", "made", "last used", "good", box=None, pad_edge=False)
    for each in found["tokens"]:
        day, used = texts.one_line(each["created_at"])[:10], (each["last_used_at"] or "never")[:16].replace("T", " ")
        table.add_row(texts.one_line(each["name"]), each["kind"], " ".join(each["scopes"]), day, used, _state(each))
    Console(highlight=False).print(table if found["count"] else "There are no tokens.")


@command.command()
@click.argument("name", metavar="NAME|ID")
@options.url
@options.as_json
def revoke(*, name: str, url: str | None, as_json: bool) -> None:
    """Revoke a token: within five seconds it is good no more.

    \b
    Examples:
      dcm token revoke laptop
      dcm token revoke 6f8a4f0e-5d0c-4c9d-9f0b-2a6d3c1e7b44 --json
    """
    with options.connect(url, administers=True) as client:
        revoked = client.revoke_access_token(name)
    if as_json:
        options.show_json(revoked)
    else:
        click.echo(f"The token {texts.one_line(revoked['name'])} is revoked.")


def _state(token: Any) -> str:
    """Whether a token is good, and until when."""
    if token["revoked_at"]:
        return f"revoked {token['revoked_at'][:10]}"
    if not token["expires_at"]:
        return "until it is revoked"
    over = datetime.fromisoformat(token["expires_at"]) <= datetime.now(UTC)
    return f"{'expired' if over else 'until'} {token['expires_at'][:10]}"
