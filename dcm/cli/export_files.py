"""Files of exports: written beside their place and moved there when whole, read line by line; gzipped by their name."""

import contextlib
import gzip
import os
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from dcm.cli.refusals import NOT_WRITTEN
from dcm.domain.errors import InvalidInput

LONGEST = 16 * 1024 * 1024
"""Bytes of the longest line: the API takes no larger body."""


@contextlib.contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """A file that has its name once it is whole; what is not whole is removed. Only its owner may read it."""
    with _refused_as(path):
        descriptor, name = tempfile.mkstemp(".part", f".{path.name}.", path.absolute().parent)
        draft = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                with _packing(path, file) as packing:
                    yield packing
                file.flush()
                os.fsync(descriptor)
            draft.rename(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def _refused_as(path: Path) -> Iterator[None]:
    """What the system says of the draft is said of the file that was asked for."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno not in NOT_WRITTEN:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextlib.contextmanager
def _packing(path: Path, file: BinaryIO) -> Iterator[BinaryIO]:
    if path.suffix != ".gz":
        yield file
        return
    with gzip.GzipFile(path.stem, "wb", 6, file) as packing:
        yield cast("BinaryIO", packing)


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(number, line) of a file, the first is 1; packed or not.

    Raises:
        InvalidInput: it cannot be unpacked, or has a line longer than any export has.
    """
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    number = 0
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(LONGEST + 1), b""), 1):
                if len(line) > LONGEST:
                    raise InvalidInput(
                        f"Line {number} of {path} has more than {LONGEST} bytes: it is no export of DCM."
                    )
                yield number, line
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidInput(f"{path} is damaged or cut off after line {number} ({error}): export again.") from None


def split(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of what comes in pieces, each with its end; the last may lack it."""
    rest: list[bytes] = []
    for piece in pieces:
        *whole, last = piece.split(b"\n")
        for line in whole:
            yield b"".join([*rest, line, b"\n"])
            rest = []
        if last:
            rest.append(last)
    if rest:
        yield b"".join(rest)
