"""What transcripts tell goes to the server too: it cannot read those of this machine.

They hold what no hook told, and the tokens. After a turn `dcm import transcripts --new` sends what was added, in a
process of its own that ends: reading them takes the memory a relay does without.
"""

import asyncio
import logging
import os
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dcm.relay.upstream import Away
from dcm.transcript_files import of_subagents, refusal

ROOT = Path(__file__).parents[2]

logger = logging.getLogger("dcm.relay")

READ_AT = frozenset({"SessionStart", "Stop", "StopFailure", "SubagentStop", "SessionEnd"})
"""Events at which a session's transcripts are read on."""

AFTER_SECONDS = 3.0
"""From the event to the reading: its last records are still being written."""

BETWEEN_SECONDS = 20.0
"""From one reading to the next: it takes most of a second of a core."""

Run = Callable[[Sequence[str]], Awaitable[int]]


async def run(paths: Sequence[str], token: str = "") -> int:
    """Send what these files tell, with this token; the code with which that ended."""
    argv = [sys.executable, "-m", "dcm", "import", "transcripts", "--new", "--json", "--", *paths]
    process = await asyncio.create_subprocess_exec(
        *argv,
        cwd=ROOT,
        env={**os.environ, **({"DCM_TOKEN": token} if token else {})},
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if process.returncode:
        logger.warning("transcripts were not sent: %s", said[-500:].decode("utf-8", "replace").strip())
    return process.returncode or 0


class Transcripts:
    """Which transcripts are to be sent, and when."""

    def __init__(self, is_away: Callable[[], bool], send: Run) -> None:
        self._is_away, self._send = is_away, send
        self._paths: set[str] = set()
        self._noted = asyncio.Event()

    def note(self, payload: Mapping[str, Any]) -> None:
        """An event came: what it ends is worth reading."""
        path = payload.get("transcript_path")
        if payload["hook_event_name"] in READ_AT and isinstance(path, str) and path:
            self._paths.add(path)
            self._noted.set()

    async def run(self) -> None:
        """Send what was noted, one reading at a time; for ever."""
        while True:
            await self._noted.wait()
            await asyncio.sleep(AFTER_SECONDS)
            if not self._is_away():
                self._noted.clear()
                paths, self._paths = self._paths, set()
                if given := [file for path in sorted(paths) for file in _files(path)]:
                    await self._read(paths, given)
            await asyncio.sleep(BETWEEN_SECONDS)

    async def _read(self, paths: set[str], given: Sequence[str]) -> None:
        try:
            failed = await self._send(given)
        except (OSError, ValueError, Away) as error:
            failed = 1
            logger.warning("transcripts were not sent: %s", error)
        if failed:
            self._paths |= paths
            self._noted.set()


def _files(path: str) -> list[str]:
    """A session's transcript and those of its subagents; nothing where the hook named what is none."""
    if refusal(path):
        return []
    return [path, *(str(file) for file in of_subagents(path) if not refusal(file))]
