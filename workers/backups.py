"""The nightly backup: `dcm backup` in a process of its own, so that the clock goes on."""

import functools
import subprocess
import sys
from datetime import datetime

from dcm import backups
from dcm.settings import Settings
from workers import running

COMMAND = (sys.executable, "-m", "dcm", "backup", "--nightly")


class Nightly:
    """Makes a backup when one is due, one at a time. `began`: when this process did."""

    def __init__(self, settings: Settings, began: datetime) -> None:
        self._settings, self._began = settings, began
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Begin a backup if one is due and none is being made."""
        if self._process and self._process.poll() is None:
            return
        self._process = None
        if self._settings.backup_keep and self._is_due(datetime.now().astimezone()):
            self._process = subprocess.Popen(COMMAND, stdin=subprocess.DEVNULL)

    def _is_due(self, now: datetime) -> bool:
        folder = self._settings.backups
        mark = backups.mark(self._settings.home, folder)
        made = [at for at, _ in backups.found(folder, mark)]
        failure = backups.failure(folder, mark)
        return backups.is_due(made[0] if made else None, failure[0] if failure else None, self._began, now)

    def stop(self) -> None:
        """End a backup that is being made."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self._process.wait()


@functools.cache
def nightly() -> Nightly:
    """The one of this process, which began now."""
    return Nightly(running.settings(), datetime.now().astimezone())
