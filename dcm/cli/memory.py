"""`dcm snapshot`, `dcm context`: what DCM knows of a session, saved and read."""

from pathlib import Path

import click

from dcm.cli import options, texts
from dcm.client import Absent, Client
from dcm.client.shapes.work import Session
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
        session = known(client, session_id) if session_id else newest(client, Path.cwd())
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
        session = known(client, session_id) if session_id else newest(client, Path.cwd())
        found = client.get_context(agent_id, session_id=session, format="brief", max_tokens=max_tokens)
    if as_json:
        options.show_json(found)
    elif "brief" in found:
        click.echo(texts.shown(found["brief"]["content"]))
    else:
        click.echo(found.get("message") or f"There is nothing to tell {agent_id}.")


def known(client: Client, session_id: str) -> str:
    """A session that was named, if there is one.

    Raises:
        NotFound: there is none of that id.
    """
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
