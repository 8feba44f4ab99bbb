"""The processes that export: how many at once, and how long one waits for a reader that stands still."""

import asyncio
import logging
import sys
from collections.abc import Callable, Sequence
from typing import Self

from dcm.domain.errors import Busy, DcmError

logger = logging.getLogger("dcm.export")

MOST = 2
"""Exports at once: each has a process, a connection and a transaction that holds up the cleaning of tables."""

AGAIN_IN = 10.0
"""Seconds after which who was turned away should ask again."""

PATIENCE = 60.0
"""Seconds a reader may take for a piece."""

PIECE = 64 * 1024
"""Bytes given to the client at once."""


class Places:
    """How many exports run."""

    def __init__(self) -> None:
        self._taken: set[object] = set()

    def take(self) -> Callable[[], None]:
        """Take a place; what is given gives it back, however often it is called.

        Raises:
            Busy: all are taken.
        """
        if len(self._taken) >= MOST:
            raise Busy(f"{MOST} exports run already. Try again when one has ended.", AGAIN_IN)
        place = object()
        self._taken.add(place)
        return lambda: self._taken.discard(place)


class Running:
    """The lines of a process that exports, as the stream of the answer to the task that made it."""

    def __init__(
        self, process: asyncio.subprocess.Process, ended: Callable[[], None], patience: float = PATIENCE
    ) -> None:
        self._process, self._ended, self._patience = process, ended, patience
        self._reader = asyncio.current_task()
        self._first = b""
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    async def start(cls, arguments: Sequence[str], ended: Callable[[], None]) -> Self:
        """Start the process; `ended` is called once it has ended."""
        argv = (sys.executable, "-m", "api.exporting", *arguments)
        pipe = asyncio.subprocess.PIPE
        return cls(await asyncio.create_subprocess_exec(*argv, stdout=pipe, stderr=pipe), ended)

    async def begin(self) -> None:
        """Wait for its first lines.

        Raises:
            DcmError: there are none, and why.
        """
        assert self._process.stdout
        try:
            self._first = await self._process.stdout.read(PIECE)
        except BaseException:
            await self.close()
            raise
        if not self._first:
            words = (await self.close()).strip().splitlines()
            raise DcmError(f"The export could not be made: {words[-1] if words else 'it gave no reason'}.")
        self._wait()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        assert self._process.stdout
        self._stop_waiting()
        piece, self._first = self._first or await self._process.stdout.read(PIECE), b""
        if not piece:
            raise StopAsyncIteration
        self._wait()
        return piece

    async def close(self) -> str:
        """End the process if it has not ended by itself; what it said."""
        self._stop_waiting()
        assert self._process.stdout
        if self._process.returncode is None and not self._process.stdout.at_eof():
            self._process.kill()
        _, said = await self._process.communicate()
        self._ended()
        if self._process.returncode:
            logger.warning("an export was cut off: %s", said.decode(errors="replace").strip())
        return said.decode(errors="replace")

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._patience, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _give_up(self) -> None:
        """End it all: the reader's connection is closed, for what it has is not whole."""
        logger.warning("an export was not read for %s s", self._patience)
        if self._process.returncode is None:
            self._process.kill()
        self._ended()
        if self._reader:
            self._reader.cancel()
