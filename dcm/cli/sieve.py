"""What of transcripts cannot be imported: counted, and said with its file and line. The reader passes over the same."""

import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from dcm.domain.hook_events import NAME_LIMIT
from dcm.domain.transcripts import parsed
from dcm.domain.turns import AHEAD, EARLIEST
from dcm.transcript_files import LINE_BYTES


class Sieve:
    """Lets the readable files through, and keeps account in `counts` and `faults` of what cannot be imported."""

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

    def look_at(self, file: Path) -> None:
        """Note which lines of a transcript cannot be imported. A half-written last line is passed over."""
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if len(line) > LINE_BYTES:
                    self._note("left_out", f"{file} line {number} is longer than {LINE_BYTES} bytes")
                    continue
                record = parsed(line)
                if record is None:
                    if line.strip() and (number == 1 or line.endswith(b"\n")):
                        self._note("unreadable_lines", f"{file} line {number} is not a record in JSON")
                elif fault := self._fault_of_record(record):
                    self._note("left_out", f"{file} line {number} {fault}")

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


def _fault_of_file(file: Path) -> str:
    """Why a file cannot be read; empty when it can. A pipe is not opened: it would hold us for ever."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            return "is not a file"
        with file.open("rb"):
            return ""
    except OSError as error:
        return f"cannot be read: {(error.strerror or str(error)).lower()}"
