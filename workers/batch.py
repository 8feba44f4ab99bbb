"""Write a batch of accepted events in one transaction."""

import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from db import (
    actions,
    forgetting,
    hook_events,
    messages,
    partitions,
    projects,
    publish,
    requests,
    scores,
    search,
    sessions,
    subagents,
    subtasks,
)
from db.pool import Conn
from db.search import ActionEntry
from dcm.domain import actions as action_rules
from dcm.domain import requests as request_rules
from dcm.domain import scores as score_rules
from dcm.domain import sessions as session_rules
from dcm.domain import subagents as subagent_rules
from dcm.domain import subtasks as subtask_rules
from dcm.domain.actions import Action
from dcm.domain.events import Event
from dcm.domain.hook_events import DOUBLE_FIRING, PARTS, TOOL_STARTED, HookEvent, is_double, partings, without_doubles
from dcm.domain.ids import request_id, wave_id
from dcm.domain.subagents import SubtaskSeen
from dcm.domain.subtasks import SubtaskChange
from dcm.domain.tools import one_line
from workers import recovered
from workers.places import place_of


@dataclass(slots=True)
class Written:
    """What a batch did, for the work that follows its commit.

    `events`: those of the batch that are stored, once each, redelivered ones included.
    `tools_used`: {session: finished tool calls so far}, of the sessions that had some in this batch.
    `tools_before`: the same before this batch. `messages`: the ids of those it stored.
    """

    events: list[HookEvent]
    tools_used: dict[str, int] = field(default_factory=dict)
    tools_before: dict[str, int] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)


def write(conn: Conn, batch: Sequence[HookEvent], message_ttl_ms: int) -> Written:
    """Store a batch; what is stored already is left alone. The caller holds the shard's lock.

    What hooks report goes before what transcripts tell, of which only the rest is stored.
    """
    distinct = without_doubles(sorted(batch, key=lambda event: (event.recovered, event.at, event.entry_id)))
    partitions.ensure(conn, _new_months(distinct))
    _months_made.update(_month(event) for event in distinct)
    with conn.transaction():
        distinct = forgetting.without_forgotten(conn, distinct)
        new, redelivered = _sort_out(conn, [event for event in distinct if not event.recovered])
        written = Written(events=new + redelivered)
        if new:
            hook_events.give_way(conn, new)
            _write_new(conn, new, written, message_ttl_ms)
        if missed := recovered.missed(conn, [event for event in distinct if event.recovered]):
            written.events += missed
            _write_new(conn, missed, written, message_ttl_ms)
    return written


_months_made: set[tuple[int, int]] = set()


def _month(event: HookEvent) -> tuple[int, int]:
    return event.at.year, event.at.month


def _new_months(events: Sequence[HookEvent]) -> list[datetime]:
    """Moments whose month may be missing: one that is over may have been dropped since it was made."""
    today = datetime.now(UTC)
    now = (today.year, today.month)
    return [event.at for event in events if _month(event) not in _months_made or _month(event) < now]


def _sort_out(conn: Conn, events: Sequence[HookEvent]) -> tuple[list[HookEvent], list[HookEvent]]:
    """(events not stored yet, events stored by an earlier delivery of the same entry)."""
    ended = actions.known(conn, {event.key for event in events if event.ends_tool or event.name == TOOL_STARTED})
    logged = hook_events.known(conn, {event.key for event in events if not event.ends_tool})
    parted = _partings(conn, events)
    new, redelivered = [], []
    for event in events:
        parting = parted.get((event.session_id, event.name), ())
        times = logged.get((event.session_id, event.name, event.key), [])
        if event.at in times:
            redelivered.append(event)
        elif any(is_double(event, earlier, parting) for earlier in times) or (event.session_id, event.key) in ended:
            continue
        else:
            new.append(event)
    return new, redelivered


def _partings(conn: Conn, events: Sequence[HookEvent]) -> dict[tuple[str, str], list[datetime]]:
    """What parts the events of compactions, of this batch and stored."""
    told = [(event.session_id, event.name, event.at) for event in events if event.name in PARTS]
    if not told:
        return {}
    since = min(at for _, _, at in told) - DOUBLE_FIRING
    return partings([*told, *hook_events.compactions(conn, {session_id for session_id, _, _ in told}, since)])


def _write_new(conn: Conn, new: list[HookEvent], written: Written, message_ttl_ms: int) -> None:
    told = _sessions(conn, new)
    ended = [event for event in new if event.ends_tool]
    _log(conn, new, ended)
    told += _requests(conn, new)
    told += _subtasks(conn, new, message_ttl_ms)
    rows = [action_rules.of_event(event) for event in ended]
    actions.insert(conn, rows)
    search.keep(conn, [ActionEntry(row.id, row.session_id, row.created_at, row.findable) for row in rows])
    _count(conn, rows, written)
    _score(conn, rows)
    told += [action_rules.announcement(row) for row in rows]
    _file(conn, new)
    _settle(conn, new)
    written.messages += [event.data["id"] for event in told if event.name == "message.new"]
    publish.publish(conn, told)


def _sessions(conn: Conn, new: Sequence[HookEvent]) -> list[Event]:
    seen = session_rules.seen(list(new))
    roots = {row.id: place_of(row.first_cwd) for row in seen if row.first_cwd}
    trees = {row.id: place_of(row.cwd).worktree for row in seen if row.cwd}
    ids = projects.ensure(conn, {place.project: place.name for place in roots.values()})
    changes = sessions.upsert(
        conn,
        seen,
        {
            session_id: sessions.SessionPlace(session_id, ids[place.project], trees.get(session_id))
            for session_id, place in roots.items()
        },
    )
    names = {session_id: place.name for session_id, place in roots.items()}
    told = []
    for change in changes:
        data = {"id": change.id, "session_id": change.id, "project_id": change.project_id}
        if change.created:
            told.append(Event("session.created", data | {"project_name": names.get(change.id)}, session_id=change.id))
        if change.ended:
            told.append(Event("session.ended", data, session_id=change.id))
    return told


def _log(conn: Conn, new: Sequence[HookEvent], ended: Sequence[HookEvent]) -> None:
    over = {(event.session_id, event.tool_use_id) for event in ended if event.tool_use_id}
    kept = [
        e for e in new if not e.ends_tool and not (e.name == TOOL_STARTED and (e.session_id, e.tool_use_id) in over)
    ]
    hook_events.insert(conn, kept)
    hook_events.end_tools(conn, sorted(over))


def _requests(conn: Conn, new: Sequence[HookEvent]) -> list[Event]:
    rows = request_rules.seen(list(new))
    first_told = requests.upsert(conn, rows)
    return [
        Event(
            "request.created",
            {"id": str(row.id), "session_id": row.session_id, "prompt": one_line(row.prompt, 300)},
            session_id=row.session_id,
        )
        for row in rows
        if row.seen and str(row.id) in first_told
    ]


def _homes(conn: Conn, new: Sequence[HookEvent]) -> dict[tuple[str, datetime], uuid.UUID]:
    """The waves of what is told of subagents without a prompt id, by session and moment."""
    events = request_rules.unnumbered(list(new))
    if not events:
        return {}
    found = requests.newest_at(conn, [(event.session_id, event.at) for event in events])
    homeless = [event for event, home in zip(events, found, strict=True) if home is None]
    requests.upsert(conn, request_rules.placeholders(homeless))
    return {
        (event.session_id, event.at): wave_id(home or request_rules.of_event(event))
        for event, home in zip(events, found, strict=True)
    }


def _file(conn: Conn, new: Sequence[HookEvent]) -> None:
    """File the subtasks of no named prompt under the newest one before them, whenever either came to be known."""
    unnumbered = request_rules.unnumbered(list(new))
    since: dict[str, datetime] = {}
    for event in [*unnumbered, *filter(request_rules.opens, new)]:
        since[event.session_id] = min(event.at, since.get(event.session_id, event.at))
    moved = subagents.unnumbered(conn, since) if since else []
    homes = requests.newest_at(conn, [(one.session_id, one.created_at) for one in moved]) if moved else []
    nobodys = {session_id: request_id(session_id, request_rules.NO_PROMPT) for session_id in since}
    waves = {one.id: wave_id(home or nobodys[one.session_id]) for one, home in zip(moved, homes, strict=True)}
    away = {one.id: waves[one.id] for one in moved if waves[one.id] != one.task_list_id}
    if away:
        subagents.move(conn, away)
    if away or unnumbered:
        requests.forget_idle_placeholders(conn, list(nobodys.values()))


def _settle(conn: Conn, new: Sequence[HookEvent]) -> None:
    """End the requests whose turn is over, and those no longer that a prompt since them was in fact ended for."""
    opened = {event.session_id for event in [*request_rules.unnumbered(list(new)), *filter(request_rules.opens, new)]}
    stopped = {event.session_id for event in new if event.name in {"Stop", "StopFailure"}}
    if opened:
        requests.reopen(conn, sorted(opened))
    if opened | stopped:
        requests.settle(conn, sorted(opened | stopped))


def _subtasks(conn: Conn, new: Sequence[HookEvent], message_ttl_ms: int) -> list[Event]:
    told: list[Event] = []
    homes = _homes(conn, new)
    named: set[str] = set()
    for event in subagent_rules.telling(new):
        seen = subagent_rules.seen(event)
        if seen and not event.prompt_id:
            seen = replace(seen, task_list_id=homes[event.session_id, event.at])
        for change in _merged(conn, seen, told) if seen else []:
            if change.was is None and change.description is None:
                named.add(event.session_id)
            told += subtask_rules.announcements(change)
            told += _announce(conn, change, message_ttl_ms)
    if named:
        subtasks.describe_unnamed(conn, sorted(named))
    return told


def _merged(conn: Conn, seen: SubtaskSeen, told: list[Event]) -> Iterator[SubtaskChange]:
    """Merge what an event tells; the end of a call finds its subagent, a new subagent the call that was waiting."""
    if seen.agent_id is None:
        seen = subagents.placed(conn, seen)
    elif seen.tool_use_id:
        subagents.claim(conn, seen)
    change = subtasks.merge(conn, seen)
    if change is None:
        return
    first_heard_of = seen.tool_use_id is None and (change.was is None or seen.started_at is not None)
    waiting = subagents.take_call(conn, seen) if first_heard_of else None
    yield change
    if waiting is None:
        return
    call, gone = waiting
    told += subtask_rules.deleted(gone)
    if message := subtask_rules.ending(gone):
        subagents.forget_message(conn, message.id)
    if merged := subtasks.merge(conn, call):
        yield merged


def _announce(conn: Conn, change: SubtaskChange, message_ttl_ms: int) -> list[Event]:
    message = subtask_rules.message(change)
    if message is None or not messages.announce(conn, message, message_ttl_ms):
        return []
    return [subtask_rules.message_event(message)]


def _count(conn: Conn, rows: Sequence[Action], written: Written) -> None:
    if not rows:
        return
    good = Counter(row.session_id for row in rows if row.success)
    bad = Counter(row.session_id for row in rows if not row.success)
    counts = {row.session_id: (good[row.session_id], bad[row.session_id]) for row in rows if row.session_id}
    used = sessions.count_tools(conn, counts)
    written.tools_before = {
        session_id: total - sum(counts[session_id]) for session_id, total in used.items()
    } | written.tools_before
    written.tools_used |= used


def _score(conn: Conn, rows: Sequence[Action]) -> None:
    scores.apply(
        conn,
        score_rules.fold((word, row.tool_name, row.tool_type, row.success) for row in rows for word in row.words),
    )
