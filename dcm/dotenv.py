"""The file .env beside the Procfile: read as honcho reads it, or refused in a sentence."""

from pathlib import Path

from honcho import environ

from dcm.domain.errors import SettingsError


def read(path: Path) -> dict[str, str]:
    """The variables a .env sets; none where there is no such file.

    Raises:
        SettingsError: it cannot be read; the message names the file, and the line where that is known.
    """
    variables: dict[str, str] = {}
    for number, line in enumerate(lines(path), 1):
        try:
            variables |= environ.parse(line)
        except ValueError as error:
            raise SettingsError(f"{path} line {number} cannot be read: {_reason(error)}. Correct that line.") from error
    return variables


def lines(path: Path) -> list[str]:
    """The lines of a .env.

    Raises:
        SettingsError: it is not a file of text that we may read.
    """
    try:
        return path.read_bytes().decode().splitlines()
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SettingsError(f"{path} line {line} is not UTF-8: write it in that encoding.") from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}. Correct it.") from error


def _reason(error: ValueError) -> str:
    known = {"No closing quotation": "a quote is not closed", "No escaped character": "it ends in a backslash"}
    return known.get(str(error), str(error).lower())
