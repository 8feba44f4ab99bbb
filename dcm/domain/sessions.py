"""What a batch of events says of its sessions. Merging is order-independent: later facts win by their time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dcm.domain.hook_events import ACTIVITY, HookEvent


@dataclass(frozen=True, slots=True)
class SessionSeen:
    """What a batch tells of one session. `first_cwd` is where it was first; the other facts have their times."""

    id: str
    first_at: datetime
    last_at: datetime
    active_at: datetime | None
    ended_at: datetime | None
    first_cwd: str | None
    cwd: str | None
    cwd_at: datetime | None
    transcript_path: str | None
    transcript_path_at: datetime | None
    model: str | None
    model_at: datetime | None
    source: str | None
    source_at: datetime | None
    end_reason: str | None
    end_reason_at: datetime | None


def seen(events: list[HookEvent]) -> list[SessionSeen]:
    """One row a session, sorted by id."""
    by_session: dict[str, list[HookEvent]] = {}
    for event in events:
        if event.session_id:
            by_session.setdefault(event.session_id, []).append(event)
    return [_session(by_session[session_id]) for session_id in sorted(by_session)]


def _session(events: list[HookEvent]) -> SessionSeen:
    in_time = sorted(events, key=lambda event: event.at)
    main = [event for event in in_time if not event.agent_id]
    starts = [event for event in in_time if event.name == "SessionStart"]
    ends = [event for event in in_time if event.name == "SessionEnd"]
    cwd, cwd_at = _latest((event.cwd, event.at) for event in main)
    transcript_path, transcript_path_at = _latest((event.transcript_path, event.at) for event in main)
    model, model_at = _latest((event.text("model"), event.at) for event in starts)
    source, source_at = _latest((event.text("source"), event.at) for event in starts)
    end_reason, end_reason_at = _latest((event.text("reason"), event.at) for event in ends)
    return SessionSeen(
        id=in_time[0].session_id,
        first_at=in_time[0].at,
        last_at=in_time[-1].at,
        active_at=max((event.at for event in in_time if event.name in ACTIVITY), default=None),
        ended_at=ends[-1].at if ends else None,
        first_cwd=next((event.cwd for event in in_time if event.cwd), None),
        cwd=cwd,
        cwd_at=cwd_at,
        transcript_path=transcript_path,
        transcript_path_at=transcript_path_at,
        model=model,
        model_at=model_at,
        source=source,
        source_at=source_at,
        end_reason=end_reason,
        end_reason_at=end_reason_at,
    )


def _latest(told: Iterable[tuple[str, datetime]]) -> tuple[str, datetime] | tuple[None, None]:
    """The last value that is not empty and when it was told."""
    found: tuple[str, datetime] | tuple[None, None] = (None, None)
    for value, at in told:
        found = (value, at) if value else found
    return found
