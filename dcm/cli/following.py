"""Transcripts read on from where they were left, which a file remembers for each server they are sent to."""

import contextlib
import json
import os
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from dcm.domain.readings import OVER, Reading, ends_first
from dcm.domain.turns import Past
from dcm.domain.usage import ContextUse, MessageUse
from dcm.transcript_files import Mark, Unreadable, agent_of, is_of_agent, mark_at, read_on, take


@dataclass(slots=True)
class Told:
    """What the transcripts of a session tell that was not told before."""

    payloads: list[Past] = field(default_factory=list)
    uses: list[MessageUse] = field(default_factory=list)
    contexts: list[ContextUse] = field(default_factory=list)


@dataclass(slots=True)
class _File:
    """A transcript and its reading; `done`: up to its end."""

    path: Path
    reading: Reading
    mark: Mark
    touched: datetime
    done: bool


class Remembered:
    """Where the reading of each transcript stands; without a file each is read from its beginning."""

    def __init__(self, path: Path | None, server: str) -> None:
        self._path, self._server = path, server
        self._all = _object(path) if path else {}
        known = self._all.get(server)
        self._known: dict[str, Any] = dict(known) if isinstance(known, Mapping) else {}
        self._new: dict[str, Any] = {}
        self._unsaved = False
        self._tellers: dict[str, str] = {}

    def read_on(self, paths: Sequence[Path]) -> Told:
        """What a session's transcripts tell since `keep` was called last; the session ends after the last of them."""
        told, now = Told(), datetime.now(UTC)
        self._new = {}
        files = [file for path in paths if not self._is_over(path) and (file := self._read(path, told, now))]
        touched = max((file.touched for file in files), default=now)
        for file in files:
            if file.done:
                told.payloads += file.reading.end(now - touched, ends=True, at_once=self._path is None)
            told.uses += file.reading.uses
            for use in file.reading.uses:
                self._tellers.setdefault(use.message_id, use.session_id)
            told.contexts += [file.reading.context] if file.reading.context else []
            over = file.done and now - touched >= OVER
            self._new[str(file.path)] = {
                "offset": file.mark.offset,
                "digest": file.mark.digest,
                "state": file.reading.state(),
                "over": file.mark.offset if over else None,
            }
        _end_after_all(told.payloads)
        told.payloads = ends_first(told.payloads)
        return told

    def keep(self) -> None:
        """Note that what was told last has arrived."""
        changed = {path: place for path, place in self._new.items() if self._known.get(path) != place}
        self._known |= changed
        self._unsaved |= bool(changed)

    def save(self) -> None:
        """Write down where the readings stand, if that is new."""
        if self._path is None or not self._unsaved:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_name(f"{self._path.name}.{uuid.uuid4().hex}")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(self._all | {self._server: self._known}, file)
        new.replace(self._path)
        self._unsaved = False

    def _told_elsewhere(self, session_id: str, message_ids: Collection[str]) -> set[str]:
        if not session_id:
            return set()
        return {one for one in message_ids if self._tellers.get(one, session_id) != session_id}

    def _is_over(self, path: Path) -> bool:
        """Whether a transcript was read to its end, long after it was written last, and is as it was."""
        over = self._known.get(str(path), {}).get("over")
        with contextlib.suppress(OSError):
            return bool(over) and path.stat().st_size == over
        return True

    def _read(self, path: Path, told: Told, now: datetime) -> _File | None:
        known = self._known.get(str(path), {})
        mark = Mark(known.get("offset", 0), known.get("digest", ""))
        reading = Reading(agent_of(path), _session_of(path), known.get("state", {}))
        try:
            while True:
                piece = read_on(path, mark)
                if piece.anew:
                    reading = Reading(reading.agent, _session_of(path))
                found, offset = take(reading, piece, now, partial(self._told_elsewhere, reading.turn.session_id))
                told.payloads += found
                mark = mark_at(path, offset)
                if offset < piece.end or not piece.more:
                    break
        except Unreadable:
            return None
        return _File(path, reading, mark, piece.touched, done=offset == piece.end)


def _session_of(path: Path) -> str:
    """The session a file is named after, empty where its name does not say: its records do then."""
    name = path.parent.parent.name if is_of_agent(path) else path.stem
    with contextlib.suppress(ValueError):
        return str(uuid.UUID(name)) if len(name) == 36 else ""
    return ""


def _end_after_all(told: list[Past]) -> None:
    last = max((datetime.fromisoformat(past["at"]) for past in told), default=None)
    for past in told:
        if past["payload"]["hook_event_name"] == "SessionEnd" and last:
            past["at"] = last.isoformat()


def _object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
