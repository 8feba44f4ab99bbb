"""What could not be sent yet: files of one line a record, bounded, sent oldest first and deleted once sent.

A line is in the kernel when the hook is answered, so it survives the relay; it is on the disk a second later at most
(`sync`). Nothing is rewritten in place: a start goes on in a new file, and a half-written line is passed over.
"""

import contextlib
import errno
import json
import logging
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dcm.domain.relayed import LASTING, Record, line, record_of

logger = logging.getLogger("dcm.relay")

SEGMENTS = 64
"""Files a full spool has; one is the most that is sent again after the relay was killed."""

SUFFIX = ".events"

FULL = "the spool is full"
"""Why an event is dropped when the disk is not to blame."""


@dataclass(slots=True)
class Segment:
    """One file. `thinned`: records of less importance than this were taken out."""

    path: Path
    size: int = 0
    thinned: int = 0


class Spool:
    """The files of a folder, which belongs to one relay at a time."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder, self.limit = folder, limit
        self._segment_limit = max(limit // SEGMENTS, 1)
        self._waiting: Counter[str] = Counter()
        self._unsynced: dict[Path, int] = {}
        self._writing: int | None = None
        self._sending: Segment | None = None
        self._lost = folder / "lost.json"
        self._dropped, self.dropped_why = _lost(self._lost)
        self._written_down = self._dropped > 0
        self.unreadable = 0
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._segments = [self._found(path) for path in sorted(folder.glob(f"*{SUFFIX}"))]

    @property
    def dropped(self) -> int:
        """Events that were lost. Who deletes the file in which they are counted wants to hear of them no more."""
        if self._written_down and not self._lost.exists():
            self._dropped, self.dropped_why, self._written_down = 0, "", False
        return self._dropped

    @property
    def count(self) -> int:
        """Records that wait."""
        return self._waiting.total()

    @property
    def size(self) -> int:
        """Bytes of the files."""
        return sum(segment.size for segment in self._segments)

    def holds(self, session_id: str) -> bool:
        """Whether anything of a session waits."""
        return session_id in self._waiting

    def append(self, record: Record) -> bool:
        """Keep a record behind all others; False when it had to be dropped, which is counted: `dropped_why` says why.

        What is kept stays when it is the disk that takes no more: the room it gave up would be taken by others.
        """
        text, why = line(record), ""
        try:
            if self.size + len(text) <= self.limit or self._make_room(len(text), record.importance):
                self._put(text)
            else:
                why = FULL
        except OSError as error:
            why = f"the disk does not take it: {error.strerror or error}"
        if why:
            self._drop(1, f"an event of {record.session_id}", why)
            return False
        self._waiting[record.session_id] += 1
        return True

    def oldest(self) -> tuple[Segment, list[Record]] | None:
        """The first file and its records, to be sent; it grows no more and is not thinned. None when all is empty."""
        if not self._segments:
            return None
        self._sending = self._segments[0]
        if len(self._segments) == 1:
            self._close()
        return self._sending, list(self._records(self._sending.path))

    def sent(self, record: Record) -> None:
        """The server has it, or will never take it."""
        self._waiting[record.session_id] -= 1
        if self._waiting[record.session_id] <= 0:
            del self._waiting[record.session_id]

    def forget(self, segment: Segment) -> None:
        """Delete a file whose records were all sent."""
        self._delete(segment)
        self._sending = None

    def unsynced(self) -> list[int]:
        """Descriptors of what the disk may not have yet, for `sync`."""
        taken, self._unsynced = [*self._unsynced.values()], {}
        if self._writing is not None:
            taken.append(os.dup(self._writing))
        return taken

    def close(self) -> None:
        """Bring all to the disk."""
        self._close()
        sync(self.unsynced())

    def _found(self, path: Path) -> Segment:
        """A file of an earlier relay; its half-written lines are counted."""
        segment, whole = Segment(path, path.stat().st_size), path.read_bytes().splitlines(keepends=True)
        for record in map(record_of, whole):
            if record is None:
                self.unreadable += 1
                logger.warning("a line of %s is not whole and is passed over", path)
            else:
                self._waiting[record.session_id] += 1
        return segment

    def _records(self, path: Path) -> Iterator[Record]:
        return (found for text in path.read_bytes().splitlines(keepends=True) if (found := record_of(text)))

    def _put(self, text: bytes) -> None:
        """Write a line behind the others; where that ends halfway, the next goes into a new file.

        Raises:
            OSError: the disk does not take it.
        """
        descriptor, written = self._open(), 0
        segment = self._segments[-1]
        try:
            written = os.write(descriptor, text)
            segment.size += written
        finally:
            if segment.size >= self._segment_limit or 0 < written < len(text) or not segment.size:
                self._close()
            if not segment.size:
                self._delete(segment)
        if written != len(text):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _open(self) -> int:
        """The file that grows."""
        if self._writing is None:
            last = int(self._segments[-1].path.stem) if self._segments else 0
            path = self._folder / f"{last + 1:012d}{SUFFIX}"
            self._writing = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            self._segments.append(Segment(path))
        return self._writing

    def _close(self) -> None:
        if self._writing is not None:
            self._await_sync(self._segments[-1].path, self._writing)
            self._writing = None

    def _delete(self, segment: Segment) -> None:
        segment.path.unlink(missing_ok=True)
        self._segments.remove(segment)
        self._need_no_sync(segment.path)

    def _await_sync(self, path: Path, descriptor: int) -> None:
        self._need_no_sync(path)
        self._unsynced[path] = descriptor

    def _need_no_sync(self, path: Path) -> None:
        """What stood there is deleted or replaced: the disk need not have it."""
        if (descriptor := self._unsynced.pop(path, None)) is not None:
            os.close(descriptor)

    def _make_room(self, wanted: int, importance: int) -> bool:
        """Drop what is less important than a record or as important and older, the least important first."""
        for level in range(min(importance, LASTING - 1) + 1):
            for segment in list(self._segments):
                if segment.thinned <= level and self._at_rest(segment):
                    self._thin(segment, level)
                if self.size + wanted <= self.limit:
                    return True
        for segment in [each for each in self._segments if importance == LASTING and self._at_rest(each)]:
            self._thin(segment, LASTING)
            if self.size + wanted <= self.limit:
                return True
        return False

    def _at_rest(self, segment: Segment) -> bool:
        return segment is not self._sending and (self._writing is None or segment is not self._segments[-1])

    def _thin(self, segment: Segment, level: int) -> None:
        """Write a file anew without the records of this importance and less.

        Raises:
            OSError: the disk does not take it; the file is as it was.
        """
        records = list(self._records(segment.path))
        kept = [record for record in records if record.importance > level]
        if not kept:
            self._delete(segment)
        elif len(kept) < len(records):
            segment.size = self._write(segment.path, b"".join(map(line, kept)))
        segment.thinned = level + 1
        for record in records:
            if record.importance <= level:
                self.sent(record)
        if gone := len(records) - len(kept):
            self._drop(gone, f"{gone} events", FULL)

    def _drop(self, count: int, what: str, why: str) -> None:
        """Count what is lost; told at the first, and each time it has doubled."""
        before = self.dropped
        self._dropped, self.dropped_why = before + count, why
        if before.bit_length() < self._dropped.bit_length():
            logger.error("%s dropped, %d in all: %s (%s)", what, self._dropped, why, self._folder)
        with contextlib.suppress(OSError):
            self._write(self._lost, json.dumps({"dropped": self._dropped, "why": why}).encode())
            self._written_down = True

    def _write(self, path: Path, text: bytes) -> int:
        """Put a file in the place of another at one stroke; gives its length. Where it fails nothing is left of it."""
        draft = path.with_suffix(".draft")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "wb", closefd=False) as file:
                file.write(text)
            draft.replace(path)
        except OSError:
            os.close(descriptor)
            draft.unlink(missing_ok=True)
            raise
        self._await_sync(path, descriptor)
        return len(text)


def sync(descriptors: list[int]) -> None:
    """Bring files to the disk, and close them; may take as long as the disk does."""
    for descriptor in descriptors:
        try:
            os.fsync(descriptor)
        except OSError as error:
            logger.warning("the spool may not survive a loss of power: %s", error)
        finally:
            os.close(descriptor)


def _lost(path: Path) -> tuple[int, str]:
    """How many were dropped, and why the last of them was."""
    try:
        told = json.loads(path.read_bytes())
        return int(told["dropped"]), str(told.get("why", FULL))
    except (OSError, ValueError, KeyError, TypeError):
        return 0, ""
