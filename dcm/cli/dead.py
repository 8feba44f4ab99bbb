"""`dcm dead`: what failed for good, and sending it again."""

import json
from collections.abc import Iterator

import click
from rich.console import Console
from rich.markup import escape

from dcm.cli import options, texts
from dcm.client import Client
from dcm.client.shapes.dead import DeadLetter, LetterCounts, WholeLetter
from dcm.domain.errors import InvalidInput, NotFound

KINDS = click.Choice(["event", "message"])

kind_option = click.option("--kind", type=KINDS, help="Only these: events the database refused, or messages.")
chosen = click.argument("letter_id", required=False, metavar="[ID]")
every = click.option("--all", "everything", is_flag=True, help="All of them, or all of a --kind.")


@click.group("dead")
def command() -> None:
    """See what failed for good, send it again or drop it: events the database refused, and messages whose work
    failed at every try. Dead messages are kept for a week, events until they are stored or dropped: of those
    refused more than 30 days ago (`rejected` of DCM_KEEP_DAYS) a pruning forgets all.

    \b
    Examples:
      dcm dead list
      dcm dead retry --all
    """


@command.command("list")
@kind_option
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many.")
@options.url
@options.as_json
def list_letters(*, kind: str | None, limit: int, url: str | None, as_json: bool) -> None:
    """List what failed for good, the newest first.

    \b
    Examples:
      dcm dead list
      dcm dead list --kind event --json
    """
    with options.connect(url) as client:
        answer = client.list_dead_letters(kind=kind, limit=limit)
    if as_json:
        options.show_json(answer)
        return
    console = Console(highlight=False)
    for letter in answer["letters"]:
        console.print(_line(letter), soft_wrap=True)
    click.echo(_sum(answer["counts"]))


@command.command()
@click.argument("letter_id", metavar="ID")
@options.url
@options.as_json
def show(*, letter_id: str, url: str | None, as_json: bool) -> None:
    """Show one with its content, its reason and, of a message, where it failed.

    \b
    Examples:
      dcm dead show 6f8a4f0e-5d0c-5c9d-9f0b-2a6d3c1e7b44
      dcm dead show 6f8a4f0e-5d0c-5c9d-9f0b-2a6d3c1e7b44 --json
    """
    with options.connect(url) as client:
        letter = client.get_dead_letter(_known(client, letter_id))
    if as_json:
        options.show_json(letter)
        return
    for line in _whole(letter):
        click.echo(line)


@command.command()
@chosen
@every
@kind_option
@options.url
@options.as_json
def retry(*, letter_id: str | None, everything: bool, kind: str | None, url: str | None, as_json: bool) -> None:
    """Send one again, or all: an event is stored once with the time it had, a message is worked on as a new one.

    \b
    Examples:
      dcm dead retry 6f8a4f0e-5d0c-5c9d-9f0b-2a6d3c1e7b44
      dcm dead retry --all
      dcm dead retry --all --kind event --json
    """
    _check_choice(letter_id, kind, everything=everything)
    with options.connect(url) as client:
        sent = (
            client.retry_dead_letter(_known(client, letter_id)) if letter_id else client.retry_dead_letters(kind=kind)
        )
    if as_json:
        options.show_json(sent)
    else:
        click.echo(f"{options.count(sent['sent'], 'letter')} sent again; what fails again is back in `dcm dead list`.")


@command.command()
@chosen
@every
@kind_option
@options.yes
@options.url
@options.as_json
def drop(
    *, letter_id: str | None, everything: bool, kind: str | None, yes: bool, url: str | None, as_json: bool
) -> None:
    """Forget one for good, or all. What an event told is then lost.

    \b
    Examples:
      dcm dead drop 6f8a4f0e-5d0c-5c9d-9f0b-2a6d3c1e7b44
      dcm dead drop --all --kind message --yes
      dcm dead drop --all --yes --json
    """
    _check_choice(letter_id, kind, everything=everything)
    with options.connect(url) as client:
        known = _known(client, letter_id) if letter_id else None
        going = "This one" if known else f"Every dead {kind or 'letter'}"
        options.confirm(f"{going} will be dropped for good.", "dropped", yes=yes)
        done = client.drop_dead_letter(known) if known else client.drop_dead_letters(kind=kind)
    if as_json:
        options.show_json(done)
    else:
        click.echo(f"{options.count(done['dropped'], 'letter')} dropped.")


def _check_choice(letter_id: str | None, kind: str | None, *, everything: bool) -> None:
    if bool(letter_id) == everything:
        raise InvalidInput("Name one by its id, as `dcm dead list` tells it, or say --all.")
    if letter_id and kind:
        raise InvalidInput("--kind goes with --all: an id says which one is meant.")


def _known(client: Client, letter_id: str) -> str:
    """The whole id of a letter: its beginning is enough where no other begins so."""
    if len(letter_id) == 36:
        return letter_id
    letters = client.list_dead_letters(limit=1000)["letters"]
    found = [letter["id"] for letter in letters if letter["id"].startswith(letter_id)]
    if len(found) != 1:
        raise NotFound(
            f"{len(found) or 'No'} dead letters begin with {letter_id!r}: give the id as `dcm dead list` tells it."
        )
    return found[0]


def _line(letter: DeadLetter) -> str:
    """One letter: when it failed, its id, what it is, why."""
    at = letter["failed_at"][:16].replace("T", " ")
    failed = "failed once" if letter["tries"] == 1 else f"failed {letter['tries']} times"
    state = "sent again, not stored yet" if letter["sent_again_at"] else failed
    words = escape(texts.one_line(letter["reason"]))
    return f"[dim]{at}[/] {letter['id']} [cyan]{letter['kind']}[/] {escape(letter['name'])} [dim]({state})[/] {words}"


def _sum(counts: LetterCounts) -> str:
    if not counts["events"] + counts["messages"]:
        return "Nothing failed for good."
    events, messages = options.count(counts["events"], "event"), options.count(counts["messages"], "message")
    return f"{events} and {messages} failed for good. `dcm dead retry --all` sends all of them again."


def _whole(letter: WholeLetter) -> Iterator[str]:
    for name, value in letter.items():
        if name not in {"payload", "arguments", "traceback"} and value is not None:
            yield f"{name}: {texts.one_line(str(value))}"
    if letter.get("arguments"):
        yield f"arguments: {json.dumps(letter['arguments'], ensure_ascii=False)}"
    for name, text in (("payload", letter.get("payload")), ("traceback", letter.get("traceback"))):
        if text:
            yield f"{name}:\n{texts.shown(text)}"
