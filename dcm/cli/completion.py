"""`dcm completion`: a script for the shell."""

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print a script that completes commands and options in your shell.

    \b
    Examples:
      dcm completion bash >> ~/.bashrc
      dcm completion zsh >> ~/.zshrc
      dcm completion fish > ~/.config/fish/completions/dcm.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "dcm", "_DCM_COMPLETE").source())
