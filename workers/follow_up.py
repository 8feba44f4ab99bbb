"""Send the work that a committed batch asks for: briefs for compactions, readings of transcripts, looks at contexts."""

from collections.abc import Iterator

from dcm.broker import DEFAULT, FORGOTTEN_S, enqueue, enqueue_later, reading_key, watch_key
from dcm.domain.hook_events import HookEvent
from workers import running
from workers.batch import Written

broker = running.broker()

WATCH_EVERY = 10
"""Finished tool calls between two looks at the size of a session's context."""

READ_AT = frozenset(
    {"SessionStart", "UserPromptSubmit", "Stop", "StopFailure", "SubagentStop", "PreCompact", "SessionEnd"}
)
"""Events at which a session's transcripts are read on."""

LATER_MS = 3000
"""Milliseconds from what asks for a reading or a look to it, which gives hooks time and makes one of many."""


def follow_up(written: Written) -> None:
    """Send it; of the readings and looks at most one waits for a session."""
    for event in written.events:
        if not event.recovered:
            _of_event(event)
    for message_id in written.messages:
        enqueue(broker, DEFAULT, "call_subscribers", message_id)
    _ask(sorted({*_readings(written), *_looks(written)}))


def _of_event(event: HookEvent) -> None:
    moment = event.at.isoformat()
    if event.name == "PreCompact":
        enqueue(broker, DEFAULT, "make_brief", event.session_id, moment, event.text("trigger") or "auto")
    elif event.name == "PostCompact":
        enqueue(broker, DEFAULT, "settle_compaction", event.session_id, moment, event.text("trigger") or "auto")
    elif event.name == "SubagentStart" and event.agent_id:
        enqueue(broker, DEFAULT, "brief_subagent", event.session_id, event.agent_id, moment)


def _readings(written: Written) -> Iterator[tuple[str, str, str]]:
    """(key, actor, session) of the sessions at a turn of which a hook told."""
    for event in written.events:
        if event.name in READ_AT and not event.recovered:
            yield reading_key(event.session_id), "read_transcript", event.session_id


def _looks(written: Written) -> Iterator[tuple[str, str, str]]:
    """(key, actor, session) of the sessions that have used many tools since the last look."""
    for session_id, used in written.tools_used.items():
        if used // WATCH_EVERY > written.tools_before[session_id] // WATCH_EVERY:
            yield watch_key(session_id), "watch_context", session_id


def _ask(wanted: list[tuple[str, str, str]]) -> None:
    if not wanted:
        return
    pipeline = running.valkey().pipeline(transaction=False)
    for key, _, _ in wanted:
        pipeline.set(key, 1, nx=True, ex=FORGOTTEN_S)
    for (_, actor, session_id), first in zip(wanted, pipeline.execute(), strict=True):
        if first:
            enqueue_later(broker, LATER_MS, DEFAULT, actor, session_id)
