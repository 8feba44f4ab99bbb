"""The token file of DCM_HOME: who can read it owns this DCM, and may do everything with it."""

from pathlib import Path

from dcm import secret
from dcm.domain import access
from dcm.domain.errors import StartError
from dcm.settings import Settings

FILE = "token"

ADVICE = "make it readable to the user DCM runs as, or set HOST=127.0.0.1 to serve this machine alone"


def path(home: Path) -> Path:
    """Where it is."""
    return home / FILE


def load(settings: Settings) -> str:
    """The token; whoever asks first makes it.

    Raises:
        StartError: the file cannot be used.
    """
    return secret.kept(path(settings.home), lambda: access.make_token(access.TOKEN), ADVICE).decode("ascii", "replace")


def digest(settings: Settings) -> bytes | None:
    """What a server compares with; None when the file cannot be used and nobody from beyond loopback can call.

    Raises:
        StartError: the file cannot be used, and HOST lets other machines call.
    """
    try:
        return access.digest(load(settings))
    except StartError:
        if access.is_open(settings.host):
            raise
        return None


def header(settings: Settings) -> dict[str, str]:
    """What is sent to our own servers to ask how they are: nothing, unless they listen beyond loopback alone."""
    token = own(settings) if access.is_open(settings.host) else ""
    return {"Authorization": f"Bearer {token}"} if token else {}


def own(settings: Settings) -> str:
    """What this user calls its own DCM with: DCM_TOKEN, else what the file holds; empty when there is neither."""
    if settings.token:
        return settings.token
    try:
        return path(settings.home).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
