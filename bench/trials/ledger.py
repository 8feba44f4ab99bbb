"""What was sent and what was acknowledged: the promise that the database is held to."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

TOOL = "tool"
"""Stands for the event of a finished tool call, whichever way it ended: it is known by its tool call."""

TOLD_BY_TRANSCRIPTS = frozenset({TOOL, "UserPromptSubmit", "Stop", "SubagentStart", "SubagentStop", "SessionStart"})
"""Events that a transcript tells too."""


class Key(NamedTuple):
    """What an event is known by: its session, its event, and a name it has there alone."""

    session_id: str
    event: str
    name: str


@dataclass(slots=True)
class Ledger:
    """Events by key. `acknowledged` holds, of those not yet found in the database, when each was answered 200."""

    sent: int = 0
    answered: int = 0
    acknowledged: dict[Key, float] = field(default_factory=dict)
    stored: set[Key] = field(default_factory=set)
    messages: set[str] = field(default_factory=set)
    last_answer: float = 0.0

    def answer(self, key: Key, now: float) -> None:
        """An event was answered with 200; a second copy of one that was is nothing new."""
        self.last_answer = now
        if key not in self.stored and key not in self.acknowledged:
            self.answered += 1
            self.acknowledged[key] = now

    def found(self, keys: Collection[Key]) -> None:
        """These are in the database."""
        for key in keys:
            if self.acknowledged.pop(key, None) is not None:
                self.stored.add(key)
