"""`dcm delete`: one session, or one project, with all that hangs on it."""

import click

from dcm.cli import options
from dcm.client import Absent, Client
from dcm.domain.errors import NotFound


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
        page = client.list_sessions(project_id=project["id"], limit=100)
        sessions = options.count(page["total"], "session")
        options.confirm(f"All that DCM remembers of {folder} will be deleted: {sessions}.", "deleted", yes=yes)
        deleted = 0
        while page["sessions"]:
            for session in page["sessions"]:
                _forget(client, session["id"])
            deleted += len(page["sessions"])
            if not as_json and deleted < page["total"]:
                click.echo(f"{deleted} sessions ...", err=True)
            page = client.list_sessions(project_id=project["id"], limit=100)
        client.delete_project(project["id"])
    if as_json:
        options.show_json({"deleted": folder, "sessions": deleted})
    else:
        click.echo(f"{folder} is deleted, with {options.count(deleted, 'session')}.")


def _forget(client: Client, session_id: str) -> None:
    try:
        client.delete_session(session_id, everything=True)
    except Absent:
        raise NotFound(f"No session {session_id!r} is known: its id is that of Claude Code, whole.") from None
