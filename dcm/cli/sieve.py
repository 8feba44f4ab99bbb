"""What of a transcript can be imported; what cannot is counted, and said with its file and line."""

import json
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dcm.domain.hook_events import NAME_LIMIT

EARLIEST, AHEAD = datetime(2020, 1, 1, tzinfo=UTC), timedelta(minutes=1)
"""Between which times a record may be: those the API takes; the second is counted from now."""

DEEPEST = 200
"""Levels of lists and objects in a record; Claude Code writes a dozen."""


class Sieve:
    """Lets the readable files and records through, and keeps account of the others in `counts` and `faults`."""

    def __init__(self, now: datetime) -> None:
        self.counts: Counter[str] = Counter(unreadable_files=0, unreadable_lines=0, left_out=0)
        self.faults: list[str] = []
        self._latest = now + AHEAD

    def files(self, paths: Iterable[Path]) -> Iterator[Path]:
        """The transcripts of files and folders."""
        for path in paths:
            for file in sorted(path.rglob("*.jsonl")) if path.is_dir() else [path]:
                if fault := _fault_of_file(file):
                    self._note("unreadable_files", f"{file} {fault}")
                else:
                    yield file

    def records(self, file: Path) -> Iterator[Mapping[str, Any]]:
        """The records of a transcript that can be imported. A half-written last line is passed over."""
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                record = parsed(line)
                if record is None:
                    if line.strip() and (number == 1 or line.endswith(b"\n")):
                        self._note("unreadable_lines", f"{file} line {number} is not a record in JSON")
                elif fault := self._fault_of_record(record):
                    self._note("left_out", f"{file} line {number} {fault}")
                else:
                    yield record

    def _fault_of_record(self, record: Mapping[str, Any]) -> str:
        """Why the API would refuse what a record tells; empty when it would not."""
        said, session = record.get("timestamp"), record.get("sessionId")
        if isinstance(session, str) and len(session) > NAME_LIMIT:
            return f"has a session id of {len(session)} characters"
        if not isinstance(said, str):
            return ""
        try:
            at = datetime.fromisoformat(said)
        except ValueError:
            at = None
        if at is None or at.tzinfo is None or not EARLIEST <= at <= self._latest:
            return f"has the time {said[:40]!r}: give one from 2020 to now, with its zone"
        return ""

    def _note(self, kind: str, fault: str) -> None:
        self.counts[kind] += 1
        self.faults.append(fault)


def parsed(line: bytes) -> Mapping[str, Any] | None:
    """The record of a line; bytes that are not UTF-8 are replaced. None when there is none."""
    try:
        record = json.loads(line.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and not _is_deep(line, record) else None


def _is_deep(line: bytes, record: object) -> bool:
    """Whether a record has more levels than can be sent."""
    if line.count(b"[") + line.count(b"{") <= DEEPEST:
        return False
    level: list[object] = [record]
    for _ in range(DEEPEST):
        level = [child for value in level for child in _children(value)]
    return bool(level)


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _fault_of_file(file: Path) -> str:
    """Why a file cannot be read; empty when it can. A pipe is not opened: it would hold us for ever."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            return "is not a file"
        with file.open("rb"):
            return ""
    except OSError as error:
        return f"cannot be read: {(error.strerror or str(error)).lower()}"
