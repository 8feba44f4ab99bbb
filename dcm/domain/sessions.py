"""What a batch of events says of its sessions. Merging is order-independent: later facts win by their time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dcm.domain.hook_events import ACTIVITY, HookEvent


@dataclass(frozen=True, slots=True)
class SessionSeen:
    """What a batch tells of one session."""

    id: str
    first_at: datetime
    last_at: datetime
    active_at: datetime | None
    ended_at: datetime | None
    cwd: str | None
    transcript_path: str | None
    model: str | None
    source: str | None
    end_reason: str | None


def seen(events: list[HookEvent]) -> list[SessionSeen]:
    """One row a session, sorted by id."""
    by_session: dict[str, list[HookEvent]] = {}
    for event in events:
        by_session.setdefault(event.session_id, []).append(event)
    return [_session(by_session[session_id]) for session_id in sorted(by_session)]


def _session(events: list[HookEvent]) -> SessionSeen:
    in_time = sorted(events, key=lambda event: event.at)
    return SessionSeen(
        id=in_time[0].session_id,
        first_at=in_time[0].at,
        last_at=in_time[-1].at,
        active_at=max((event.at for event in in_time if event.name in ACTIVITY), default=None),
        ended_at=max((event.at for event in in_time if event.name == "SessionEnd"), default=None),
        cwd=_latest(event.cwd for event in in_time if not event.agent_id),
        transcript_path=_latest(event.transcript_path for event in in_time if not event.agent_id),
        model=_latest(event.text("model") for event in in_time if event.name == "SessionStart"),
        source=_latest(event.text("source") for event in in_time if event.name == "SessionStart"),
        end_reason=_latest(event.text("reason") for event in in_time if event.name == "SessionEnd"),
    )


def _latest(values: Iterable[str]) -> str | None:
    """The last value that is not empty."""
    found = None
    for value in values:
        found = value or found
    return found
