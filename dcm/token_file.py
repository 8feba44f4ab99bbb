"""The token file of DCM_HOME: who can read it owns this DCM, and may do everything with it."""

from pathlib import Path

from dcm import lease, ports, secret
from dcm.domain import access
from dcm.domain.errors import StartError
from dcm.embedded.places import places
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
    """What is sent to our own API to ask how it is: nothing, unless it listens beyond loopback alone."""
    token = own(settings, settings.port) if access.is_open(settings.host) else ""
    return {"Authorization": f"Bearer {token}"} if token else {}


def own(settings: Settings, port: int) -> str:
    """What this user calls its own DCM with on a port: what the file holds, else DCM_TOKEN; empty without both.

    Who else listens there while DCM is down is not shown the file: its token stays good.
    """
    return (read(settings) if is_ours(settings, port) else "") or settings.token


def is_ours(settings: Settings, port: int) -> bool:
    """Whether what listens on a port is of the user whose token file it is."""
    users = ports.users_of(port)
    if users is None:
        return any(lease.held(keeper) for keeper in places(settings.home).run.glob("*.keeper"))
    try:
        return users == {path(settings.home).stat().st_uid}
    except OSError:
        return False


def read(settings: Settings) -> str:
    """What the file holds; empty when it cannot be read."""
    try:
        return path(settings.home).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
