"""The compactions in transcripts: what came before each, the client's summary, and what was used next."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sessions import facts as shapes
from sessions.facts import Boundary

from measure.names import Name, Record, all_names, tool_calls

WINDOW, FEWEST_CALLS, FEWEST_NAMES = 40, 20, 4
"""Tool calls after a compaction that are looked at; calls before it and names used again that make it worth asking."""


class NoCases(Exception):
    """There is nothing to measure; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Case:
    """A compaction worth measuring. `planted` is there for generated sessions."""

    transcript: Path
    number: int
    at: str
    before: Sequence[Record]
    summary: str
    next_names: frozenset[Name]
    recent_names: frozenset[Name]
    planted: Boundary | None
    beside: tuple[Path, ...] = ()
    home: str = ""
    trees: tuple[tuple[str, str], ...] = ()

    @property
    def title(self) -> str:
        """What to call it in a table."""
        return f"{self.transcript.stem[:8]}#{self.number}"


def cases(folders: Sequence[Path]) -> list[Case]:
    """Every case in these folders and files, oldest first.

    Raises:
        NoCases: there is none.
    """
    files = [file for folder in folders for file in (sorted(folder.rglob("*.jsonl")) if folder.is_dir() else [folder])]
    main = [file for file in files if file.parent.name != "subagents"]
    found = [case for file in main for case in _of_file(file)]
    if not found:
        raise NoCases(
            f"No compaction to measure in {', '.join(map(str, folders))}: {len(main)} transcripts were read. It takes "
            f"one with {FEWEST_CALLS} tool calls before a compaction and {FEWEST_NAMES} files or commands used again "
            "after it. Make some with `bench/brief.py DIR --generate 12`, or give a folder of ~/.claude/projects."
        )
    return sorted(found, key=lambda case: case.at)


def load(path: Path) -> list[dict[str, Any]]:
    """The records of a transcript; lines that cannot be read are passed over."""
    found = []
    for line in path.read_bytes().splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            found.append(record)
    return found


def _of_file(path: Path) -> Iterator[Case]:
    records = load(path)
    ends = [index for index, record in enumerate(records) if record.get("isCompactSummary")]
    planted = shapes.beside(path)
    for number, index in enumerate(ends):
        before = records[:index]
        after = list(tool_calls(records[index + 1 : [*ends, len(records)][number + 1]]))[:WINDOW]
        calls = list(tool_calls(before))
        wanted = all_names(after) & all_names(calls)
        if len(calls) < FEWEST_CALLS or len(wanted) < FEWEST_NAMES:
            continue
        yield Case(
            transcript=path,
            number=number + 1,
            at=str(records[index].get("timestamp", "")),
            before=before,
            summary=text_of(records[index]),
            next_names=frozenset(wanted),
            recent_names=frozenset(all_names(calls[-WINDOW:])),
            planted=planted.boundaries[number] if planted and number < len(planted.boundaries) else None,
            beside=tuple((path.parent / name).resolve() for name in planted.beside) if planted else (),
            home=planted.home if planted else "",
            trees=planted.trees if planted else (),
        )


def text_of(record: Record) -> str:
    """What a record shows, long inputs and results cut."""
    message = record.get("message")
    content = message.get("content") if isinstance(message, Mapping) else None
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "\n".join(text for block in blocks if isinstance(block, Mapping) if (text := _block(block)))


def _block(block: Mapping[str, Any]) -> str:
    kind = block.get("type")
    if kind == "text":
        return str(block.get("text", ""))
    if kind == "tool_use":
        return json.dumps(block.get("input"), ensure_ascii=False)[:600]
    result = block.get("content") if kind == "tool_result" else ""
    return (result if isinstance(result, str) else json.dumps(result, ensure_ascii=False))[:600]


_NOT_TYPED = ("<task-notification>", "<command-", "<local-command-", "<bash-", "[Request interrupted")
_REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>", re.DOTALL)


def prompts(records: Sequence[Record]) -> list[str]:
    """What the user typed, without what the client puts there."""
    typed = [
        record
        for record in records
        if record.get("type") == "user"
        and not (record.get("isMeta") or record.get("isCompactSummary") or "toolUseResult" in record)
        and not record.get("isSidechain")
    ]
    texts = [_REMINDER.sub("", text_of(record)).strip() for record in typed]
    return [text for text in texts if text and not text.startswith(_NOT_TYPED)]
