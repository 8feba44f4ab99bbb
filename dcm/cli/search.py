"""`dcm search`: what is remembered of some words."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from dcm.cli import options, texts
from dcm.client import Absent, Client
from dcm.domain.errors import InvalidInput
from dcm.domain.instants import instant

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Moment(click.ParamType[str]):
    """A time: ISO 8601, or how long ago."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The time as the API takes it: UTC, with Z."""
        if ago := re.fullmatch(r"(\d{1,5})([mhdw])", str(value).strip().lower()):
            at = datetime.now(UTC) - timedelta(**{UNITS[ago[2]]: int(ago[1])})
        else:
            try:
                at = datetime.fromisoformat(str(value)).astimezone()
            except ValueError:
                self.fail(f"{value!r} is no time: give one like 2026-11-21, 2026-11-21T12:00 or 24h.", param, ctx)
        return instant(at)


@click.command()
@click.argument("query")
@click.option("--project", help="Only of this project: its path, like `.`.")
@click.option("--session", "session_id", help="Only of this session.")
@click.option("--since", type=Moment(), help="Not before: a time, or how long ago, like 24h or 7d.")
@click.option("--until", type=Moment(), help="Not after: a time, or how long ago.")
@click.option("--limit", type=click.IntRange(1, 100), help="At most so many.")
@options.url
@options.as_json
def command(
    *,
    query: str,
    project: str | None,
    session_id: str | None,
    since: str | None,
    until: str | None,
    limit: int | None,
    url: str | None,
    as_json: bool,
) -> None:
    """Search prompts, answers, tool calls and snapshots.

    \b
    Examples:
      dcm search "prices in cents"
      dcm search pytest --project "$PWD" --since 7d
      dcm search login --limit 5 --json
    """
    if since and until and since > until:
        raise InvalidInput(f"--since ({since}) is after --until ({until}): nothing lies between them.")
    project = project and options.folder(project)
    with options.connect(url) as client:
        answer = client.search(query, project=project, session_id=session_id, since=since, until=until, limit=limit)
        results = answer.get("results", [])
        if not results:
            _note_unknown(client, project, session_id)
    if as_json:
        options.show_json(answer)
        return
    console = Console(highlight=False)
    for result in results:
        console.print(_line(result), soft_wrap=True)
    if not results:
        click.echo(f"Nothing is remembered of {query!r}.")


def _note_unknown(client: Client, project: str | None, session_id: str | None) -> None:
    """Say on stderr that what was searched in is not known: a name may be mistyped."""
    asked: list[tuple[str | None, str, Callable[[str], object]]] = [
        (project, "project", client.get_project_by_path), (session_id, "session", client.get_session),
    ]  # fmt: skip
    for name, kind, get in asked:
        try:
            if name:
                get(name)
        except Absent:
            click.echo(f"dcm: no {kind} {name} is known.", err=True)


def _line(result: dict[str, Any]) -> str:
    """One result: when, what kind, of which session, and its words."""
    at = texts.one_line(str(result.get("at") or result.get("created_at") or "")[:16].replace("T", " "))
    words = texts.one_line(str(result.get("snippet") or result.get("text") or ""))
    kind, session = texts.one_line(str(result.get("kind", ""))), texts.one_line(str(result.get("session_id") or "")[:8])
    return f"[dim]{escape(at)}[/] [cyan]{escape(kind)}[/] [dim]{escape(session)}[/] {escape(words)}"
