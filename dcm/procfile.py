"""honcho on the Procfile, which goes on whatever becomes of the disk that its log lies on.

`python -m dcm.procfile LOG start ...`: LOG is what `dcm start` writes; it is set aside when it has grown large.
"""

import contextlib
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from honcho import command

from dcm import child

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Output(io.RawIOBase):
    """Standard output of a process that outlives its disk: lines that cannot be written are dropped and counted."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._ours = log.exists() and os.path.samestat(os.fstat(1), log.stat())
        self._torn, self._lost = False, 0

    def writable(self) -> bool:
        """It is."""
        return True

    def isatty(self) -> bool:
        """Whether a person reads it."""
        return os.isatty(1)

    def write(self, line: "ReadableBuffer", /) -> int:
        """Write a line, after a word on those before it that could not be."""
        whole = bytes(line)
        if self._ours and not self._lost:
            self._set_aside()
        try:
            self._put(self._amends() + whole)
            self._torn, self._lost = False, 0
        except OSError:
            self._lost += 1
        return len(whole)

    def _amends(self) -> bytes:
        if not self._lost:
            return b""
        lines = "a line is" if self._lost == 1 else f"{self._lost} lines are"
        return b"\n" * self._torn + f"{lines} missing here: the log could not be written\n".encode()

    def _put(self, text: bytes) -> None:
        while text:
            text = text[os.write(1, text) :]
            self._torn = True

    def _set_aside(self) -> None:
        """Begin a new log where this one has grown large; when that cannot be, go on in this one."""
        if os.fstat(1).st_size <= child.LOG_LIMIT:
            return
        with contextlib.suppress(OSError), child.log_output(self._log) as output:
            assert output is not None
            os.dup2(output, 1)
            os.dup2(output, 2)


def main(log: str, *arguments: str) -> None:
    """Run honcho with these arguments."""
    sys.stdout = io.TextIOWrapper(Output(Path(log)), sys.stdout.encoding, "backslashreplace")
    command.main(list(arguments))


if __name__ == "__main__":
    main(*sys.argv[1:])
