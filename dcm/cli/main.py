"""`dcm`: the entry point and the list of its commands. A command's module is imported when it is run."""

import difflib
import importlib
import json
import os
import sys

import click

from dcm import __version__
from dcm.child import OWN
from dcm.cli import refusals
from dcm.domain.errors import DcmError

COMMANDS = {
    "up": ("dcm.cli.up", "Set up what is missing and run the whole system in the foreground."),
    "relay": ("dcm.cli.relay", "Take this machine's hooks for a DCM on another."),
    "start": ("dcm.cli.lifecycle:start", "Run the whole system in the background."),
    "stop": ("dcm.cli.lifecycle:stop", "Stop it."),
    "restart": ("dcm.cli.lifecycle:restart", "Stop it and start it again."),
    "status": ("dcm.cli.status", "Say what runs."),
    "health": ("dcm.cli.status:health", "Print what GET /health answers."),
    "doctor": ("dcm.cli.doctor", "Look for what could be wrong, and say how to mend it."),
    "dead": ("dcm.cli.dead", "See what failed for good, send it again or drop it."),
    "logs": ("dcm.cli.logs", "Print what the processes said."),
    "tail": ("dcm.cli.tail", "Print what happens, as it happens."),
    "search": ("dcm.cli.search", "Search what is remembered."),
    "snapshot": ("dcm.cli.memory:snapshot", "Save where a session stands."),
    "context": ("dcm.cli.memory:context", "Print what an agent should know."),
    "usage": ("dcm.cli.memory:usage", "Print the tokens, the money and the context a session used."),
    "prune": ("dcm.cli.retention:prune", "Delete what is kept no longer, and give its space back."),
    "retention": ("dcm.cli.retention:retention", "Print how long things are kept, or set it for a project."),
    "delete": ("dcm.cli.deleting:delete", "Delete a session or a project with all that hangs on it."),
    "import": ("dcm.cli.imports", "Bring in what happened before DCM listened, or an export."),
    "export": ("dcm.cli.exports", "Write what is remembered to a file."),
    "backup": ("dcm.cli.backup", "Write the whole database to a file."),
    "restore": ("dcm.cli.restore", "Put a backup in the place of the database."),
    "token": ("dcm.cli.tokens", "Say who may call from other machines, and administer."),
    "audit": ("dcm.cli.audit", "Print administrative acts and deletions."),
    "install": ("dcm.cli.install", "Leave the hook launcher under DCM_HOME."),
    "hooks": ("dcm.cli.hooks", "Add DCM's hooks to Claude Code's settings."),
    "unhook": ("dcm.cli.unhook", "Remove DCM's hooks from Claude Code's settings."),
    "migrate": ("dcm.cli.migrate", "Bring the database to the current schema."),
    "db:setup": ("dcm.cli.database:setup", "Make the database if there is none, and bring it to the schema."),
    "db:reset": ("dcm.cli.database:reset", "Delete the database and make it anew."),
    "completion": ("dcm.cli.completion", "Print a script that completes commands in your shell."),
    "version": ("dcm.cli.main:version", "Print the version."),
    "help": ("dcm.cli.main:usage", "Print this, or what a command takes."),
}
"""Command: (its module, or module:object where that is not called `command`; what it does)."""


class Commands(click.Group):
    """A group that imports a command's module only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Every command, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name: an object of its module."""
        if cmd_name not in COMMANDS:
            return None
        place, summary = COMMANDS[cmd_name]
        module, _, name = place.partition(":")
        command = getattr(importlib.import_module(module), name or "command")
        assert isinstance(command, click.Command)
        command.short_help = summary
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is asked for; one there is not is refused with the name nearest to it."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            raise click.UsageError(unknown(name))
        return super().resolve_command(ctx, args)


def unknown(name: str) -> str:
    """The sentence for a command there is not."""
    near = difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.7)
    return f"There is no command {name!r}" + (f": did you mean `dcm {near[0]}`?" if near else ": see `dcm help`.")


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-v", "--version", prog_name="dcm")
@click.pass_context
def dcm(ctx: click.Context) -> None:
    """DCM gives coding agents a memory that survives compaction.

    \b
    Examples:
      dcm start           run everything in the background
      dcm hooks           let Claude Code report to it
      dcm doctor          what is wrong, and how to mend it
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a sentence.")
def version(*, as_json: bool) -> None:
    """Print the version."""
    click.echo(json.dumps({"version": __version__}) if as_json else f"dcm, version {__version__}")


@click.command()
@click.argument("name", required=False, metavar="[COMMAND]")
@click.pass_context
def usage(ctx: click.Context, name: str | None) -> None:
    """Print the commands, or what one of them takes.

    \b
    Example:
      dcm help start
    """
    group = ctx.parent or ctx
    if name is None:
        click.echo(group.get_help())
        return
    command = dcm.get_command(group, name)
    if command is None:
        raise click.UsageError(unknown(name))
    click.echo(command.get_help(click.Context(command, info_name=name, parent=group)))


def main() -> None:
    """Run `dcm`; an error DCM raised on purpose is one sentence and exit code 1."""
    os.umask(OWN)
    refusals.print_anything()
    try:
        refusals.check_arguments(sys.argv[1:])
        code = dcm(prog_name="dcm", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else error.format_message())
        sys.exit(0)
    except click.ClickException as error:
        refusals.refuse(error.format_message())
    except DcmError as error:
        refusals.refuse(str(error), getattr(error, "details", None))
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except OSError as error:
        refusals.refuse_failure(error)
    sys.exit(code if isinstance(code, int) else 0)
