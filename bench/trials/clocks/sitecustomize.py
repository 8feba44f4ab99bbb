"""Read by every Python at its start: the wall clock of its process follows the file that SHIFT_FILE names.

The monotonic clock goes on, as it does on a real machine. The stores are no Python: for them libfaketime reads
the same file. It breaks Python's own sleep, so only they are started with it.
"""

import os
import sys
import threading
import time

import time_machine

EVERY = 0.05
"""Seconds between two looks at the file."""


class Clock:
    """The wall clock of this process, so many seconds off."""

    def __init__(self, path: str) -> None:
        self.path, self.shift = path, 0.0
        self.shift = self.wanted()
        self.travel = time_machine.travel(time.time() + self.shift, tick=True).start()
        self.follow()
        os.register_at_fork(after_in_child=self.follow)

    def follow(self) -> None:
        """Look at the file for ever; a process that was forked looks for itself."""
        threading.Thread(target=self._look, daemon=True).start()

    def wanted(self) -> float:
        """What the file says; what it said before when it is being written."""
        try:
            with open(self.path, encoding="ascii") as file:  # noqa: PTH123 - every process pays for it, at its start
                return float(file.read())
        except (OSError, ValueError):
            return self.shift

    def _look(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(EVERY)
            if (wanted := self.wanted()) != self.shift:
                self.travel.shift(wanted - self.shift)
                self.shift = wanted


if os.environ.pop("LD_PRELOAD", ""):
    os.execve(sys.executable, sys.orig_argv, os.environ)  # noqa: S606 - the same program, without the library
if "SHIFT_FILE" in os.environ:
    CLOCK = Clock(os.environ["SHIFT_FILE"])
    if library := os.environ.get("SHIFT_LIBRARY"):
        os.environ["LD_PRELOAD"] = library
