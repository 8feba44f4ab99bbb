"""Make briefs before they are asked for."""

import contextlib
import json
import logging
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import dramatiq

from db import (
    actions,
    blocking,
    briefs,
    compact,
    compactions,
    hook_events,
    messages,
    publish,
    requests,
    sessions,
    subtasks,
)
from db.pool import Conn
from dcm.broker import DEFAULT
from dcm.domain import briefs as brief_rules
from dcm.domain import tool_calls
from dcm.domain import transcripts as transcript_rules
from dcm.domain.actions import unpacked
from dcm.domain.compactions import Subject, subject
from dcm.domain.events import Event
from dcm.domain.snapshots import AgentState, Asked, Blocked, Note, Snapshot
from dcm.domain.tools import AGENT_TOOLS, DECISION_TOOLS, LIST_TOOLS, READING_TOOLS, WRITING_TOOLS, one_line
from workers import readings, running, transcripts

logger = logging.getLogger("dcm.briefs")
broker = running.broker()

CALLS_LIMIT, PROMPTS_LIMIT, SUBTASKS_LIMIT, MESSAGES_LIMIT = 2000, 30, 20, 10
"""How much of a session is read for a snapshot: its newest rows."""

ALWAYS_READ = WRITING_TOOLS | LIST_TOOLS | DECISION_TOOLS
"""Tools of which every call is read: what they settled holds however long ago it was."""


@dramatiq.actor(queue_name=DEFAULT, max_retries=3)
def make_brief(session_id: str, made_for: str, trigger: str) -> None:
    """Assemble the snapshot of a session as it was at `made_for` (ISO time) and store the brief made of it."""
    with running.pool().connection() as conn:
        readings.before_brief(conn, session_id)
        snapshot = assemble(conn, session_id, datetime.fromisoformat(made_for), trigger)
        if snapshot is None:
            logger.warning("no brief: the session is not known", extra={"session": session_id})
            return
        whose = subject(trigger, compactions.running(conn, session_id, snapshot.saved_at))
        with conn.transaction():
            brief_id = briefs.keep(conn, snapshot, brief_rules.brief(snapshot), whose)
            if whose == Subject.MAIN:
                compact.save(conn, session_id, snapshot.role_context())
            publish.publish(conn, _told(snapshot, brief_id, whose))


def _told(snapshot: Snapshot, brief_id: uuid.UUID, whose: Subject) -> list[Event]:
    data = {"id": str(brief_id), "session_id": snapshot.session_id, "trigger": snapshot.trigger, "subject": str(whose)}
    return [Event(name, data, session_id=snapshot.session_id) for name in ("compact.saved", "brief.ready")]


def assemble(conn: Conn, session_id: str, until: datetime, trigger: str) -> Snapshot | None:
    """The snapshot of a session up to a moment, None when it is not known."""
    facts = sessions.facts(conn, session_id)
    if facts is None:
        return None
    calls = [_call(trace) for trace in actions.traces(conn, session_id, until, CALLS_LIMIT, ALWAYS_READ)]
    said = transcript_rules.facts(transcripts.tail(facts.transcript_path))
    changed = tool_calls.files_changed(calls)
    return Snapshot(
        session_id=session_id,
        trigger=trigger,
        saved_at=until,
        folder=facts.worktree or facts.cwd or "",
        branch=said.branch,
        asked=[Asked(p.text, p.at) for p in requests.prompts(conn, session_id, until, PROMPTS_LIMIT)]
        or ([Asked(said.first_prompt, facts.started_at)] if said.first_prompt else []),
        decisions=tool_calls.decisions(calls),
        changed=changed,
        read=tool_calls.files_read(calls, changed),
        commands=tool_calls.commands(calls),
        open_errors=tool_calls.open_errors(call for call in calls if call.tool not in AGENT_TOOLS),
        tasks=tool_calls.todo_list(calls),
        agents=[_agent(state) for state in subtasks.of_session(conn, session_id, until, SUBTASKS_LIMIT)],
        notes=[_note(m) for m in messages.unread(conn, session_id, MESSAGES_LIMIT)],
        blocked=[_blocked(block) for block in blocking.of_session(conn, session_id)],
        last_words=said.last_words or _last_answer(conn, session_id, until),
        context_summary=one_line(said.last_words, 500),
        tool_calls=facts.total_tools_used,
    )


def _call(trace: actions.Trace) -> tool_calls.ToolCall:
    return tool_calls.ToolCall(
        tool=trace.tool,
        asked=_object(trace.input),
        got={} if trace.tool in READING_TOOLS else _object(trace.output),
        file_paths=trace.file_paths,
        success=trace.success,
        error=trace.error or "",
        at=trace.at,
        by_subagent=trace.agent_id is not None,
    )


def _object(stored: bytes | None) -> Mapping[str, Any]:
    with contextlib.suppress(ValueError):
        value = json.loads(unpacked(stored) or "{}")
        if isinstance(value, dict):
            return value
    return {}


def _agent(state: subtasks.SubtaskState) -> AgentState:
    return AgentState(
        agent_id=state.agent_id,
        agent_type=state.agent_type or "",
        status=state.status,
        task=state.description or "",
        summary=state.result or "",
    )


def _note(message: messages.Message) -> Note:
    text = message.payload.get("result_summary") or message.payload.get("message") or json.dumps(message.payload)
    return Note(message.from_agent_id or "system", message.topic or "general", str(text))


def _blocked(block: Mapping[str, Any]) -> Blocked:
    return Blocked(block["blocked_agent"], block["blocked_by"], block["reason"] or "")


def _last_answer(conn: Conn, session_id: str, until: datetime) -> str:
    stops = hook_events.latest(conn, session_id, ["Stop"], until, 1)
    answer = stops[0].get("last_assistant_message") if stops else None
    return answer if isinstance(answer, str) else ""
