"""`dcm status`, `dcm health`: what runs, what waits, what failed, how much room there is."""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import click
from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape

from dcm.cli import lifecycle, options, probes, registration, relaying, texts
from dcm.cli.findings import Part
from dcm.cli.hints import callable_here
from dcm.client import ClientError, Unreachable
from dcm.client.shapes.system import Disk, Failures, Queue, System
from dcm.environment import PROCFILE_ORDER
from dcm.settings import Settings

ROOM = 1_000_000_000
"""Bytes of free disk below which it is time to look."""


@click.command()
@options.as_json
def command(*, as_json: bool) -> None:
    """Say what of this DCM runs, and whether Claude Code reports to it.

    \b
    Examples:
      dcm status
      dcm status --json
    """
    settings = options.settings()
    parts = look(settings)
    system = None if settings.server else _system(settings)
    if as_json:
        running = lifecycle.running_pid(settings) is not None or bool(lifecycle.kept_lines(settings))
        options.show_json({"running": running, "parts": [asdict(part) for part in parts], "system": system})
        return
    parts += _figures(system) if system else []
    console = Console(highlight=False)
    for part in parts:
        mark, says = "green]●" if part.works else "red]○", texts.one_line(callable_here(part.says))
        console.print(f"[{mark}[/] {part.name:<10} {escape(says)}", soft_wrap=True)


@click.command()
@options.url
@options.as_json
def health(*, url: str | None, as_json: bool) -> None:
    """Print what GET /health answers; exit 1 when DCM is not healthy.

    \b
    Examples:
      dcm health
      dcm health --json
    """
    answer = probes.api_health(options.server(url))
    if as_json:
        options.show_json(answer)
    else:
        database = answer["database"]
        words = f"answers in {database['latencyMs']} ms" if database["healthy"] else database.get("error", "is away")
        click.echo(f"DCM {answer['version']} is {answer['status']}; the database {words}.")
    if answer["status"] != "healthy":
        sys.exit(1)


def look(settings: Settings) -> list[Part]:
    """All parts, in the order in which they depend on one another."""
    if settings.server:
        return [_process(settings), *relaying.parts(settings), _hooks()]
    with ThreadPoolExecutor() as pool:
        api, bridge, dashboard = (pool.submit(probe, settings) for probe in (_api, _bridge, _dashboard))
        return [
            _process(settings), _lines(settings), *api.result(), *bridge.result(), *dashboard.result(), _hooks(),
        ]  # fmt: skip


def _process(settings: Settings) -> Part:
    pid = lifecycle.running_pid(settings)
    return Part("DCM", pid is not None, f"{settings.home}: {f'process {pid}' if pid else 'not running'}")


def _lines(settings: Settings) -> Part:
    kept = {line.partition(".")[0] for line in lifecycle.kept_lines(settings)}
    lost = [line for line in PROCFILE_ORDER if line not in kept]
    return Part("lines", not lost, f"not running: {', '.join(lost)}" if lost else "all are kept alive")


def _api(settings: Settings) -> list[Part]:
    url = lifecycle.urls(settings)["api"]
    try:
        answer = probes.api_health(url)
    except ClientError as error:
        return [Part("api", False, str(error)), Part("database", False, "not known: the API does not answer")]
    database = answer["database"]
    words = f"answers in {database['latencyMs']} ms" if database["healthy"] else database.get("error", "is away")
    return [Part("api", True, f"{url}, version {answer['version']}"), Part("database", database["healthy"], words)]


def _system(settings: Settings) -> System | None:
    """What waits, what failed and how full the disks are; None when the API does not tell."""
    try:
        with options.connect(lifecycle.urls(settings)["api"], probes.PROBE_SECONDS) as client:
            return client.get_system()
    except ClientError:
        return None


def _bridge(settings: Settings) -> list[Part]:
    url = lifecycle.urls(settings)["websocket"]
    return _listens("websocket", url, lambda: probes.check_bridge(url.replace("ws://", "http://")))


def _dashboard(settings: Settings) -> list[Part]:
    url = lifecycle.urls(settings)["dashboard"]
    return _listens("dashboard", url, lambda: probes.check_dashboard(url))


def _listens(name: str, url: str, check: Callable[[], None]) -> list[Part]:
    try:
        check()
    except Unreachable as error:
        return [Part(name, False, str(error) if error.sent else f"nothing answers at {url}")]
    except ClientError as error:
        return [Part(name, False, str(error))]
    return [Part(name, True, url)]


def _hooks() -> Part:
    found = registration.look()
    return Part("hooks", bool(found.ways), " and ".join(found.ways) or "not installed: run `dcm hooks`")


def _figures(system: System) -> list[Part]:
    """What waits, what failed and how full the disks are, for a person."""
    queue, disk = system["queue"], system["disk"]
    return [
        Part("queue", queue is not None, _waits(queue) if queue else f"Valkey is away: {system['away']['valkey']}"),
        _failed(system["failures"]),
        Part("disk", disk["free_bytes"] > ROOM, _room(disk)),
    ]


def _failed(failures: Failures) -> Part:
    """What failed for good, as far as its stores tell."""
    rejected, dead = failures["rejected"], failures["dead"]
    if rejected == dead == 0:
        return Part("failures", True, "none")
    events = (
        "refused events not known: Postgres is away"
        if rejected is None
        else f"{options.count(rejected, 'event')} refused"
    )
    messages = "dead messages not known: Valkey is away" if dead is None else f"{options.count(dead, 'message')} dead"
    return Part("failures", False, f"{events}, {messages}" + (": `dcm dead list`" if rejected or dead else ""))


def _waits(queue: Queue) -> str:
    if not queue["depth"]:
        return "nothing waits to be stored"
    return f"{options.count(queue['depth'], 'event')} to be stored, the oldest for {queue['lag_seconds']:.1f} s"


def _room(disk: Disk) -> str:
    taken = (("database", disk["database_bytes"]), ("Valkey's memory", disk["valkey_bytes"]))
    said = [f"{name} {'not known' if size is None else decimal(size)}" for name, size in taken]
    return f"{', '.join(said)}; {decimal(disk['free_bytes'])} of {decimal(disk['total_bytes'])} free"
