"""The token file of DCM_HOME: who can read it owns this DCM, and may do everything with it."""

import logging
from pathlib import Path

from dcm import lease, ports, secret
from dcm.domain import access
from dcm.domain.errors import StartError
from dcm.embedded.places import places
from dcm.settings import Settings

logger = logging.getLogger("dcm.token_file")

FILE, OF_SERVER = "token", "server-token"
"""This DCM's own, and the one that a DCM on another machine gave us: neither server is shown the other's."""

ADVICE = "make it readable to the user DCM runs as, or set HOST=127.0.0.1 to serve this machine alone"


def path(home: Path) -> Path:
    """Where it is."""
    return home / FILE


def of_server(settings: Settings) -> Path:
    """Where the token is for the DCM on another machine to which this one reports."""
    return settings.token_file or settings.home / OF_SERVER


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
    except StartError as error:
        if access.is_open(settings.host):
            raise
        logger.warning("nobody can administer this DCM by its token file: %s", error)
        return None


def header(settings: Settings) -> dict[str, str]:
    """What is sent to our own API to ask how it is: nothing, unless it listens beyond loopback alone."""
    token = own(settings, settings.port) if access.is_open(settings.host) else ""
    return {"Authorization": f"Bearer {token}"} if token else {}


def own(settings: Settings, port: int) -> str:
    """What this user calls its own DCM with on a port: what the file holds, else DCM_TOKEN; empty without both.

    Who else listens there while DCM is down is not shown the file: its token stays good.
    """
    return (_read(path(settings.home)) if is_ours(settings, port) else "") or settings.token


def is_ours(settings: Settings, port: int) -> bool:
    """Whether what listens on a port is of the user whose token file it is."""
    users = ports.users_of(port)
    if users is None:
        return any(lease.held(keeper) for keeper in places(settings.home).run.glob("*.keeper"))
    try:
        return users == {path(settings.home).stat().st_uid}
    except OSError:
        return False


def for_server(settings: Settings) -> str:
    """What it calls the DCM on another machine with: DCM_TOKEN, else what the other file holds."""
    return settings.token or _read(of_server(settings))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
