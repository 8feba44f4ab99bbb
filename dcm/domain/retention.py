"""How long what kind of thing is kept."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

from dcm.domain.errors import SettingsError

EVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Since when that is kept which is kept for ever."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Days that each kind of thing is kept, 0 for ever.

    `sessions` with their requests, subtasks and contexts; `scores` of words nobody used; `events` are what a
    WebSocket client is told that comes back.
    """

    actions: int = 90
    hook_events: int = 90
    sessions: int = 365
    briefs: int = 90
    messages: int = 30
    usage: int = 730
    scores: int = 180
    rejected: int = 30
    events: int = 7


@dataclass(frozen=True, slots=True)
class Since:
    """The moment since when each kind of thing is kept."""

    actions: datetime
    hook_events: datetime
    sessions: datetime
    briefs: datetime
    messages: datetime
    usage: datetime
    scores: datetime
    rejected: datetime
    events: datetime


MOST_DAYS = 36_500
"""The longest that is taken but for ever."""


def keep(text: str) -> Keep:
    """The days that a setting such as `actions=30,events=3` names, the others as they are by default.

    Raises:
        SettingsError: the message says what is wrong.
    """
    days: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        kind, _, number = (piece.strip() for piece in part.partition("="))
        if kind not in KINDS or not number.isdecimal() or int(number) > MOST_DAYS:
            raise SettingsError(
                f"DCM_KEEP_DAYS says {part!r}: give kinds with days, such as actions=30,events=3; 0 is for ever. "
                f"The kinds are {', '.join(KINDS)}."
            )
        days[kind] = int(number)
    return Keep(**days)


def checked(text: str) -> str:
    """The setting as it is kept.

    Raises:
        SettingsError: the message says what is wrong.
    """
    keep(text)
    return text.strip()


KINDS = tuple(item.name for item in fields(Keep))
"""What has days of its own."""


def since(days: int, now: datetime) -> datetime:
    """Since when that is kept which is kept for so many days."""
    return now - timedelta(days=days) if days else EVER


def cutoffs(keep: Keep, now: datetime) -> Since:
    """The moments of the days; a session stays as long as its tool calls, hook events and briefs do."""
    own = {name: since(getattr(keep, name), now) for name in KINDS}
    of_session = min(own[name] for name in ("actions", "hook_events", "sessions", "briefs"))
    return Since(**own | {"sessions": of_session})


def everything(days: int, now: datetime) -> Since:
    """The moments when all kinds are kept for the same days."""
    return Since(**dict.fromkeys(KINDS, since(days, now)))
