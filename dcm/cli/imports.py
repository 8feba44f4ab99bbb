"""`dcm import transcripts`: what Claude Code wrote down before DCM listened."""

import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import track

from dcm.cli import options
from dcm.cli.settings_file import default_path
from dcm.cli.sieve import Sieve
from dcm.cli.transcripts import Agent, payloads
from dcm.client import Client
from dcm.client.shapes.events import Past
from dcm.domain.cuts import cut_fields
from dcm.domain.errors import InvalidInput
from dcm.domain.transcripts import records

MOST_PAYLOADS, MOST_BYTES = 1000, 900_000
"""What goes into one body; the API takes 1000 payloads and 1 MiB."""

SHOWN_FAULTS, MOST_FAULTS = 5, 100
"""What cannot be imported, said to a person and to a script."""

MANY_WAITING, FEW_WAITING = 5000, 1000
"""Events in the queue at which an import pauses, and goes on: live sessions share it."""


@click.group("import")
def command() -> None:
    """Bring in what happened before DCM listened.

    \b
    Example:
      dcm import transcripts
    """


@command.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@options.url
@options.as_json
def transcripts(*, paths: Sequence[Path], url: str | None, as_json: bool) -> None:
    """Import transcripts of Claude Code: files, or folders with all that is in them.

    Without PATHS those of ~/.claude/projects (CLAUDE_CONFIG_DIR is honoured). Doing it again, or importing what the
    hooks reported too, adds nothing twice. A session whose transcript was not touched for an hour counts as ended.

    \b
    Examples:
      dcm import transcripts
      dcm import transcripts ~/.claude/projects/-home-ada-shop
      dcm import transcripts 4f1c.jsonl --json
    """
    given = paths or [path for path in [default_path(os.environ).parent / "projects"] if path.exists()]
    sieve = Sieve(datetime.now(UTC))
    sessions = found(sieve.files(given))
    if not sessions and not sieve.faults:
        where = ", ".join(map(str, paths)) or default_path(os.environ).parent / "projects"
        raise InvalidInput(f"There is no transcript in {where}.")
    counts: Counter[str] = Counter(accepted=0, known=0, too_large=0, sessions=0, files=0)
    with options.connect(url) as client:
        console = Console(stderr=True)
        shown = track(sessions.items(), "Importing", len(sessions), console=console, disable=not console.is_terminal)
        for batch in batches(_payloads(shown, counts, sieve), counts):
            send(client, batch, counts)
    if as_json:
        options.show_json({**counts, **sieve.counts, "faults": sieve.faults[:MOST_FAULTS]})
        return
    sessions_, files = options.count(counts["sessions"], "session"), options.count(counts["files"], "transcript")
    click.echo(f"{sessions_} in {files}: {counts['accepted']} events are new, {counts['known']} were known.")
    _tell_faults(sieve, read=counts["sessions"] > 0)
    if counts["too_large"]:
        click.echo(f"{counts['too_large']} events were left out: each is larger than the API takes.")


def _tell_faults(sieve: Sieve, *, read: bool) -> None:
    """Say on stderr what was left out, and when there was nothing else."""
    if not read:
        click.echo("Nothing in it could be read as a transcript of Claude Code.", err=True)
    for fault in sieve.faults[:SHOWN_FAULTS]:
        click.echo(f"Left out: {fault}.", err=True)
    if (more := len(sieve.faults) - SHOWN_FAULTS) > 0:
        click.echo(f"Left out: {more} more; `--json` names {MOST_FAULTS}.", err=True)


def found(paths: Iterable[Path]) -> dict[str, list[Path]]:
    """{session: its transcripts}, the main one first where there is one; the newest sessions last."""
    files = {file.resolve() for path in paths for file in (path.rglob("*.jsonl") if path.is_dir() else [path])}
    sessions: dict[str, list[Path]] = {}
    for file in sorted(files, key=lambda file: (file.stat().st_mtime, file)):
        sessions.setdefault(_session_of(file), []).append(file)
    return {name: sorted(group, key=_is_agent) for name, group in sessions.items()}


def _session_of(file: Path) -> str:
    """A name for the session a transcript is of: its folder's for a subagent's, its own for the main one."""
    return str(file.parent.parent if file.parent.name == "subagents" else file.with_suffix(""))


def _is_agent(file: Path) -> bool:
    return file.name.startswith("agent-")


def _payloads(sessions: Iterable[tuple[str, list[Path]]], counts: Counter[str], sieve: Sieve) -> Iterator[Past]:
    for _, files in sessions:
        told = of_session(files, datetime.now(UTC), sieve)
        counts["files"] += len(files)
        counts["sessions"] += bool(told)
        yield from told


def of_session(files: Sequence[Path], now: datetime, sieve: Sieve) -> list[Past]:
    """What a session's transcripts tell; it ends after the last of them."""
    touched = datetime.fromtimestamp(max(file.stat().st_mtime for file in files), UTC)
    told: list[Past] = []
    for file in files:
        told += payloads(sieve.records(file), now=now, touched=touched, agent=_agent(file))
    last = max((past["at"] for past in told), default="")
    return [past | {"at": last} if past["payload"]["hook_event_name"] == "SessionEnd" else past for past in told]


def _agent(file: Path) -> Agent | None:
    """The subagent a transcript is of; its type stands in the file beside it, or in its records."""
    if not _is_agent(file):
        return None
    kind = _read(file.with_suffix(".meta.json")).get("agentType")
    if not isinstance(kind, str):
        with file.open("rb") as lines:
            kinds = (record.get("attributionAgent") for record in records(lines))
            kind = next((found for found in kinds if isinstance(found, str)), "")
    return Agent(file.stem.removeprefix("agent-"), kind, str(file))


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def batches(told: Iterable[Past], counts: Counter[str]) -> Iterator[list[Past]]:
    """The events in bodies the API takes; what alone is too large is left out and counted."""
    batch: list[Past] = []
    size = 0
    for past in told:
        cut: Past = {"at": past["at"], "payload": cut_fields(past["payload"])}
        length = len(json.dumps(cut))
        if length > MOST_BYTES:
            counts["too_large"] += 1
            continue
        if len(batch) == MOST_PAYLOADS or size + length > MOST_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(cut)
        size += length + 2
    if batch:
        yield batch


def send(client: Client, batch: Sequence[Past], counts: Counter[str]) -> None:
    """Send a body, and wait while the queue is long."""
    answer = client.import_payloads(batch)
    counts["accepted"] += answer["accepted"]
    counts["known"] += answer["known"]
    waiting = answer["waiting"]
    while waiting > (MANY_WAITING if waiting == answer["waiting"] else FEW_WAITING):
        time.sleep(0.2)
        waiting = client.get_intake()["waiting"]
