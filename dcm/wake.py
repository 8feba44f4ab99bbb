"""Sleep that ends early: when a child dies, or when we are asked to stop."""

import os
import select
import signal
from types import FrameType


class Wake:
    """Notes SIGTERM and SIGINT in `stopping`; SIGCHLD only wakes. Nothing is interrupted half-way."""

    def __init__(self) -> None:
        self.stopping = False
        self._reader, writer = os.pipe()
        for descriptor in (self._reader, writer):
            os.set_blocking(descriptor, False)
        self._poll = select.poll()
        self._poll.register(self._reader, select.POLLIN)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(sign, self._note)

    def wait(self, seconds: float) -> None:
        """Sleep that long, or until a signal comes; not at all once we are to stop."""
        if not self.stopping and self._poll.poll(seconds * 1000):
            os.read(self._reader, 512)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self.stopping = True
