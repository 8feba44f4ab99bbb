"""`dcm db:setup`, `dcm db:reset`: the database, made or made anew."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import click

from db import backups, migrate
from dcm import lease
from dcm.cli import lifecycle, options
from dcm.domain.errors import DcmError, StartError
from dcm.embedded import postgres
from dcm.embedded.places import places
from dcm.settings import Settings


@click.command("db:setup")
@options.as_json
def setup(*, as_json: bool) -> None:
    """Make the database if there is none, and bring it to the schema of this version. Doing it again changes nothing.

    An embedded Postgres that does not run is started for as long as this takes.

    \b
    Examples:
      dcm db:setup
      DCM_DATABASE_URL=postgresql://ada@localhost/dcm dcm db:setup
    """
    settings = options.settings()
    with server(settings) as url, said(settings):
        made, applied = migrate.create_database(url), migrate.migrate(url)
    _tell(settings, {"created": made, "applied": applied}, as_json=as_json)


@click.command("db:reset")
@options.yes
@options.as_json
def reset(*, yes: bool, as_json: bool) -> None:
    """Delete the database with all it remembers, and make it anew. DCM must be stopped. Asks for the word yes.

    \b
    Examples:
      dcm db:reset
      dcm db:reset --yes --json
    """
    settings = options.settings()
    if lifecycle.kept_lines(settings):
        raise StartError(f"DCM runs in {settings.home}: stop it first, with `dcm stop`.")
    options.confirm(f"All that DCM remembers in {_shown(settings)} will be deleted.", "deleted", yes=yes)
    with server(settings) as url, said(settings):
        migrate.drop_database(url)
        migrate.create_database(url)
        applied = migrate.migrate(url)
        backups.note_reset(url)
    _tell(settings, {"created": True, "applied": applied}, as_json=as_json)


@contextlib.contextmanager
def server(settings: Settings) -> Iterator[str]:
    """The URL of a Postgres that answers; the embedded one is started when it does not run."""
    if not settings.embedded_postgres or lifecycle.kept_lines(settings) or postgres.answers(settings.home):
        yield settings.database_url
        return
    with postgres.running(settings.home) as url:
        yield url


def lock(settings: Settings, verb: str) -> Path:
    """The lock of who does this to the database: `backup` or `restore`."""
    return places(settings.home).run / f"{verb}.lock"


@contextlib.contextmanager
def alone(settings: Settings, verb: str) -> Iterator[None]:
    """One at a time does this to the database.

    Raises:
        StartError: another is at work.
    """
    if (descriptor := lease.take(lock(settings, verb))) is None:
        raise StartError(f"A {verb} is being made: try again when it is done.")
    try:
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def said(settings: Settings) -> Iterator[None]:
    """What the database refuses, as a sentence: only db knows the driver."""
    try:
        yield
    except DcmError:
        raise
    except Exception as error:
        reason = settings.hidden(str(error).strip() or type(error).__name__).splitlines()[0]
        advice = options.database_advice(settings)
        raise StartError(f"The database {_shown(settings)} cannot be made ready: {reason}. {advice}") from error


def _tell(settings: Settings, done: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        options.show_json({"database": _shown(settings), **done})
        return
    click.echo(f"The database {_shown(settings)} is ready{' and new' if done['created'] else ''}.")
    for name in done["applied"] if isinstance(done["applied"], list) else []:
        click.echo(f"  applied {name}")


def _shown(settings: Settings) -> str:
    if settings.embedded_postgres:
        return f"in {places(settings.home).postgres_data}"
    return str(settings.masked()["database_url"])
