"""`dcm restore`: a backup in the place of the database. It is made beside the old one, and takes its name last."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.status import Status

from db import backups, migrate
from dcm import lease
from dcm.cli import database, lifecycle, options, up
from dcm.cli import postgres_programs as programs
from dcm.domain.errors import InvalidInput, StartError
from dcm.embedded.places import make_home
from dcm.settings import Settings


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@options.yes
@click.option("--drop-old", is_flag=True, help="Delete the database it takes the place of at once.")
@options.as_json
def command(*, file: Path, yes: bool, drop_old: bool, as_json: bool) -> None:
    """Put a backup in the place of the database. Asks for the word yes.

    It is restored beside the database, while DCM runs on; then DCM is stopped for a moment, the names are exchanged,
    and DCM is started again if it ran, in the background: `make up` in a terminal ends. Whatever fails before that
    leaves everything as it was. The old database is kept until the next restore, or deleted with --drop-old. Tokens
    and credentials that were revoked stay so.

    \b
    Examples:
      dcm restore ~/.dcm/backups/dcm-20261121-020000.dump
      dcm restore dcm-20261121-020000.dump --yes --drop-old
    """
    settings, file = options.settings(), file.absolute()
    if "TABLE DATA public projects" not in programs.listed(file):
        raise InvalidInput(f"{file} is not a backup of DCM.")
    if (lines := lifecycle.kept_lines(settings)) and lifecycle.running_pid(settings) is None:
        raise StartError(f"{', '.join(lines)} run, but were not started by `dcm`: stop them where they were started.")
    going = f"All that DCM remembers in {programs.shown(settings)} will be as it was in the backup."
    options.confirm(going, "restored", yes=yes)
    make_home(settings.home)
    with database.alone(settings, "restore"):
        applied = _restore_beside(settings, file)
        restarted, kept, knew = _take_its_place(settings, file, drop_old=drop_old)
    told = {"file": str(file), "applied": applied, "restarted": restarted, "kept": kept, "carried": knew}
    _say(settings, told, as_json=as_json)


def _restore_beside(settings: Settings, file: Path) -> list[str]:
    """Restore into a database beside, and bring it to this version's schema: which migrations that took."""
    with database.server(settings) as url, database.said(settings):
        backups.make_beside(url)
        try:
            beside = backups.beside(url)
            _load(beside, backups.major(url), file)
            applied = migrate.migrate(beside)
            backups.analyze(beside)
        except BaseException:
            backups.drop_beside(url)
            raise
    return applied


def _load(url: str, major: int, file: Path) -> None:
    environ = programs.environment(url)
    argv = [programs.restore(major, file), "--no-owner", "--no-privileges", "--exit-on-error"]
    console = Console(stderr=True)
    with Status(f"Restoring {file.name}", console=console) if console.is_terminal else contextlib.nullcontext():
        done = subprocess.run(
            [*argv, "--dbname", environ["PGDATABASE"], str(file)],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise StartError(f"{file} cannot be restored: {programs.reason(done.stderr)}. Nothing was changed.")


def _take_its_place(settings: Settings, file: Path, *, drop_old: bool) -> tuple[bool, str | None, bool]:
    """Exchange the databases while nothing of DCM runs.

    Gives whether it was started again, what the old one is called, and whether it told what was revoked.

    Raises:
        StartError: somebody else uses the old one; everything is as it was.
    """
    ran = lifecycle.end(settings)
    try:
        with _held(settings), database.server(settings) as url, database.said(settings):
            if others := backups.others(url):
                backups.drop_beside(url)
                uses = options.count(others, "process")
                raise StartError(f"{uses} of DCM still use the database: stop them first. Nothing was changed.")
            told = backups.carry(url, backups.beside(url), str(file))
            existed = backups.exchange(url)
            if drop_old:
                backups.drop_before(url)
    finally:
        if ran:
            lifecycle.bring_up(settings)
    return ran, backups.before(settings.database_url) if existed and not drop_old else None, told is not None


@contextlib.contextmanager
def _held(settings: Settings) -> Iterator[None]:
    """Nobody starts this DCM in this block."""
    if (descriptor := lease.take(up.pid_file(settings))) is None:
        raise StartError(up.already_runs(settings))
    lease.write_pid(descriptor, os.getpid())
    try:
        yield
    finally:
        os.close(descriptor)


def _say(settings: Settings, told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        options.show_json(told)
        return
    click.echo(f"{programs.shown(settings).capitalize()} is as it was in {told['file']}.")
    for name in told["applied"]:
        click.echo(f"  applied {name}")
    if told["kept"]:
        click.echo(f"The database before it is kept as {told['kept']} until the next restore.")
    if told["restarted"]:
        click.echo("DCM was stopped for it, and is up again, in the background: `dcm stop` ends it.")
    if not told["carried"]:
        click.echo(
            "Tokens and credentials that were revoked since the backup are good again: look at `dcm token list`."
        )
