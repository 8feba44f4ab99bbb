"""`dcm completion`: a script for the shell."""

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")

COLONS = """
_dcm_completion_with_colons() {
    if [[ ${COMP_WORDS[2]} == :* ]]; then
        local line=${COMP_LINE:0:COMP_POINT}
        read -ra COMP_WORDS <<< "$line"
        [[ $line == *" " ]] && COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    fi
    local typed=${COMP_WORDS[COMP_CWORD]}
    _dcm_completion "$1"
    if [[ $typed == *:* && $COMP_WORDBREAKS == *:* ]]; then
        local before=${typed%"${typed##*:}"}
        COMPREPLY=("${COMPREPLY[@]#"$before"}")
    fi
}

complete -o nosort -F _dcm_completion_with_colons dcm
"""
"""bash takes a command like db:setup for three words: they are put together, and what bash has is left out."""


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
    script = kind(ctx.find_root().command, {}, "dcm", "_DCM_COMPLETE").source()
    click.echo(script + COLONS if shell == "bash" else script)
