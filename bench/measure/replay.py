"""Copies of transcripts that end where a compaction began: of what came later nothing can be read."""

import json
import os
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dcm.transcript_files import of_subagents
from measure.cases import Case, load
from measure.names import Record

UNTOUCHED = 300
"""Seconds ago at which a copy was last written: long enough to count as settled, too short to count as ended."""


@dataclass(frozen=True, slots=True)
class Replay:
    """A copied session: in which folder all copies lie, where its own transcript, and where it stood at the end."""

    folder: Path
    session_id: str
    transcript: Path
    cwd: str
    at: str


def copy(case: Case, folder: Path) -> Replay:
    """Write the case's session, and those beside it, up to its moment.

    Ids are new, so that the copy of one case is never taken for that of another. The projects of generated sessions are
    made beside the copies, as git would: that is how a worktree is known to belong to one.
    """
    moved = _made_trees(case, folder / "trees")
    session_id = _copy(case.transcript, case.before, case.at, folder, moved)
    for path in case.beside:
        if path.exists():
            _copy(path, load(path), case.at, folder, moved)
    cwd = next((str(record["cwd"]) for record in reversed(case.before) if record.get("cwd")), "")
    for old, new in moved.items():
        cwd = cwd.replace(old, new)
    return Replay(folder, session_id, _place(case.transcript, folder) / f"{session_id}.jsonl", cwd, case.at)


def _place(transcript: Path, folder: Path) -> Path:
    return folder / "projects" / transcript.parent.name


def _made_trees(case: Case, folder: Path) -> dict[str, str]:
    """Make the folders of the projects; gives what is to be replaced in the records."""
    for name, linked_to in case.trees:
        mark = folder / name / ".git"
        mark.parent.mkdir(parents=True)
        if not linked_to:
            mark.mkdir()
            continue
        own = folder / linked_to / ".git" / "worktrees" / name
        own.mkdir(parents=True)
        (own / "commondir").write_text("../..\n", encoding="utf-8")
        mark.write_text(f"gitdir: {own}\n", encoding="utf-8")
    return {case.home: str(folder)} if case.trees else {}


def _copy(path: Path, records: Iterable[Record], until: str, folder: Path, moved: Mapping[str, str]) -> str:
    session_id = str(uuid.uuid4())
    changed = {path.stem: session_id, **moved}
    place = _place(path, folder)
    _write(place / f"{session_id}.jsonl", _earlier(records, until), session_id, changed)
    for agent in of_subagents(path):
        if done := list(_earlier(load(agent), until)):
            copied = place / session_id / "subagents" / agent.name
            _write(copied, done, session_id, changed)
            _copy_kind(agent, copied)
    return session_id


def _earlier(records: Iterable[Record], until: str) -> Iterator[Record]:
    """The records that were written by then; one without a time belongs to the one before it."""
    at = ""
    for record in records:
        at = str(record.get("timestamp") or at)
        if at <= until:
            yield record


def _write(path: Path, records: Iterable[Record], session_id: str, changed: Mapping[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(_renamed(record, session_id), ensure_ascii=False) + "\n" for record in records)
    for old, new in changed.items():
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8", errors="replace")
    moment = time.time() - UNTOUCHED
    os.utime(path, (moment, moment))


def _renamed(record: Record, new_id: str) -> Record:
    return {**record, "sessionId": new_id} if "sessionId" in record else record


def _copy_kind(agent: Path, copied: Path) -> None:
    """The subagent's type stands in a file beside its transcript."""
    kind = agent.with_suffix(".meta.json")
    if kind.exists():
        copied.with_suffix(".meta.json").write_bytes(kind.read_bytes())
