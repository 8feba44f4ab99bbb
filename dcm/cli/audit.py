"""`dcm audit`: who did what to what."""

import json

import click
from rich.console import Console
from rich.markup import escape

from dcm.cli import options, texts
from dcm.client.shapes.access import Act


@click.command()
@click.option("--act", help="Only acts whose name begins so, like token or project.deleted.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many.")
@click.option("--before", type=click.IntRange(1), help="Only acts before the one of this id.")
@options.url
@options.as_json
def command(*, act: str | None, limit: int, before: int | None, url: str | None, as_json: bool) -> None:
    """Print administrative acts and deletions, newest first.

    \b
    Examples:
      dcm audit
      dcm audit --act token
      dcm audit --limit 1000 --json
    """
    with options.connect(url, administers=True) as client:
        found = client.get_audit(act=act, before=before, limit=limit)
    if as_json:
        options.show_json(found)
        return
    console = Console(highlight=False)
    for each in found["acts"]:
        console.print(_line(each), soft_wrap=True)
    if not found["acts"]:
        click.echo(_none(act, before))


def _none(act: str | None, before: int | None) -> str:
    """That there is no act, and of what asked for."""
    if not act:
        return f"There is no act before {before}." if before else "Nothing was done yet."
    older = f" before {before}" if before else ""
    return f"There is no act{older} whose name begins with {texts.one_line(act)}: `dcm audit` prints all."


def _line(act: Act) -> str:
    """One act: its id, when, what to what, who from where, and what else is known of it."""
    more = texts.one_line(json.dumps(act["details"], ensure_ascii=False)) if act["details"] else ""
    what, who = texts.one_line(f"{act['act']} {act['subject']}"), texts.one_line(f"{act['who']} ({act['address']})")
    at = act["at"][:19].replace("T", " ")
    return f"[dim]{act['id']} {at}[/] [cyan]{escape(what)}[/] {escape(who)} [dim]{escape(more)}[/]".rstrip()
