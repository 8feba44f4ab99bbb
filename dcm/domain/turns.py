"""What stands between two pieces of a transcript, and the events that are told of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

Record = Mapping[str, Any]

EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
"""Records from before are passed over: each month that is told of gets tables of its own."""

AHEAD = timedelta(minutes=1)
"""What is dated further in the future than this is passed over: the teller's clock may be before ours."""


class Past(TypedDict):
    """A hook payload and when its event happened."""

    at: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Agent:
    """The subagent a transcript is of."""

    id: str
    type: str
    transcript_path: str


@dataclass(slots=True)
class Turn:
    """Where the reading stands. `final`: the answer is the last of its turn. `weighed`: tokens were told.

    `copying`: all answers so far were another session's, which this one was forked from; `copied_at`: the last of them.
    """

    session_id: str = ""
    first_cwd: str = ""
    cwd: str = ""
    first_prompt_id: str = ""
    prompt_id: str = ""
    model: str = ""
    opened_at: str = ""
    copied_at: str = ""
    copying: bool = True
    first_at: str = ""
    last_at: str = ""
    answer: str = ""
    answered_at: str = ""
    answered_prompt_id: str = ""
    final: bool = False
    begun: bool = False
    ended: bool = False
    weighed: bool = False
    calls: dict[str, dict[str, Any]] = field(default_factory=dict)


def moment(record: Record) -> datetime | None:
    """When a record was written, None where it does not say or cannot have been."""
    text = record.get("timestamp")
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None and at >= EARLIEST else None
