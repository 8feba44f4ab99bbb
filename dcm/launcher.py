"""The hook launcher: a small sh file under DCM_HOME by which Claude Code finds this copy of DCM.

A plugin is copied into Claude Code's own folders and knows neither Python nor port; the launcher does.
"""

import json
import os
import shlex
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from dcm import token_file
from dcm.domain import access
from dcm.domain.errors import StartError
from dcm.embedded.places import make_home
from dcm.settings import VARIABLES, Settings

CLIENT = Path(__file__).resolve().parent.parent / "hooks" / "client.py"
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # nosec B104 # noqa: S104 - compared, not bound

TEXT = """\
#!/bin/sh
# Written by `dcm up` and `dcm install`. Claude Code's hooks run `launcher hook [URL]`.
# The address: CONTEXT_MANAGER_URL, else URL, else the one DCM was last started with.
# A session that starts, starts the DCM of this home when it is the one at that address and does not run;
# not with DCM_AUTOSTART=0. A DCM of this home that is called by an address beyond loopback is shown its token file.
[ "${{1-}}" = hook ] || {{ echo "usage: launcher hook [URL]" >&2; exit 2; }}
python={python}
client={client}
url={url}
home={home}
to="${{CONTEXT_MANAGER_URL:-${{2:-$url}}}}"
case "$to" in "$url" | "$url"/*) ;; *) home= ;; esac
token={token}
if [ "$to" = "$url" ] && [ -z "${{DCM_TOKEN-}}" ] && [ -r "$token" ]; then
    read -r DCM_TOKEN <"$token"
    export DCM_TOKEN
fi
case "${{DCM_AUTOSTART-}}" in 0 | [Nn][Oo] | [Oo][Ff][Ff] | [Ff][Aa][Ll][Ss][Ee]) home= ;; esac
[ -x "$python" ] && [ -r "$client" ] || exec cat >/dev/null
exec "$python" -I -S "$client" "$to" {slow_mark} "$home" {bridge_port}
"""


def server_url(settings: Settings) -> str:
    """Where a client on this machine reaches the API, or the relay that takes hooks in its place."""
    host = _called(settings)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def _called(settings: Settings) -> str:
    return ANY_ADDRESS.get(settings.host, settings.host)


def bridge_port(settings: Settings) -> int:
    """What listens beside the API when all is well; a relay is alone."""
    return settings.port if settings.server else settings.ws_port


def launcher_path(home: Path) -> Path:
    """Where the launcher of this DCM_HOME is."""
    return home / "launcher"


def start_path(home: Path) -> Path:
    """Where the variables are that the DCM of this DCM_HOME was last started or installed with."""
    return home / "start.json"


def write_launcher(settings: Settings, environ: Mapping[str, str] = os.environ) -> Path:
    """Write the launcher, and what a session needs to start this DCM, for their owner alone; gives the launcher.

    Raises:
        StartError: DCM_HOME cannot be written; the message says why.
    """
    known = {
        "python": sys.executable,
        "client": CLIENT,
        "url": server_url(settings),
        "slow_mark": settings.home / "slow",
        "home": settings.home if settings.autostart else "",
        "bridge_port": bridge_port(settings),
        "token": token_file.path(settings.home) if access.is_open(_called(settings)) else "",
    }
    text = TEXT.format(**{name: shlex.quote(str(value)) for name, value in known.items()})
    told = {name: environ[name] for name in sorted(VARIABLES & environ.keys())} | {"DCM_HOME": str(settings.home)}
    path = launcher_path(settings.home)
    make_home(settings.home)
    try:
        _replace(start_path(settings.home), json.dumps(told), 0o600)
        _replace(path, text, 0o700)
    except OSError as error:
        raise StartError(f"The hook launcher {path} cannot be written: {error.strerror}.") from error
    return path


def _replace(path: Path, text: str, mode: int) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    fresh = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        fresh.chmod(mode)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
