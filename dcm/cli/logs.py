"""`dcm logs`: what the processes said."""

import contextlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import click

from dcm import lease
from dcm.autostart import background_lock
from dcm.cli import options, texts
from dcm.domain.errors import InvalidInput
from dcm.embedded.places import Places, places
from dcm.settings import Settings

LINES = {
    "api": "api",
    "dashboard": "api",
    "ws": "wsbridge",
    "worker": "worker",
    "ingest": "ingest",
    "clock": "clock",
    "postgres": "postgres",
    "valkey": "valkey",
}
"""What a person calls a part: its line of the Procfile. The API serves the dashboard."""

STORES = ("postgres", "valkey")
"""They write logs of their own."""

PAUSE = 0.2
"""Seconds between two looks at a log that is followed."""


@click.command()
@click.argument("part", required=False, metavar="[PART]", type=click.Choice(list(LINES)))
@click.option("-f", "--follow", is_flag=True, help="Go on printing what is added.")
@click.option("-n", "--lines", "count", default=100, show_default=True, type=click.IntRange(0), help="The newest.")
def command(*, part: str | None, follow: bool, count: int) -> None:
    """Print what DCM said since `dcm start`, or one part of it: api, ws, worker, ingest, clock, postgres, valkey;
    the dashboard is served by the api.

    A DCM that runs in a terminal (`dcm up`) says it there; its stores write their logs all the same.

    \b
    Examples:
      dcm logs
      dcm logs ingest -n 20
      dcm logs api -f
    """
    path, wanted = log_of(places(options.settings().home), part)
    if not path.exists():
        raise InvalidInput(f"There is no {path}: only `dcm start` writes it, `dcm up` speaks in its terminal.")
    with path.open(encoding="utf-8", errors="replace") as log:
        kept = [line for line in log if wanted.search(line)]
        for line in kept[-count:] if count else []:
            click.echo(texts.shown(line), nl=False)
        for line in _added(log, path) if follow else ():
            if wanted.search(line):
                click.echo(texts.shown(line), nl=False)


def advice(settings: Settings, part: str) -> str:
    """Where a person finds what a part of the DCM that runs here says."""
    in_background = part in STORES or lease.held(background_lock(settings))
    return f"See `dcm logs {part}`." if in_background else "See the terminal or the journal in which it runs."


def log_of(where: Places, part: str | None) -> tuple[Path, re.Pattern[str]]:
    """The file that has what a part said, and what its lines look like in it."""
    if part in STORES:
        return where.logs / f"{part}.log", re.compile("")
    return where.logs / "dcm.log", re.compile(rf"^\S+ {LINES[part]}\.\d+ *\|" if part else "")


def _added(log: TextIO, path: Path) -> Iterator[str]:
    """Lines as they are written, also to the file that takes the place of one that was set aside."""
    rest = ""
    while True:
        replaced = _is_replaced(log, path)
        read = log.readline()
        rest += read
        if rest.endswith("\n"):
            yield rest
            rest = ""
        elif replaced and not read:
            log.close()
            log = path.open(encoding="utf-8", errors="replace")
        elif not read:
            time.sleep(PAUSE)


def _is_replaced(log: TextIO, path: Path) -> bool:
    """Whether another file has taken the place of the one that is read."""
    with contextlib.suppress(FileNotFoundError):
        return not os.path.samestat(os.fstat(log.fileno()), path.stat())
    return False
