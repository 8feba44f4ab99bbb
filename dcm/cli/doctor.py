"""`dcm doctor`: look at all that could be wrong, and say how it is mended."""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.markup import escape

from db import backups, migrate
from dcm import lease, stores
from dcm.cli import backup_age, database, lifecycle, logs, machine, modes, options, probes, relaying, texts, up
from dcm.cli.findings import Finding, broken, ok, warning
from dcm.cli.hints import callable_here
from dcm.client import ClientError
from dcm.client.shapes.system import System
from dcm.domain.errors import SettingsError
from dcm.environment import PROCFILE_ORDER
from dcm.launcher import server_url
from dcm.lines import STORES, no_answer
from dcm.redaction import own_patterns
from dcm.settings import Settings

BACKLOG, LAG = 10_000, 30.0
"""Events in the queue, and seconds the oldest waits, from which on something is wrong with those who write them."""

MARKS = {"ok": "[green]✓[/]", "warning": "[yellow]![/]", "broken": "[red]✗[/]"}


@click.command()
@options.as_json
def command(*, as_json: bool) -> None:
    """Look at all that could be wrong with this DCM, and say how it is mended; exit 1 when something is broken.

    \b
    Examples:
      dcm doctor
      dcm doctor --json
    """
    found = list(examine())
    counts = Counter(finding.state for finding in found)
    if as_json:
        options.show_json({"ok": not counts["broken"], "findings": [asdict(finding) for finding in found]})
    else:
        console = Console(highlight=False)
        for finding in found:
            mend = f" [bold]{escape(callable_here(finding.mend))}[/]" if finding.mend else ""
            says = f"{MARKS[finding.state]} {finding.check}: {escape(texts.one_line(finding.says))}"
            console.print(f"{says.rstrip('.')}.{mend}", soft_wrap=True)
        console.print(f"{counts['ok']} well, {counts['warning']} to look at, {counts['broken']} broken.")
    if counts["broken"]:
        sys.exit(1)


def examine() -> Iterator[Finding]:
    """Everything, from the machine up to what DCM has stored."""
    yield from machine.python()
    yield from machine.env_file(up.ROOT / ".env")
    try:
        settings = options.settings()
    except SettingsError as error:
        if not str(error).startswith(str(up.ROOT / ".env")):
            yield broken("settings", str(error), "Correct it in .env or in the environment.")
        return
    yield from patterns(settings)
    yield from machine.home(settings)
    yield from modes.check(settings)
    yield from machine.dashboard()
    yield from machine.claude()
    yield from machine.hooks(settings)
    yield from machine.launcher(settings)
    if settings.server:
        yield from relaying.findings(settings)
        return
    running = bool(lifecycle.kept_lines(settings))
    yield from lines(settings)
    yield from machine.own_ports(settings) if running else machine.free_ports(settings)
    yield from databases(settings, running=running)
    yield from backup_age.look(settings, datetime.now(UTC))
    if running:
        yield from api(settings)


def patterns(settings: Settings) -> Iterator[Finding]:
    """Whether the person's own patterns of secrets can be used."""
    if settings.redact_file is None:
        return
    try:
        own = own_patterns(settings)
    except SettingsError as error:
        yield broken("redaction", str(error), "Correct the file, then run `dcm restart`.")
    else:
        yield ok("redaction", f"{options.count(len(own.secrets), 'pattern')} of your own in {settings.redact_file}")


def lines(settings: Settings) -> Iterator[Finding]:
    """Whether every line of the Procfile is kept alive, the clock among them."""
    kept = {line.partition(".")[0] for line in lifecycle.kept_lines(settings)}
    if not kept:
        yield broken("DCM", f"it does not run in {settings.home}", "Run `dcm start`.")
        return
    lost = [line for line in PROCFILE_ORDER if line not in kept]
    if lost:
        yield broken("lines", f"{', '.join(lost)} do not run", "Run `dcm restart`.")
    else:
        yield ok("lines", f"{', '.join(PROCFILE_ORDER)} run")


def databases(settings: Settings, *, running: bool) -> Iterator[Finding]:
    """Whether the stores answer, and whether the database has this version's schema."""
    for store in STORES.values():
        own = not store.embedded(settings)
        if store.answers(settings):
            yield ok(store.title, "your own, it answers" if own else "embedded, it answers")
        elif own:
            yield broken(store.title, no_answer(store, settings), "See its own log.")
        elif running:
            yield broken(store.title, "it does not answer", f"See `dcm logs {store.title.lower()}`.")
        else:
            yield ok(store.title, "embedded, it starts with DCM")
    if stores.postgres_answers(settings):
        yield from schema(settings)


def schema(settings: Settings) -> Iterator[Finding]:
    """Whether the database is at this version's schema."""
    try:
        absent = migrate.missing(settings.database_url)
        left = backups.left_beside(settings.database_url)
    except Exception as error:  # noqa: BLE001 - only db knows the driver, and a person needs a sentence
        reason = settings.hidden(str(error).strip() or type(error).__name__).splitlines()[0]
        yield broken("schema", f"the database cannot be read: {reason}", "Run `dcm db:setup`.")
        return
    if absent:
        yield broken("schema", f"{', '.join(absent)} are not applied", "Run `dcm migrate`.")
    else:
        yield ok("schema", "the database has this version's schema")
    if left and not lease.held(database.lock(settings, "restore")):
        says = f"one that did not end left the database {left} on the disk"
        yield warning("restore", says, "Run `dcm restore FILE` again: it removes what is left.")


def api(settings: Settings) -> Iterator[Finding]:
    """Whether the API answers, and whether what it accepts gets stored."""
    try:
        health = probes.api_health(server_url(settings))
        with options.connect(server_url(settings)) as client:
            system = client.get_system()
    except ClientError as error:
        yield broken("API", str(error), logs.advice(settings, "api"))
        return
    if health["status"] == "healthy":
        yield ok("API", f"version {health['version']}, the database answers in {health['database']['latencyMs']} ms")
    else:
        yield broken("API", "it is not healthy: the database does not answer", "See `dcm logs postgres`.")
    yield from queue(settings, system)
    yield from dead_letters(system)


def queue(settings: Settings, system: System) -> Iterator[Finding]:
    """Whether what is accepted gets stored soon."""
    if (waiting := system["queue"]) is None:
        yield broken("queue", f"Valkey does not answer: {system['away']['valkey']}", "See `dcm logs valkey`.")
        return
    says = f"{options.count(waiting['depth'], 'event')} to be stored, the oldest for {waiting['lag_seconds']:.0f} s"
    if waiting["depth"] > BACKLOG or waiting["lag_seconds"] > LAG:
        yield warning("queue", says, logs.advice(settings, "ingest"))
    else:
        yield ok("queue", says if waiting["depth"] else "no event waits to be stored")


def dead_letters(system: System) -> Iterator[Finding]:
    """Whether something failed for good."""
    rejected, dead = system["failures"]["rejected"], system["failures"]["dead"]
    said = {
        "what the database refused is not known: Postgres is away": rejected is None,
        f"{options.count(rejected or 0, 'event')} the database refused": bool(rejected),
        "which messages failed is not known: Valkey is away": dead is None,
        f"{options.count(dead or 0, 'message')} whose work failed at every try": bool(dead),
    }
    says = ", ".join(sentence for sentence, true in said.items() if true)
    if rejected or dead:
        yield warning("dead letters", says, "See `dcm dead list`, then `dcm dead retry --all`, or `dcm dead drop ID`.")
    elif says:
        yield warning("dead letters", says, "Run `dcm doctor` again when it is back.")
    else:
        yield ok("dead letters", "nothing failed for good")
