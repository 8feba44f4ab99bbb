"""`dcm snapshot`, `dcm context`, `dcm usage`: what DCM knows of a session, saved and read."""

from collections.abc import Iterator
from pathlib import Path

import click

from dcm.cli import options, texts
from dcm.client import Absent, Client
from dcm.client.shapes.work import Session, SessionUsage
from dcm.domain.errors import NotFound


def _named(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """A name that was given: one that is empty, or has a slash, is none."""
    if value is not None and (not value.strip() or "/" in value):
        raise click.BadParameter(f"{value!r} cannot be the id of anything.")
    return value


@click.command()
@click.argument("session_id", required=False, callback=_named)
@options.url
@options.as_json
def snapshot(*, session_id: str | None, url: str | None, as_json: bool) -> None:
    """Save where a session stands, as a compaction would.

    Without SESSION_ID it is the newest session of the project you are in, or else the newest of all.

    \b
    Examples:
      dcm snapshot
      dcm snapshot 4f1cbe5f-2b2d-4c41-9d5b-0f1f2a3c4d5e --json
    """
    with options.connect(url) as client:
        session = chosen(client, session_id)
        saved = client.save_snapshot(session, trigger="manual")
    if as_json:
        options.show_json(saved)
        return
    held = ", ".join(f"{value} {name.removesuffix('_count')}" for name, value in saved["snapshot"].items()
                     if name.endswith("_count"))  # fmt: skip
    click.echo(f"Saved where session {session} stands{f': {held}' if held else ''}.")


@click.command()
@click.argument("agent_id", default="orchestrator", callback=_named)
@click.argument("session_id", required=False, callback=_named)
@click.option("--max-tokens", type=click.IntRange(100, 8000), help="The longest brief.  [default: 2000]")
@options.url
@options.as_json
def context(*, agent_id: str, session_id: str | None, max_tokens: int | None, url: str | None, as_json: bool) -> None:
    """Print the brief an agent would get now.

    AGENT_ID is `orchestrator` by default, SESSION_ID the newest session of the project you are in.

    \b
    Examples:
      dcm context
      dcm context backend-laravel 4f1cbe5f-2b2d-4c41-9d5b-0f1f2a3c4d5e
      dcm context --json
    """
    with options.connect(url) as client:
        session = chosen(client, session_id)
        found = client.get_context(agent_id, session_id=session, format="brief", max_tokens=max_tokens)
    if as_json:
        options.show_json(found)
    elif "brief" in found:
        click.echo(texts.shown(found["brief"]["content"]))
    else:
        click.echo(texts.shown(found.get("message") or f"There is nothing to tell {agent_id}."))


@click.command()
@click.argument("session_id", required=False, callback=_named)
@options.url
@options.as_json
def usage(*, session_id: str | None, url: str | None, as_json: bool) -> None:
    """Print what a session used: tokens by model, money, and how full its context is.

    Without SESSION_ID it is the newest session of the project you are in, or else the newest of all.

    \b
    Examples:
      dcm usage
      dcm usage 4f1cbe5f-2b2d-4c41-9d5b-0f1f2a3c4d5e --json
    """
    with options.connect(url) as client:
        session = session_id or newest(client, Path.cwd())
        used = client.get_session_usage(session)
    if as_json:
        options.show_json(used)
        return
    for line in _lines(used):
        click.echo(texts.one_line(line))


def _lines(used: SessionUsage) -> Iterator[str]:
    if not used["models"]:
        yield f"Neither a transcript nor telemetry told what session {used['session_id']} used."
    for row in used["models"]:
        read, written = row["cache_read_tokens"], row["cache_creation_tokens"]
        cost = "no price" if row["cost"] is None else f"{row['cost']:.2f} $"
        yield (
            f"{row['model']}: {row['input_tokens']:,} in, {row['output_tokens']:,} out, "
            f"{read:,} read from the cache, {written:,} written to it, {cost}"
        )
    context = used["context"]
    if context and context["tokens"] is not None:
        share = f" of {context['window']:,} ({context['percent']:g} %)" if context["window"] else ""
        yield f"The context holds {context['tokens']:,} tokens{share}."


def chosen(client: Client, session_id: str | None) -> str:
    """The session that was named, or the newest of where we are.

    Raises:
        NotFound: there is none.
    """
    if session_id is None:
        return newest(client, Path.cwd())
    try:
        client.get_session(session_id)
    except Absent:
        raise NotFound(f"No session {session_id!r} is known: its id is that of Claude Code, whole.") from None
    return session_id


def newest(client: Client, folder: Path) -> str:
    """The newest session of the project that a folder lies in, or else the newest of all.

    Raises:
        NotFound: there is no session.
    """
    sessions = client.list_sessions(limit=100)["sessions"]
    if not sessions:
        raise NotFound("No session is known yet: start Claude Code in a project, or name a session.")
    here = (session for session in sessions if _holds(session, folder))
    return next(here, sessions[0])["id"]


def _holds(session: Session, folder: Path) -> bool:
    """Whether a folder lies in the session's project or working tree."""
    roots = (session.get("project_path"), session.get("worktree"))
    return any(root and folder.is_relative_to(root) for root in roots)
