"""Reading variables: a value of the kind that is wanted, or a sentence that says what to give."""

import re
from collections.abc import Mapping
from pathlib import Path

from dcm.domain.errors import SettingsError

HONCHO_BASE_PORT = 5000
"""honcho gives its first Procfile line this PORT when nobody chose one."""

PROCFILE_ORDER = ("api", "worker", "ingest", "wsbridge", "clock", "postgres", "valkey")
"""The lines of the Procfile, in order: honcho adds 100 to PORT for each."""

YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
"""What a variable says that is on or off, in whatever case."""


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


def flag(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Whether a variable says yes.

    Raises:
        SettingsError: it says neither yes nor no.
    """
    word = environ.get(name, "").strip().lower()
    if word not in ("", *YES, *NO):
        raise SettingsError(f"{name} is {word!r}: give 1 or 0.")
    return word in YES if word else default


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


def _port(environ: Mapping[str, str]) -> int:
    """PORT as the person meant it.

    honcho gives line i of the Procfile, instance j, the port base + 100 i + j, with base 5000 when
    nobody chose one; this takes that back, so `honcho start` and `make up` mean the same. `dcm up` knows
    the port and says it in DCM_PORT.
    """
    if environ.get("DCM_PORT"):
        return integer(environ, "DCM_PORT", 3847, 1, 65535)
    port = integer(environ, "PORT", 3847, 1, 65535)
    line, _, instance = environ.get("HONCHO_PROCESS_NAME", "").partition(".")
    if line not in PROCFILE_ORDER or "PORT" not in environ:
        return port
    base = port - 100 * PROCFILE_ORDER.index(line) - (int(instance or 1) - 1)
    started_alone = port - (int(instance or 1) - 1) == HONCHO_BASE_PORT
    return 3847 if started_alone or base == HONCHO_BASE_PORT else base


def ports(environ: Mapping[str, str]) -> dict[str, int]:
    """The three ports, by the name of their setting; each another.

    Raises:
        SettingsError: two are the same, or one is none.
    """
    given = {
        "port": _port(environ),
        "dashboard_port": integer(environ, "DASHBOARD_PORT", 3848, 1, 65535),
        "ws_port": integer(environ, "WS_PORT", 3849, 1, 65535),
    }
    taken: dict[int, str] = {}
    for name, port in given.items():
        if port in taken:
            raise SettingsError(f"{taken[port]} and {name.upper()} are both {port}: give each a port of its own.")
        taken[port] = name.upper()
    return given
