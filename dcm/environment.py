"""Reading variables: a value of the kind that is wanted, or a sentence that says what to give."""

import re
from collections.abc import Mapping
from pathlib import Path

from dcm.domain.errors import SettingsError


def names(text: str) -> tuple[str, ...]:
    """The names of a list by commas, without the slash at their end."""
    return tuple(name.strip().rstrip("/") for name in text.split(",") if name.strip())


def file(environ: Mapping[str, str], name: str) -> Path | None:
    """The absolute path that a variable gives; None when it is not set."""
    text = environ.get(name, "").strip()
    return Path(text).expanduser().absolute() if text else None


def integer(environ: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    """The whole number that a variable gives.

    Raises:
        SettingsError: it is none, or out of its bounds.
    """
    text = environ.get(name, "").strip()
    if not text:
        return default
    try:
        value = int(text)
    except ValueError:
        raise SettingsError(f"{name} is {text!r}: give a whole number from {low} to {high}.") from None
    if not low <= value <= high:
        raise SettingsError(f"{name} is {value}: give a whole number from {low} to {high}.")
    return value


def endpoint(environ: Mapping[str, str]) -> str:
    """Where traces are sent; empty when nobody says.

    Raises:
        SettingsError: DCM_OTLP_ENDPOINT is no HTTP address.
    """
    own = environ.get("DCM_OTLP_ENDPOINT", "").strip()
    if own and not re.match(r"https?://[^/]", own):
        raise SettingsError("DCM_OTLP_ENDPOINT is not an HTTP address: give one like http://localhost:4318.")
    url = own or environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip()
    return url.rstrip("/") if re.match(r"https?://[^/]", url) else ""


def choice(environ: Mapping[str, str], name: str, default: str, allowed: tuple[str, ...]) -> str:
    """The word that a variable gives, in lower case.

    Raises:
        SettingsError: it is not one of those allowed.
    """
    value = environ.get(name, "").strip().lower() or default
    if value not in allowed:
        raise SettingsError(f"{name} is {value!r}: give one of {', '.join(allowed)}.")
    return value
