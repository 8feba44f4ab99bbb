"""`dcm`: the entry point and the list of its commands. A command's module is imported when it is run."""

import importlib
import sys

import click

from dcm import __version__
from dcm.domain.errors import DcmError

COMMANDS = {
    "up": ("dcm.cli.up", "Set up what is missing and run the whole system in the foreground."),
    "migrate": ("dcm.cli.migrate", "Bring the database to the current schema."),
    "install": ("dcm.cli.install", "Leave the hook launcher under DCM_HOME."),
    "hooks": ("dcm.cli.hooks", "Add DCM's hooks to Claude Code's settings."),
    "unhook": ("dcm.cli.unhook", "Remove DCM's hooks from Claude Code's settings."),
}


class Commands(click.Group):
    """A group that imports a command's module only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Every command, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name: the object `command` of its module."""
        if cmd_name not in COMMANDS:
            return None
        module, summary = COMMANDS[cmd_name]
        command = importlib.import_module(module).command
        assert isinstance(command, click.Command)
        command.short_help = summary
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-v", "--version", prog_name="dcm")
def dcm() -> None:
    """DCM gives coding agents a memory that survives compaction.

    \b
    Examples:
      dcm up              run everything, Ctrl-C stops it
      dcm hooks           let Claude Code report to it
    """


def main() -> None:
    """Run `dcm`; an error DCM raised on purpose is one sentence and exit code 1."""
    try:
        dcm()
    except DcmError as error:
        click.echo(f"dcm: {error}", err=True)
        sys.exit(1)
