"""`dcm prune` and `dcm retention`: what is kept no longer goes, and how long that is."""

import time
from collections.abc import Iterator
from typing import Any

import click
from click.core import ParameterSource

from dcm.cli import options
from dcm.client import Client
from dcm.client.shapes.system import Pruning
from dcm.domain.errors import DcmError, Unavailable

LOOK_EVERY, PATIENCE, SILENCE = 0.2, 60.0, 3600.0
"""Seconds between two looks at a pruning, and how long one that does not begin, or tells nothing, is waited for."""


@click.command()
@click.option("--older-than", type=click.IntRange(1, 36_500), metavar="DAYS", help="Not by the settings: all older.")
@click.option("--project", metavar="PATH", help="Only what belongs to this project.")
@click.option("--dry-run", is_flag=True, help="Delete nothing, say what would go.")
@options.url
@options.as_json
def prune(*, older_than: int | None, project: str | None, dry_run: bool, url: str | None, as_json: bool) -> None:
    """Delete what is kept no longer, and give its space back to the disk. DCM goes on working.

    Without options it does what DCM does by itself once a day. Projects with days of their own keep to them,
    but for one that --project names with --older-than.

    \b
    Examples:
      dcm prune --dry-run
      dcm prune --older-than 30
      dcm prune --project ~/shop --older-than 7 --json
    """
    with options.connect(url, administers=True) as client:
        asked = client.start_pruning(
            older_than_days=older_than, project=options.folder(project) if project else None, dry_run=dry_run or None
        )
        for found in _steps(client, asked["id"]):
            if not as_json and not found["ended_at"]:
                click.echo(f"{found['stage']} ...", err=True)
    if found["problem"]:
        raise DcmError(f"The pruning failed: {found['problem']}")
    if as_json:
        options.show_json(found)
        return
    for line in _lines(found):
        click.echo(line)


@click.group(invoke_without_command=True)
@options.url
@options.as_json
@click.pass_context
def retention(ctx: click.Context, *, url: str | None, as_json: bool) -> None:
    """Print how long things are kept, or set it for a project.

    \b
    Examples:
      dcm retention
      dcm retention set ~/shop --days 365
      dcm retention unset ~/shop
    """
    if ctx.invoked_subcommand:
        return
    with options.connect(url, administers=True) as client:
        found = client.get_retention()
    if as_json:
        options.show_json(found)
        return
    for kind, days in found["days"].items():
        click.echo(f"{kind}: {_days(days)}")
    for project in found["projects"]:
        click.echo(f"all of {project['path']}: {_days(project['days'])}")


@retention.command("set")
@click.argument("project", metavar="PROJECT")
@click.option("--days", type=click.IntRange(0, 36_500), required=True, help="Days, 0 for ever.")
@options.url
@options.as_json
def set_days(*, project: str, days: int, url: str | None, as_json: bool) -> None:
    """Keep all that belongs to a project so many days, whatever the settings say.

    \b
    Example:
      dcm retention set ~/shop --days 365
    """
    _set(project, days, url, as_json=as_json)


@retention.command("unset")
@click.argument("project", metavar="PROJECT")
@options.url
@options.as_json
def unset_days(*, project: str, url: str | None, as_json: bool) -> None:
    """Keep what belongs to a project as long as the settings say.

    \b
    Example:
      dcm retention unset ~/shop
    """
    _set(project, None, url, as_json=as_json)


def _set(project: str, days: int | None, url: str | None, *, as_json: bool) -> None:
    """Set it; the options of `dcm retention` hold where `set` or `unset` have none of their own."""
    ctx = click.get_current_context()
    before: dict[str, Any] = ctx.parent.params if ctx.parent else {}
    if ctx.get_parameter_source("url") is not ParameterSource.COMMANDLINE:
        url = before["url"]
    with options.connect(url, administers=True) as client:
        found = client.set_retention(options.folder(project), days)
    if as_json or before["as_json"]:
        options.show_json(found)
    else:
        click.echo(f"{found['path']}: {_days(days)}")


def _steps(client: Client, pruning_id: str) -> Iterator[Pruning]:
    """The pruning at each of its stages, the last time when it is over.

    Raises:
        Unavailable: nobody begins it, or nobody goes on with it.
    """
    stage, seen, deadline = "", None, time.monotonic() + PATIENCE
    while True:
        found = client.get_pruning(pruning_id)
        if found["stage"] != stage:
            stage = found["stage"]
            yield found
        if found["ended_at"]:
            return
        if found["began_at"] and found != seen:
            seen, deadline = found, time.monotonic() + SILENCE
        if time.monotonic() > deadline:
            raise Unavailable(_why_nothing_is_told(found))
        time.sleep(LOOK_EVERY)


def _why_nothing_is_told(found: Pruning) -> str:
    if found["began_at"]:
        return f"The pruning is at {found['stage']} and told nothing for an hour. See `dcm logs worker`, or ask again."
    return "No worker takes up the pruning: it stays queued, and is done when one does. See `dcm logs worker`."


def _lines(found: Pruning) -> Iterator[str]:
    would = "would go" if found["dry_run"] else "went"
    if not found["rows"]:
        yield "Nothing is older than it is kept."
        return
    for table, rows in found["rows"].items():
        yield f"{table}: {rows:,} rows {would}"
    yield f"{found['bytes'] / 2**20:,.1f} MB {'would come back' if found['dry_run'] else 'came back'}."


def _days(days: int | None) -> str:
    if days is None:
        return "as the settings say"
    return options.count(days, "day") if days else "for ever"
