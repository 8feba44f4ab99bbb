"""DCM started in the background: by the first hook of a session that finds it not running, and by `dcm start`.

`python -m dcm.autostart DCM_HOME` is what the hook runs: it starts that DCM and ends once it answers.
"""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

from dcm import dotenv, lease, start_log, token_file
from dcm.child import OWN, log_output
from dcm.domain.errors import DcmError, StartError
from dcm.embedded.places import make_home, places
from dcm.launcher import ANY_ADDRESS, bridge_port, start_path
from dcm.settings import VARIABLES, Settings, load

DOTENV = Path(__file__).resolve().parent.parent / ".env"
START_SECONDS = 90.0
"""Seconds a start may take; the first one makes a database."""

FIRST_PAUSE, LONGEST_PAUSE = 10.0, 300.0
"""Seconds after a start that failed in which no session tries again: doubling, at most."""


class AlreadyRunsError(StartError):
    """A DCM that was started in the background still lives in this DCM_HOME, or is just being started."""


def start_in_background(settings: Settings) -> "subprocess.Popen[bytes]":
    """`dcm up` in a session of its own, so that no terminal ends it; what it says is in DCM_HOME/logs/dcm.log.

    Raises:
        AlreadyRunsError: one that was started so still lives.
        StartError: DCM_HOME cannot be used.
    """
    make_home(settings.home)
    if (lock := lease.take(background_lock(settings))) is None:
        raise AlreadyRunsError(f"DCM already runs in the background in {settings.home}.")
    try:
        with log_output(log_path(settings)) as output:
            process = subprocess.Popen(
                [sys.executable, "-I", "-m", "dcm", "up"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[lock],
                start_new_session=True,
            )
        lease.write_pid(lock, process.pid)
    finally:
        os.close(lock)
    return process


def log_path(settings: Settings) -> Path:
    """What a DCM in the background says."""
    return places(settings.home).logs / "dcm.log"


def background_lock(settings: Settings) -> Path:
    """Held as long as the DCM lives that was started in the background, from its first moment on."""
    return places(settings.home).run / "background.lock"


def runs(settings: Settings) -> bool:
    """Whether anything of this DCM_HOME lives, answering or not."""
    locks = [background_lock(settings), *places(settings.home).run.glob("*.keeper")]
    return any(lease.held(lock) for lock in locks)


def answers(settings: Settings) -> bool:
    """Whether the API, or the relay in its place, says that it is well, and the bridge listens."""
    host = ANY_ADDRESS.get(settings.host, settings.host)
    api = http.client.HTTPConnection(host, settings.port, timeout=3)
    try:
        api.request("GET", "/health", headers=token_file.header(settings))
        said = json.load(api.getresponse())
        socket.create_connection((host, bridge_port(settings)), timeout=3).close()
        return isinstance(said, dict) and said.get("status") == "healthy"
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        api.close()


class BackOff:
    """When a session may try again after a start that failed: told by a small file."""

    def __init__(self, settings: Settings) -> None:
        self._path = places(settings.home).run / "start.retry"

    def left(self, now: float) -> float:
        """Seconds until the next try."""
        after, pause = self._read()
        return after - now if after - now <= pause else 0.0  # a clock that was set back holds nobody up

    def lengthen(self, now: float) -> float:
        """Note one more failure; gives the seconds until the next try."""
        _, pause = self._read()
        longer = min(max(2 * pause, FIRST_PAUSE), LONGEST_PAUSE)
        self._path.write_text(json.dumps([now + longer, longer]), encoding="ascii")
        return longer

    def forget(self) -> None:
        """The start succeeded."""
        self._path.unlink(missing_ok=True)

    def _read(self) -> tuple[float, float]:
        try:
            after, pause = json.loads(self._path.read_text(encoding="ascii"))
            return float(after), float(pause)
        except (OSError, ValueError, TypeError):
            return 0.0, 0.0


def bring_up(settings: Settings) -> bool:
    """Start what is not running and wait until it answers; False when it was not to be, or did not succeed."""
    back_off = BackOff(settings)
    process, log = None, log_path(settings)
    began = start_log.size(log)
    if not runs(settings):
        if back_off.left(time.time()) > 0:
            return False
        try:
            process = start_in_background(settings)
        except DcmError as error:
            return _failed(settings, str(error))
    deadline = time.monotonic() + START_SECONDS
    while not answers(settings):
        if process and process.poll() is not None:
            return _failed(settings, start_log.reason(log, began))
        if not process and not runs(settings):
            return False
        if time.monotonic() > deadline:
            return _failed(settings, f"it does not answer after {START_SECONDS:.0f} s") if process else False
        time.sleep(0.1)
    back_off.forget()
    return True


def _failed(settings: Settings, reason: str) -> bool:
    """Leave one readable line and a pause; always False."""
    pause = BackOff(settings).lengthen(time.time())
    when = datetime.now().astimezone().isoformat(timespec="seconds")
    with log_path(settings).open("a", encoding="utf-8") as log:
        log.write(
            f"{when} DCM was not started by the session that began: {reason} "
            f"The next session that begins after {pause:.0f} s tries again; `dcm up` tries now.\n"
        )
    return False


def remembered(home: Path) -> dict[str, str]:
    """The variables the DCM of this home was last started or installed with; its .env goes before them.

    Raises:
        StartError: they are not known; the message says what to do.
        SettingsError: .env cannot be read.
    """
    try:
        told = json.loads(start_path(home).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StartError(f"{start_path(home)} cannot be read: run `dcm install`.") from error
    return {**{str(name): str(value) for name, value in told.items()}, **dotenv.read(DOTENV)}


def main() -> int:
    """Start the DCM of the DCM_HOME named by the first argument; 0 once it answers.

    What the session's own environment says of ports and databases is about the person's work, not about DCM.
    """
    os.umask(OWN)
    told = remembered(Path(sys.argv[1]))
    for name in VARIABLES & os.environ.keys():
        del os.environ[name]
    os.environ.update(told)
    settings = load()
    make_home(settings.home)
    return 0 if settings.autostart and bring_up(settings) else 1


if __name__ == "__main__":
    sys.exit(main())
