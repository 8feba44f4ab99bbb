"""`dcm import transcripts`: what Claude Code wrote down, before DCM listened or on a machine it cannot read."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import sleep

import click
from rich.console import Console
from rich.progress import track

from dcm.cli import import_export, options, texts
from dcm.cli.following import Remembered
from dcm.cli.sending import send
from dcm.cli.settings_file import default_path
from dcm.cli.sieve import Sieve
from dcm.client import Client
from dcm.client.errors import ClientError
from dcm.domain.errors import InvalidInput
from dcm.transcript_files import is_of_agent

SHOWN_FAULTS, MOST_FAULTS = 5, 100
"""What cannot be imported, said to a person and to a script."""


@click.group("import")
def command() -> None:
    """Bring in what happened before DCM listened, or what another DCM exported.

    \b
    Examples:
      dcm import transcripts
      dcm import export dcm-export.jsonl.gz
    """


command.add_command(import_export.export)


@command.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--follow", is_flag=True, help="Go on: send what is added, until Ctrl-C.")
@click.option(
    "--every", type=click.FloatRange(0.2, 3600), default=5.0, show_default=True, help="Seconds between two looks."
)
@click.option("--new", is_flag=True, help="Send what was added since the last --new or --follow, and end.")
@options.url
@options.as_json
def transcripts(
    *, paths: Sequence[Path], follow: bool, every: float, new: bool, url: str | None, as_json: bool
) -> None:
    """Import transcripts of Claude Code: files, or folders with all that is in them.

    Without PATHS those of ~/.claude/projects (CLAUDE_CONFIG_DIR is honoured). Doing it again, or importing what the
    hooks reported too, adds nothing twice. A session whose transcript was not touched for an hour counts as ended.
    With --follow this machine's transcripts are sent as they grow, to a server that cannot read them; a relay does that
    by itself, with --new.

    \b
    Examples:
      dcm import transcripts
      dcm import transcripts ~/.claude/projects/-home-ada-shop
      dcm import transcripts 4f1c.jsonl --json
      dcm import transcripts --follow --url http://server:3847
    """
    given = paths or [default_path(os.environ).parent / "projects"]
    with options.connect(url) as client:
        if follow:
            _follow(client, given, every, as_json=as_json)
            return
        if new:
            _say(_send_new(client, given, _remembered(client)), None, as_json=as_json)
            return
        sieve = Sieve(datetime.now(UTC))
        sessions = found(sieve.files(path for path in given if path.exists()))
        if not sessions and not sieve.faults:
            raise InvalidInput(f"There is no transcript in {', '.join(map(str, given))}.")
        counts: Counter[str] = Counter(accepted=0, known=0, too_large=0, sessions=0, files=0)
        _send_all(client, _sifted(_shown(sessions), sieve), Remembered(None, client.url), counts)
    if not counts["sessions"]:
        faults = sieve.faults[: MOST_FAULTS if as_json else SHOWN_FAULTS]
        raise InvalidInput(
            f"Nothing in {', '.join(map(str, given))} could be read as a transcript of Claude Code.",
            {"faults": faults} if faults else {},
        )
    _say(counts, sieve, as_json=as_json)


def _sifted(sessions: Iterable[tuple[str, list[Path]]], sieve: Sieve) -> Iterator[tuple[str, list[Path]]]:
    """The same; what in them cannot be imported is noted."""
    for name, files in sessions:
        for file in files:
            sieve.look_at(file)
        yield name, files


def _follow(client: Client, paths: Sequence[Path], every: float, *, as_json: bool) -> None:
    """Send what is new, again and again; a server that is away is told of once, and gets it when it is back."""
    remembered = _remembered(client)
    away = False
    try:
        while True:
            counts: Counter[str] = Counter()
            try:
                counts = _send_new(client, paths, remembered)
                away = False
            except ClientError as error:
                if not away:
                    click.echo(f"{error} It is sent again until it is taken.", err=True)
                away = True
            if counts["accepted"] or counts["too_large"]:
                _say(counts, None, as_json=as_json)
            sleep(every)
    except KeyboardInterrupt:
        return


def _remembered(client: Client) -> Remembered:
    return Remembered(options.settings().home / "followed.json", client.url)


def _send_new(client: Client, paths: Iterable[Path], remembered: Remembered) -> Counter[str]:
    """Send what was added since it was remembered; what arrived is remembered, whatever comes after."""
    counts: Counter[str] = Counter(accepted=0, known=0, too_large=0, sessions=0, files=0)
    try:
        _send_all(client, found(paths).items(), remembered, counts)
    finally:
        remembered.save()
    return counts


def _send_all(
    client: Client, sessions: Iterable[tuple[str, list[Path]]], remembered: Remembered, counts: Counter[str]
) -> None:
    for _, files in sessions:
        told = remembered.read_on(files)
        counts["files"] += len(files)
        counts["sessions"] += bool(told.payloads)
        send(client, told, counts)
        remembered.keep()


def _shown(sessions: dict[str, list[Path]]) -> Iterator[tuple[str, list[Path]]]:
    console = Console(stderr=True)
    shown = track(sessions.items(), "Importing", len(sessions), console=console, disable=not console.is_terminal)
    yield from shown


def _say(counts: Counter[str], sieve: Sieve | None, *, as_json: bool) -> None:
    if as_json:
        found_wrong = {**sieve.counts, "faults": sieve.faults[:MOST_FAULTS]} if sieve else {}
        options.show_json({**counts, **found_wrong})
        return
    sessions_, files = options.count(counts["sessions"], "session"), options.count(counts["files"], "transcript")
    click.echo(f"{sessions_} in {files}: {counts['accepted']} events are new, {counts['known']} were known.")
    if sieve:
        _tell_faults(sieve)
    if counts["too_large"]:
        click.echo(f"{counts['too_large']} events were left out: each is larger than the API takes.")


def _tell_faults(sieve: Sieve) -> None:
    """Say on stderr what was left out."""
    for fault in sieve.faults[:SHOWN_FAULTS]:
        click.echo(texts.one_line(f"Left out: {fault}."), err=True)
    if (more := len(sieve.faults) - SHOWN_FAULTS) > 0:
        click.echo(f"Left out: {more} more; `--json` names {MOST_FAULTS}.", err=True)


def found(paths: Iterable[Path]) -> dict[str, list[Path]]:
    """{session: its transcripts}, the main one first where there is one; the newest sessions last."""
    dated: list[tuple[float, Path]] = []
    for file in {file.resolve() for path in paths for file in (path.rglob("*.jsonl") if path.is_dir() else [path])}:
        try:
            dated.append((file.stat().st_mtime, file))
        except OSError:
            continue
    sessions: dict[str, list[Path]] = {}
    for _, file in sorted(dated):
        sessions.setdefault(_session_of(file), []).append(file)
    return {name: sorted(group, key=is_of_agent) for name, group in sessions.items()}


def _session_of(file: Path) -> str:
    """A name for the session a transcript is of: its folder's for a subagent's, its own for the main one."""
    return str(file.parent.parent if file.parent.name == "subagents" else file.with_suffix(""))
