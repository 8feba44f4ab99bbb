"""How `dcm` says that something went wrong: a sentence on stderr, with --json an object on stdout too, exit code 1."""

import errno
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from dcm.cli import texts
from dcm.cli.hints import callable_here
from dcm.domain.errors import InvalidInput

NOT_WRITTEN = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What a system says of output it cannot take."""


def refuse(sentence: str, details: Mapping[str, Sequence[str]] | None = None) -> NoReturn:
    """Say what went wrong, and end."""
    known = details or {}
    said = [f"{field}: {', '.join(map(str, faults))}" for field, faults in known.items()]
    whole = ": ".join([sentence.rstrip("."), "; ".join(said)]) if said else sentence
    click.echo(texts.shown(callable_here(f"dcm: {whole}")), err=True)
    if wants_json(sys.argv[1:]):
        answer: dict[str, Any] = {"error": sentence, **({"details": known} if known else {})}
        click.echo(texts.as_json(answer))
    sys.exit(1)


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether a script reads the answer."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in options


def refuse_failure(error: OSError) -> NoReturn:
    """Say what the system refused: a file, or our output."""
    reason = (error.strerror or str(error)).lower()
    if error.filename is None and error.errno in NOT_WRITTEN:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        click.echo(f"dcm: what is to be printed cannot be written: {reason}.", err=True)
        sys.exit(1)
    refuse(f"{error.filename}: {reason}." if error.filename else f"This failed: {reason}.")


def check_arguments(arguments: Sequence[str]) -> None:
    """Refuse what is not UTF-8 and names no file either.

    Raises:
        InvalidInput: the message shows it.
    """
    for argument in arguments:
        value = argument.partition("=")[2] if argument.startswith("--") else argument
        if any("\ud800" <= letter <= "\udfff" for letter in value) and not Path(value).exists():
            raise InvalidInput(f"The argument {os.fsencode(argument)!r} is not UTF-8: give it in that encoding.")


def print_anything() -> None:
    """Let what a terminal cannot show be shown escaped, not end the command."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
