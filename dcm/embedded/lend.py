"""An embedded store for a `with` block: tests and benchmarks."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from dcm import child
from dcm.domain.errors import StartError
from dcm.embedded.disk import last_words

START_SECONDS = 30.0
"""Seconds a store may take to answer."""


@contextlib.contextmanager
def lent(title: str, program: child.Program, lock: Path, answers: Callable[[], bool]) -> Iterator[None]:
    """Run a store until the block ends. `lock` is its family's, `answers` tells whether it is ready.

    Raises:
        StartError: it does not start; the message has the last words of its log.
    """
    process = child.start(program, lock)
    try:
        _wait(title, program, process, answers)
        yield
    finally:
        child.end(program, lock)
        process.wait()


def _wait(title: str, program: child.Program, process: subprocess.Popen[bytes], answers: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            words = last_words(program.log) if program.log else "it said nothing"
            raise StartError(f"{title} does not start: {words}")
        time.sleep(0.02)
