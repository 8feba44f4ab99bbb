"""Transcripts on this machine, read on from where they were left. What was truncated or replaced is read anew."""

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from dcm.domain.cuts import cut_fields
from dcm.domain.hook_events import NAME_LIMIT
from dcm.domain.readings import Elsewhere, Reading
from dcm.domain.transcripts import parsed, records
from dcm.domain.turns import AHEAD, Agent, Past, moment

PIECE_BYTES = 4 * 1024 * 1024
"""Bytes that are read at once."""

LINE_BYTES = 4 * PIECE_BYTES
"""Bytes of the longest line that is read; a longer one is passed over."""

META_BYTES = 64 * 1024
"""Bytes that are read of the file beside a subagent's transcript."""

SUFFIX = ".jsonl"
"""How the name of a transcript ends."""

MARK_HEAD, MARK_TAIL = 1024, 256
"""Bytes at a file's beginning, and before the place that was read to, that tell whether it is the same file."""

YOUNG = timedelta(seconds=2)
"""Records younger than this are left for the next time: their hooks may be on their way."""


class Unreadable(Exception):
    """A transcript that cannot be read here; the text says why."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file, and what the file was like up to there."""

    offset: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a file: whole lines, and the offset after each. `anew`: it is not the file that was read before.

    `more`: there is more to read at once. `touched`: when the file was last written.
    """

    lines: list[tuple[int, bytes]]
    start: int
    end: int
    size: int
    touched: datetime
    anew: bool
    more: bool


def read_on(path: str | Path, mark: Mark) -> Piece:
    """What follows a mark; from the beginning when the file is not the one that was marked.

    Raises:
        Unreadable: there is no regular file, or it may not be read.
    """
    try:
        with opened(path) as file:
            known = os.fstat(file.fileno())
            anew = mark.offset > known.st_size or _digest(file, mark.offset) != mark.digest
            start = 0 if anew else mark.offset
            raw = _whole_lines(file, start)
    except (OSError, ValueError) as error:
        raise Unreadable(_reason(error)) from error
    end = start + len(raw)
    return Piece(
        lines=list(_numbered(raw, start)),
        start=start,
        end=end,
        size=known.st_size,
        touched=datetime.fromtimestamp(known.st_mtime, UTC),
        anew=anew and mark.offset > 0,
        more=bool(raw) and end < known.st_size,
    )


def take(reading: Reading, piece: Piece, now: datetime, elsewhere: Elsewhere) -> tuple[list[Past], int]:
    """(the events that a piece tells, the offset up to which it is read): before the first record that is young."""
    told: list[Past] = []
    dated = [(end, record, moment(record)) for end, line in piece.lines for record in records([line])]
    reading.pass_over_copies([record for _, record, _ in dated], elsewhere)
    read_to = piece.start
    for end, record, at in dated:
        if at and now - YOUNG < at <= now + AHEAD:
            return told, read_to
        if at and at <= now and _session_fits(record):
            told += _told(reading, record)
        read_to = end
    return told, piece.end


def _session_fits(record: Mapping[str, Any]) -> bool:
    """Whether the API takes the session's name."""
    session = record.get("sessionId")
    return not isinstance(session, str) or len(session) <= NAME_LIMIT


def _told(reading: Reading, record: Mapping[str, Any]) -> list[Past]:
    """The events of a record, with the fields cut that are too big to keep; none where it is nested too deep."""
    try:
        return [{"at": past["at"], "payload": cut_fields(past["payload"])} for past in reading.take(record)]
    except RecursionError:
        return []


def mark_at(path: str | Path, offset: int) -> Mark:
    """The mark of a place in a file.

    Raises:
        Unreadable: there is no regular file, or it may not be read.
    """
    try:
        with opened(path) as file:
            return Mark(offset, _digest(file, offset))
    except (OSError, ValueError) as error:
        raise Unreadable(_reason(error)) from error


def of_subagents(path: str | Path) -> list[Path]:
    """The transcripts of a session's subagents, given that of its main conversation."""
    try:
        return sorted(Path(path).with_suffix("").glob("subagents/agent-*.jsonl"))
    except (OSError, ValueError):
        return []


def is_of_agent(path: Path) -> bool:
    """Whether a transcript is of a subagent."""
    return path.name.startswith("agent-")


def agent_of(path: Path) -> Agent | None:
    """The subagent a transcript is of; its type stands in the file beside it, or in its records."""
    if not is_of_agent(path):
        return None
    kind = _object(path.with_suffix(".meta.json")).get("agentType")
    if not isinstance(kind, str):
        kind = _told_type(path)
    return Agent(path.stem.removeprefix("agent-"), kind, str(path))


def _told_type(path: Path) -> str:
    try:
        lines = read_on(path, Mark()).lines
    except Unreadable:
        return ""
    kinds = (record.get("attributionAgent") for record in records(line for _, line in lines))
    return next((found for found in kinds if isinstance(found, str)), "")


def refusal(path: str | Path) -> str:
    """Why a file is not read although a hook names it as a transcript, empty when it is: any program may name one."""
    file = Path(path)
    if file.suffix != SUFFIX or not file.is_absolute():
        return f"it is no absolute path that ends in {SUFFIX}"
    try:
        known = file.lstat()
    except (OSError, ValueError) as error:
        return _reason(error)
    if stat.S_ISLNK(known.st_mode):
        return "it is a link"
    if not stat.S_ISREG(known.st_mode):
        return "it is not a regular file"
    if os.geteuid() not in {0, known.st_uid}:
        return "it belongs to another user"
    return ""


def opened(path: str | Path) -> BinaryIO:
    """A transcript, opened without waiting: the path comes from a hook, and a pipe would hold the reader for ever.

    A link in its place is not followed.

    Raises:
        OSError: it is not there, or may not be read.
        ValueError: it is not a regular file, or no path at all.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError("it is not a regular file")
    return os.fdopen(descriptor, "rb")


def _digest(file: BinaryIO, offset: int) -> str:
    """What the file is like up to a place: its first bytes and the last before it; empty for the beginning."""
    if not offset:
        return ""
    file.seek(0)
    head = file.read(min(MARK_HEAD, offset))
    file.seek(max(0, offset - MARK_TAIL))
    return hashlib.sha256(head + file.read(min(MARK_TAIL, offset))).hexdigest()


def _whole_lines(file: BinaryIO, start: int) -> bytes:
    """The bytes from a place to the end of a line: a half-written one is left, one that is too long is passed over.

    The file's last line may lack its end: an object that is closed gets no longer.
    """
    file.seek(start)
    raw = b""
    while len(raw) < LINE_BYTES:
        more = file.read(PIECE_BYTES)
        raw += more
        whole = raw.rfind(b"\n") + 1
        if len(more) < PIECE_BYTES:
            return raw[:whole] if parsed(raw[whole:]) is None else raw
        if whole:
            return raw[:whole]
    return raw


def _numbered(raw: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    end = start
    for line in raw.removesuffix(b"\n").split(b"\n") if raw else ():
        end += len(line) + 1
        yield min(end, start + len(raw)), line


def _object(path: Path) -> Mapping[str, Any]:
    try:
        with opened(path) as file:
            value = json.loads(file.read(META_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
