"""`dcm export`: what is remembered, as a file of JSON Lines."""

import contextlib
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import click
from rich.console import Console
from rich.status import Status

from dcm.cli import export_files, options, texts
from dcm.client.calls.call import get
from dcm.client.errors import ClientError
from dcm.domain import exports
from dcm.domain.errors import InvalidInput

SHOWN_EVERY = 1000
"""Lines between two words on how far it is."""

PATIENCE = 120.0
"""Seconds the server may take for the next piece."""


@click.command("export")
@click.option("--project", metavar="PATH", help="Only this project: its path, like `.`.")
@click.option("--session", metavar="ID", help="Only this session.")
@click.option(
    "--output", metavar="FILE", help="Where to; `-`: stdout; `.gz`: packed.  [default: dcm-export-TIME.jsonl.gz]"
)
@options.url
@options.as_json
def command(*, project: str | None, session: str | None, output: str | None, url: str | None, as_json: bool) -> None:
    """Write what is remembered to a file of JSON Lines, without secrets; `dcm import export` reads it.

    Without --project and --session all of it. Only you may read the file.

    \b
    Examples:
      dcm export
      dcm export --project . --output shop.jsonl.gz
      dcm export --session 24afd06f-b8a7-4565-9205-6c61acff5f1c --output - | head -1
    """
    if project and session:
        raise InvalidInput("--project and --session are both given: give one of them.")
    folder = project and options.folder(project)
    path = None if output == "-" else Path(output or f"dcm-export-{datetime.now().astimezone():%Y%m%d-%H%M%S}.jsonl.gz")
    call = get("/api/export", project=folder, session=session)
    with options.connect(url, PATIENCE) as client, client.stream(call) as pieces, _place(path) as file:
        told = _write(export_files.split(pieces), file)
    _say(told, path, as_json=as_json)


@contextlib.contextmanager
def _place(path: Path | None) -> Iterator[BinaryIO]:
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with export_files.written(path) as file:
        yield file


def _write(lines: Iterator[bytes], file: BinaryIO) -> dict[str, Any]:
    """Write all lines; what header and totals say.

    Raises:
        ClientError: it does not end with totals.
    """
    first, line, count = b"", b"", 0
    console = Console(stderr=True)
    with Status("Exporting", console=console) if console.is_terminal else contextlib.nullcontext() as status:
        for count, line in enumerate(lines, 1):
            first = first or line
            file.write(line)
            if status and count % SHOWN_EVERY == 0:
                status.update(f"Exporting: {count} lines")
    try:
        head, last = exports.parse(first), exports.parse(line)
    except InvalidInput:
        head, last = {}, {}
    if last.get("kind") != exports.TOTALS:
        raise ClientError(f"The export was cut off after line {count}: see `dcm logs api`, and export again.")
    return {"lines": count, "waiting": head.get("waiting", 0), "totals": last["totals"]}


def _say(told: dict[str, Any], path: Path | None, *, as_json: bool) -> None:
    """On stderr where stdout is the export."""
    size = path.stat().st_size if path else None
    if as_json:
        found = {"file": str(path.absolute()) if path else None, "bytes": size, **told}
        click.echo(texts.as_json(found, indent=2), err=path is None)
    else:
        rows = ", ".join(f"{count} {kind}" for kind, count in told["totals"].items() if count)
        where = f" in {path} ({size} bytes)" if path else ""
        click.echo(f"Exported {told['lines']} lines{where}: {rows or 'nothing is remembered'}.", err=path is None)
    if told["waiting"]:
        click.echo(f"{told['waiting']} events were accepted and are not stored yet: they are not in it.", err=True)
