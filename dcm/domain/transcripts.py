"""What a transcript's records say. The format is the client's own and may change: what is not known is passed over.

Shapes seen: hooks specification, section 8.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dcm.domain import turns
from dcm.domain.texts import storable

DEEPEST = 200
"""Levels of lists and objects in a record that is read; Claude Code writes a dozen."""


@dataclass(frozen=True, slots=True)
class TranscriptFacts:
    """What a transcript adds to the hooks. Empty when nothing could be read."""

    last_words: str = ""
    branch: str = ""
    first_prompt: str = ""


def records(lines: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
    """The records of a transcript's lines; half-written and unknown lines are passed over."""
    for line in lines:
        if (record := parsed(line)) is not None:
            yield record


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


def facts(found: Iterable[Mapping[str, Any]]) -> TranscriptFacts:
    """What the agent said last, its branch and the first prompt, of the main conversation."""
    last_words = branch = first_prompt = ""
    for record in found:
        if record.get("isSidechain"):
            continue
        branch = _branch(record) or branch
        if record.get("type") == "assistant":
            last_words = said(record) or last_words
        elif record.get("type") == "user" and _is_prompt(record):
            first_prompt = first_prompt or said(record)
    return TranscriptFacts(last_words, branch, first_prompt)


def summary_since(found: Iterable[Mapping[str, Any]], moment: datetime) -> str:
    """The client's newest summary of a compaction that was written at a moment or later; empty when there is none."""
    told = ""
    for record in found:
        written = turns.moment(record)
        if record.get("isCompactSummary") and not record.get("isSidechain") and written and written >= moment:
            told = said(record) or told
    return told


def _branch(record: Mapping[str, Any]) -> str:
    """The branch of a record; the client says HEAD where there is none."""
    name = _text(record.get("gitBranch"))
    return "" if name == "HEAD" else name


def _is_prompt(record: Mapping[str, Any]) -> bool:
    return not (record.get("isMeta") or record.get("isCompactSummary") or "toolUseResult" in record)


def said(record: Mapping[str, Any]) -> str:
    """The text of a message, without its tool calls and results."""
    message = record.get("message")
    content = message.get("content") if isinstance(message, Mapping) else None
    if isinstance(content, str):
        return storable(content).strip()
    blocks = content if isinstance(content, list) else []
    texts = [_text(block.get("text")) for block in blocks if isinstance(block, Mapping)]
    return "\n".join(text for text in texts if text).strip()


def _text(value: object) -> str:
    return storable(value) if isinstance(value, str) else ""
