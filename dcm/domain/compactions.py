"""Whose conversation a compaction is of: the main one's or a subagent's.

The client's PreCompact, SessionStart(compact) and PostCompact say the same in both cases, and the
`compact_boundary` record that tells reaches a transcript only after PostCompact was answered. So the
first decision is made from what is known to run, and what it leaves open is settled by the boundary.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

MANUAL = "manual"

PROACTIVE, RESUMED, RESTORED, SAVED = "proactive", "resume", "restore", "save"
"""What else a brief is made for: before a compaction, for a session that goes on, and when a program asks or saves."""

NO_COMPACTIONS = frozenset({PROACTIVE, RESUMED, RESTORED, SAVED})
"""Triggers of a brief of the main conversation that no compaction is waiting for."""

CLOCK_SLACK = timedelta(seconds=0.5)
"""How much earlier than its PreCompact was stamped a boundary may claim to be."""

GIVEN_SLACK = timedelta(seconds=2)
"""How much earlier than its boundary a brief may have been given to the conversation that has it."""


class Subject(StrEnum):
    """Whose conversation is compacted."""

    MAIN = "main"
    SUBAGENT = "subagent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Running:
    """What is known to run in a session while a compaction begins.

    `subagents`: started and not stopped. `agent_calls`: Agent tool calls of the main conversation
    that have not ended in this turn. `others`: other compactions that have begun and are not over.
    """

    subagents: int
    agent_calls: int
    others: int


def subject(trigger: str, running: Running) -> Subject:
    """Whose compaction it is, as far as that can be known before its boundary is written.

    A person types a manual one into the main conversation. While the main one waits for an Agent
    call, it makes no model call that could fill its window. With a subagent in the background both may.
    """
    if trigger in NO_COMPACTIONS or running.subagents == 0:
        return Subject.MAIN
    if running.others:
        return Subject.UNKNOWN
    if trigger == MANUAL:
        return Subject.MAIN
    return Subject.SUBAGENT if running.agent_calls else Subject.UNKNOWN


def newest_boundary(records: Iterable[Mapping[str, Any]]) -> datetime | None:
    """When the newest compaction boundary among a transcript's records was written."""
    newest = None
    for record in records:
        if record.get("type") == "system" and record.get("subtype") == "compact_boundary":
            newest = _time(record.get("timestamp")) or newest
    return newest


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
