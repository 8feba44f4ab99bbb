"""`dcm import export`: what another DCM, or this one, exported."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import track

from dcm.cli import export_files, options
from dcm.client import Client
from dcm.domain import exports
from dcm.domain.errors import InvalidInput

MOST_ROWS, MOST_BYTES = 500, 1_000_000
"""Lines and bytes of one body; a single line may be larger."""

PATIENCE = 120.0
"""Seconds the server may take to store them."""

SHOWN, MOST_FAULTS = 5, 100
"""Faults told to a person and to a script."""

Numbered = tuple[int, exports.Row]


@dataclass(slots=True)
class Contents:
    """What a look through a file found."""

    lines: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    folders: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@click.command("export")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--map-project", "maps", multiple=True, metavar="OLD=NEW", help="A folder that is another here; may be repeated."
)
@options.url
@options.as_json
def export(*, file: Path, maps: Sequence[str], url: str | None, as_json: bool) -> None:
    """Bring in what `dcm export` wrote. What is known stays as it is: doing it again changes nothing.

    The whole file is looked through first: one that is damaged or cut off is refused, and nothing is stored. A line
    that the database refuses is told with its number, all others are stored, and the exit code is 1.
    An import that was interrupted is run again.

    \b
    Examples:
      dcm import export dcm-export.jsonl.gz
      dcm import export shop.jsonl --map-project /home/ada/shop=/srv/shop
    """
    folders = _folders(maps)
    contents = look(file)
    if contents.faults:
        raise InvalidInput(
            f"{file} is not whole: nothing was stored. Export again.",
            {"lines": [*contents.faults[:MOST_FAULTS]] if as_json else contents.faults[:SHOWN]},
        )
    for old in folders:
        if not any(exports.moved(path, {old: "/x"}) != path for path in contents.folders):
            raise InvalidInput(f"No project of {file} lies in {old}; those in it: {', '.join(contents.folders)}.")
    with options.connect(url, PATIENCE, administers=True) as client:
        told = _send_all(client, _shown(_rows(file), contents.lines), folders)
    _say({"lines": contents.lines, **told}, as_json=as_json)
    if told["refused"]:
        sys.exit(1)


def _folders(maps: Sequence[str]) -> dict[str, str]:
    folders = {}
    for given in maps:
        old, equals, new = given.partition("=")
        if not equals or not old.startswith("/") or not new.startswith("/"):
            raise InvalidInput(f"--map-project {given} is not OLD=NEW: give two whole paths, like /home/ada=/srv.")
        folders[old.rstrip("/") or "/"] = new.rstrip("/") or "/"
    return folders


def look(file: Path) -> Contents:
    """Look through a whole file.

    Raises:
        InvalidInput: it is no export of ours, of a later format, or cut off.
    """
    found = Contents()
    totals: object = None
    for number, line in export_files.lines(file):
        found.lines = number
        if number == 1:
            exports.check_header(_header(line))
            continue
        if totals is not None:
            found.faults.append(f"line {number} stands after the totals")
            continue
        try:
            row = exports.parse(line)
        except InvalidInput as error:
            found.faults.append(f"line {number}: {error}")
            continue
        if row.get("kind") == exports.TOTALS:
            totals = row.get("totals")
        else:
            _note(found, number, row)
    _compare(found, totals)
    return found


def _header(line: bytes) -> exports.Row:
    try:
        return exports.parse(line)
    except InvalidInput:
        return {}


def _note(found: Contents, number: int, row: exports.Row) -> None:
    if reason := exports.fault(row, datetime.now(UTC)):
        found.faults.append(f"line {number}: {reason}")
        return
    found.counts[row["kind"]] += 1
    if row["kind"] == "project":
        found.folders.append(row["path"])


def _compare(found: Contents, totals: object) -> None:
    if found.lines == 0:
        raise InvalidInput("This is not an export of DCM: it is empty.")
    if not isinstance(totals, dict):
        found.faults.append(f"it is cut off: it ends at line {found.lines} without its totals")
        return
    for kind in sorted({*totals, *found.counts}):
        if not found.faults and totals.get(kind, 0) != found.counts[kind]:
            found.faults.append(f"it has {found.counts[kind]} lines of {kind}, and by its totals {totals.get(kind, 0)}")


def _rows(file: Path) -> Iterator[Numbered | None]:
    """(line number, row) of every line, None for header and totals."""
    for number, line in export_files.lines(file):
        row = exports.parse(line)
        yield None if row["kind"] in {exports.HEADER, exports.TOTALS} else (number, row)


def _shown(rows: Iterator[Numbered | None], total: int) -> Iterator[Numbered]:
    console = Console(stderr=True)
    for row in track(rows, "Importing", total, console=console, disable=not console.is_terminal):
        if row:
            yield row


def _send_all(client: Client, rows: Iterator[Numbered], folders: dict[str, str]) -> dict[str, Any]:
    counts: Counter[str] = Counter(stored=0, known=0)
    refused: list[dict[str, Any]] = []
    projects: dict[str, str] = {}

    def send(batch: list[Numbered]) -> None:
        answer = client.import_rows([exports.renamed(row, folders, projects) for _, row in batch])
        counts.update(stored=answer["stored"], known=answer["known"])
        refused.extend({"line": batch[one["row"]][0], "reason": one["reason"]} for one in answer["refused"])
        projects.update(answer["projects"])

    _batched(rows, send)
    return {**counts, "refused": refused}


def _batched(rows: Iterator[Numbered], send: Callable[[list[Numbered]], None]) -> None:
    """Send rows together, projects by themselves first: others are sent with the ids they have here."""
    batch: list[Numbered] = []
    size, months = 0, set[str]()
    for number, row in rows:
        length, month = len(json.dumps(row)), exports.months([row])
        parted = bool(batch) and batch[-1][1]["kind"] == "project" != row["kind"]
        full = len(batch) == MOST_ROWS or size + length > MOST_BYTES or len(months | month) > exports.MOST_MONTHS
        if batch and (parted or full):
            send(batch)
            batch, size, months = [], 0, set()
        batch.append((number, row))
        size += length
        months |= month
    if batch:
        send(batch)


def _say(told: dict[str, Any], *, as_json: bool) -> None:
    refused = told["refused"]
    if as_json:
        options.show_json({**told, "refused": refused[:MOST_FAULTS]})
        return
    click.echo(f"{told['lines']} lines: {told['stored']} rows are new, {told['known']} were known.")
    for one in refused[:SHOWN]:
        click.echo(f"Left out: line {one['line']}: {one['reason']}.", err=True)
    if (more := len(refused) - SHOWN) > 0:
        click.echo(f"Left out: {more} more; `--json` names {MOST_FAULTS}.", err=True)
