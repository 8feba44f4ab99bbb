"""The hook launcher: a small sh file under DCM_HOME by which Claude Code finds this copy of DCM.

A plugin is copied into Claude Code's own folders and knows neither Python nor port; the launcher does.
"""

import os
import shlex
import sys
import tempfile
from pathlib import Path

from dcm.domain.errors import StartError
from dcm.embedded.places import make_home
from dcm.settings import Settings

CLIENT = Path(__file__).resolve().parent.parent / "hooks" / "client.py"
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound

TEXT = """\
#!/bin/sh
# Written by `dcm up` and `dcm install`. Claude Code's hooks run `launcher hook [URL]`.
# The address: CONTEXT_MANAGER_URL, else URL, else the one DCM was last started with.
[ "${{1-}}" = hook ] || {{ echo "usage: launcher hook [URL]" >&2; exit 2; }}
python={python}
client={client}
url={url}
[ -x "$python" ] && [ -r "$client" ] || exec cat >/dev/null
exec "$python" -I -S "$client" "${{CONTEXT_MANAGER_URL:-${{2:-$url}}}}" {slow_mark}
"""


def server_url(settings: Settings) -> str:
    """Where a client on this machine reaches the API."""
    host = ANY_ADDRESS.get(settings.host, settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def launcher_path(home: Path) -> Path:
    """Where the launcher of this DCM_HOME is."""
    return home / "launcher"


def write_launcher(settings: Settings) -> Path:
    """Write the launcher whole or not at all, for its owner alone, and return its path.

    Raises:
        StartError: DCM_HOME cannot be written; the message says why.
    """
    known = {
        "python": sys.executable,
        "client": CLIENT,
        "url": server_url(settings),
        "slow_mark": settings.home / "slow",
    }
    text = TEXT.format(**{name: shlex.quote(str(value)) for name, value in known.items()})
    path = launcher_path(settings.home)
    make_home(settings.home)
    try:
        _replace(path, text)
    except OSError as error:
        raise StartError(f"The hook launcher {path} cannot be written: {error.strerror}.") from error
    return path


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(prefix=".launcher-", dir=path.parent)
    fresh = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        fresh.chmod(0o700)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
