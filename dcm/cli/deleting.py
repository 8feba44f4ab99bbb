"""`dcm delete`: one session, or one project, with all that hangs on it."""

import contextlib
import itertools

import click

from dcm.cli import options
from dcm.client import Absent, Client
from dcm.domain.errors import NotFound

PAGE = 100
"""Sessions that are asked for at once."""


@click.group()
def delete() -> None:
    """Delete a session or a project with all that hangs on it.

    \b
    Examples:
      dcm delete session 4f1cbe5f-2b2d-4c41-9d5b-0f1f2a3c4d5e
      dcm delete project ~/shop --yes
    """


@delete.command("session")
@click.argument("session_id")
@options.yes
@options.url
@options.as_json
def delete_session(*, session_id: str, yes: bool, url: str | None, as_json: bool) -> None:
    """Delete a session: its prompts, tool calls, briefs, usage and whatever else tells of it. Asks for the word yes.

    What the session does from now on is remembered again; its past stays deleted.

    \b
    Example:
      dcm delete session 4f1cbe5f-2b2d-4c41-9d5b-0f1f2a3c4d5e --yes
    """
    with options.connect(url) as client:
        options.confirm(f"All that DCM remembers of session {session_id} will be deleted.", "deleted", yes=yes)
        _forget(client, session_id)
    if as_json:
        options.show_json({"deleted": session_id})
    else:
        click.echo(f"Session {session_id} is deleted.")


@delete.command("project")
@click.argument("path")
@options.yes
@options.url
@options.as_json
def delete_project(*, path: str, yes: bool, url: str | None, as_json: bool) -> None:
    """Delete a project with all its sessions and what hangs on them. Asks for the word yes.

    A session after the other, for the worker stores nothing while one is deleted. What somebody else deletes meanwhile
    is deleted too.

    \b
    Example:
      dcm delete project ~/shop --yes
    """
    folder = options.folder(path)
    with options.connect(url) as client:
        try:
            project = client.get_project_by_path(folder)["project"]
        except Absent:
            raise NotFound(f"No project {folder!r} is known.") from None
        sessions = _sessions(client, project["id"])
        counted = options.count(len(sessions), "session")
        options.confirm(f"All that DCM remembers of {folder} will be deleted: {counted}.", "deleted", yes=yes)
        for number, session in enumerate(sessions, 1):
            with contextlib.suppress(Absent):
                client.delete_session(session, everything=True)
            if not as_json and number % PAGE == 0:
                click.echo(f"{number} sessions ...", err=True)
        with contextlib.suppress(Absent):
            client.delete_project(project["id"])
    if as_json:
        options.show_json({"deleted": folder, "sessions": len(sessions)})
    else:
        click.echo(f"{folder} is deleted, with {counted}.")


def _sessions(client: Client, project_id: str) -> list[str]:
    """The sessions of a project as they are now; those that begin later go with the project itself."""
    known: dict[str, None] = {}
    for offset in itertools.count(0, PAGE):
        page = client.list_sessions(project_id=project_id, limit=PAGE, offset=offset)
        known.update(dict.fromkeys(session["id"] for session in page["sessions"]))
        if offset + PAGE >= page["total"]:
            break
    return list(known)


def _forget(client: Client, session_id: str) -> None:
    try:
        client.delete_session(session_id, everything=True)
    except Absent:
        raise NotFound(f"No session {session_id!r} is known: its id is that of Claude Code, whole.") from None
