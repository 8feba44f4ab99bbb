"""The secret that tokens are signed with: WS_AUTH_SECRET, or one made once and kept in DCM_HOME."""

import contextlib
import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from dcm.domain.errors import StartError
from dcm.embedded.places import make_home
from dcm.settings import Settings

FILE = "auth-secret"
LENGTH = 32
"""Bytes of a secret that is made here."""

SHORTEST = 32
"""Characters of the shortest that is taken from a file: nobody tries so many."""

logger = logging.getLogger("dcm.secret")


def load(settings: Settings) -> bytes:
    """The secret; whoever asks first makes it.

    Raises:
        StartError: the file cannot be used.
    """
    if settings.ws_auth_secret:
        return settings.ws_auth_secret.encode()
    return kept(settings.home / FILE, lambda: secrets.token_hex(LENGTH), "mend it, or set WS_AUTH_SECRET")


def kept(path: Path, make: Callable[[], str], advice: str) -> bytes:
    """What a file of DCM_HOME holds that nobody else may read; whoever asks first makes it.

    Raises:
        StartError: the file cannot be used; `advice` says what to do.
    """
    make_home(path.parent)
    try:
        if not path.exists():
            _make(path, make())
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
            logger.warning(
                "others could read %s until now: whoever did has what is in it. To have a new one, delete the file "
                "and start DCM again.",
                path,
            )
        secret = path.read_bytes().strip()
    except OSError as error:
        raise StartError(f"The secret in {path} cannot be used ({error.strerror}): {advice}.") from error
    if not secret:
        raise StartError(f"The secret in {path} is empty: delete the file, and one is made anew.")
    if len(secret) < SHORTEST:
        raise StartError(
            f"The secret in {path} has {len(secret)} characters, so few can be guessed: delete the file, and one is "
            f"made anew, or write {SHORTEST} random ones or more into it."
        )
    return secret


def _make(path: Path, text: str) -> None:
    """Write a draft and give it the name at once, so that nobody reads half a secret and the first one stays."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode())
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
