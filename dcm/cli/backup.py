"""`dcm backup`: the whole database as one file, from which `dcm restore` makes it again."""

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import redis
from rich.console import Console
from rich.status import Status

from db import backups as database_rules
from dcm import accepted, backups
from dcm.broker import redis_client
from dcm.cli import database, lifecycle, options
from dcm.cli import postgres_programs as programs
from dcm.domain.errors import DcmError, StartError
from dcm.embedded import valkey
from dcm.embedded.places import make_home, places, private_folder
from dcm.settings import Settings

DRAIN_SECONDS = 30.0
"""How long a backup waits for what was accepted before it."""

ELSEWHERE_SECONDS = 5.0
"""The same where workers may run elsewhere: in another container, as a unit, or not at all."""

PRIVATE = 0o600

NICE = 10
"""How far a nightly backup steps behind the rest."""


@click.command("backup")
@click.option("--output", metavar="DIR", type=click.Path(path_type=Path), help="Where to.  [default: DCM_HOME/backups]")
@click.option(
    "--keep",
    type=click.IntRange(1, 3650),
    metavar="DAYS",
    help="Remove older ones there.  [default: DCM_BACKUP_KEEP; none with --output]",
)
@click.option("--nightly", is_flag=True, hidden=True)
@options.as_json
def command(*, output: Path | None, keep: int | None, nightly: bool, as_json: bool) -> None:
    """Write the whole database to a file that `dcm restore` reads. DCM may run; only you may read the file.

    The clock does this every night. Older backups than DCM_BACKUP_KEEP days are removed, never the newest; in a
    folder you name nothing is removed unless you say --keep, and what another DCM put there never is.

    \b
    Examples:
      dcm backup
      dcm backup --output /mnt/disk/dcm --keep 30
    """
    settings = options.settings()
    if nightly:
        os.nice(NICE)
    folder = (output or settings.backups).expanduser().absolute()
    try:
        told = make(settings, folder)
    except (DcmError, OSError) as error:
        if not output and folder.exists():
            mark = backups.mark(settings.home, folder)
            backups.note_failure(folder, str(error).rstrip("."), datetime.now(UTC), mark)
        raise
    mark = backups.mark(settings.home, folder)
    if not output:
        backups.forget_failure(folder, mark)
    days = keep or (0 if output else settings.backup_keep)
    removed = backups.remove_old(folder, days, datetime.now(UTC), mark) if days else []
    _say({**told, "removed": [str(path) for path in removed]}, as_json=as_json)


def make(settings: Settings, folder: Path) -> dict[str, Any]:
    """Make a backup in a folder: its file, its bytes, its seconds, and how many accepted events it lacks.

    Raises:
        StartError: none can be made; the message says why.
    """
    if settings.embedded_postgres and not places(settings.home).postgres_data.exists():
        raise StartError(f"There is nothing to back up: {settings.home} has no database.")
    make_home(settings.home)
    private_folder(folder) if folder == settings.backups else folder.mkdir(parents=True, exist_ok=True)
    with database.alone(settings, "backup"), database.server(settings) as url, database.said(settings):
        backups.make_mark(settings.home)
        mark = backups.mark(settings.home, folder)
        for draft in backups.drafts(folder, mark):
            draft.unlink(missing_ok=True)
        waiting = _drained(settings)
        began, path = time.monotonic(), _free(folder, mark)
        _dump(url, path)
    return {
        "file": str(path),
        "bytes": path.stat().st_size,
        "seconds": round(time.monotonic() - began, 1),
        "waiting": waiting,
    }


def _free(folder: Path, mark: str) -> Path:
    """A file for a backup of now; of two in one second the later has the name of the next."""
    at = datetime.now(UTC)
    while (path := folder / backups.name(at, mark)).exists():
        at += timedelta(seconds=1)
    return path


def _drained(settings: Settings) -> int | None:
    """Wait until what was accepted before now is stored; how many events are not, None when Valkey does not tell."""
    try:
        with _broker(settings) as client:
            return accepted.settle(client, settings, _patience(settings))
    except (redis.RedisError, OSError):
        return None


def _patience(settings: Settings) -> float:
    """Seconds to wait for workers: of a Valkey of its own DCM knows whether any run, of another's it cannot."""
    if lifecycle.kept_lines(settings):
        return DRAIN_SECONDS
    return 0.0 if settings.embedded_valkey else ELSEWHERE_SECONDS


@contextlib.contextmanager
def _broker(settings: Settings) -> Iterator[redis.Redis]:
    """Valkey; the embedded one is started for a look when it does not run."""
    with contextlib.ExitStack() as stack:
        if settings.embedded_valkey and not lifecycle.kept_lines(settings) and not valkey.answers(settings.home):
            stack.enter_context(valkey.running(settings.home, settings.valkey_fsync))
        yield stack.enter_context(redis_client(settings))


def _dump(url: str, path: Path) -> None:
    """Let pg_dump write a draft, see that it can be read, and give it its name."""
    draft = path.with_name(f".{path.name}.part")
    dump = programs.dump(database_rules.major(url))
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))
    try:
        argv = [dump, "--format=custom", "--compress=3", "--lock-wait-timeout=60s", "--file", str(draft)]
        process = subprocess.Popen(argv, env=programs.environment(url), stderr=subprocess.PIPE, text=True)
        said = _watched(process, draft)
        if process.returncode:
            raise StartError(f"The backup could not be made: {programs.reason(said)}.")
        if "TABLE DATA public projects" not in programs.listed(draft):
            raise StartError("The backup holds no tables of DCM: nothing was kept.")
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)


def _watched(process: "subprocess.Popen[str]", draft: Path) -> str:
    """Show how much is written until the end; what it said. It ends when we do."""
    console = Console(stderr=True)
    try:
        with Status("Backing up", console=console) if console.is_terminal else contextlib.nullcontext() as status:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return process.communicate(timeout=0.5)[1]
                if status:
                    status.update(f"Backing up: {megabytes(draft.stat().st_size)}")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def megabytes(size: int) -> str:
    """A size as a person reads it."""
    return f"{size / 1_000_000:.1f} MB"


def _say(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        options.show_json(told)
    else:
        click.echo(f"Backed up to {told['file']}: {megabytes(told['bytes'])} in {told['seconds']} s.")
        for path in told["removed"]:
            click.echo(f"  removed {path}")
    if told["waiting"] is None:
        click.echo("Valkey does not answer: events that wait there are not in the backup.", err=True)
    elif told["waiting"]:
        click.echo(f"{told['waiting']} events were accepted and are not stored yet: they are not in it.", err=True)
