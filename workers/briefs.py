"""Make briefs before they are asked for."""

import contextlib
import logging
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import dramatiq
import orjson

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
from dcm import transcript_ends
from dcm.broker import DEFAULT
from dcm.domain import briefs as brief_rules
from dcm.domain import transcripts as transcript_rules
from dcm.domain.actions import unpacked
from dcm.domain.compactions import RESUMED, Subject, subject
from dcm.domain.events import Event
from dcm.domain.facts import background, commands, decisions, demands, errors, files, git, lists, prompts, refusals
from dcm.domain.facts.calls import ToolCall
from dcm.domain.mail import said
from dcm.domain.snapshots import AgentState, Asked, Blocked, Decision, Note, Snapshot
from dcm.domain.tools import AGENT_TOOLS, DECISION_TOOLS, LIST_TOOLS, OUTPUT_TOOLS, SHELL_TOOLS, WRITING_TOOLS, one_line
from workers import readings, running

logger = logging.getLogger("dcm.briefs")
broker = running.broker()

CALLS_LIMIT, PROMPTS_LIMIT, SUBTASKS_LIMIT, MESSAGES_LIMIT, ANSWERS_LIMIT, REFUSALS_LIMIT = 5000, 200, 20, 10, 6, 10
"""How much of a session is read for a snapshot: its newest rows."""

ALWAYS_READ = WRITING_TOOLS | LIST_TOOLS | DECISION_TOOLS
"""Tools of which every call is read: what they settled holds however long ago it was."""

OUTPUT_READ = SHELL_TOOLS | OUTPUT_TOOLS | LIST_TOOLS | DECISION_TOOLS
"""Tools whose output says something that their input does not."""


@dramatiq.actor(broker=broker, queue_name=DEFAULT, max_retries=3)
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
            brief_id = briefs.keep(
                conn,
                snapshot,
                brief_rules.brief(snapshot, _limit(trigger)),
                whose,
            )
            if whose == Subject.MAIN:
                compact.save(conn, session_id, snapshot.role_context())
            publish.publish(conn, _told(snapshot, brief_id, whose))


def _limit(trigger: str) -> int:
    """The characters of a brief: a conversation that goes on as it was needs less than one that was compacted."""
    tokens = running.settings().brief_tokens
    return brief_rules.limit_of(tokens // 2 if trigger == RESUMED else tokens)


def _told(snapshot: Snapshot, brief_id: uuid.UUID, whose: Subject) -> list[Event]:
    data = {"id": str(brief_id), "session_id": snapshot.session_id, "trigger": snapshot.trigger, "subject": str(whose)}
    return [Event(name, data, session_id=snapshot.session_id) for name in ("compact.saved", "brief.ready")]


def assemble(
    conn: Conn,
    session_id: str,
    until: datetime,
    trigger: str,
    *,
    most: int | None = None,
    always: Collection[str] = ALWAYS_READ,
) -> Snapshot | None:
    """The snapshot of a session up to a moment, None when it is not known.

    `most`: of its newest tool calls so many are read, else CALLS_LIMIT. `always`: tools of which every call is read.
    """
    facts = sessions.facts(conn, session_id)
    if facts is None:
        return None
    traces = actions.traces(conn, session_id, until, most or CALLS_LIMIT, always=always, with_output=OUTPUT_READ)
    calls = background.ended(_call(trace, number) for number, trace in enumerate(traces))
    told = _without_secrets(transcript_rules.facts(transcript_ends.tail(facts.transcript_path)))
    asked = _asked(conn, session_id, until) or _first_asked(told.first_prompt, facts.started_at)
    holding, replaced = decisions.current(_settled(conn, session_id, until, asked, calls))
    answers = _answers(conn, session_id, until)
    snapshot = Snapshot(
        session_id=session_id,
        trigger=trigger,
        saved_at=until,
        folder=facts.worktree or facts.cwd or "",
        branch=told.branch,
        asked=decisions.annotated(asked, replaced),
        decisions=holding[::-1],
        agents=[_agent(state) for state in subtasks.of_session(conn, session_id, until, SUBTASKS_LIMIT)],
        notes=[_note(m) for m in messages.unread(conn, session_id, MESSAGES_LIMIT)],
        blocked=[_blocked(block) for block in blocking.of_session(conn, session_id)],
        last_words=told.last_words or next(iter(answers), ""),
        answers=[answer for answer in answers if answer != told.last_words][not told.last_words :],
        context_summary=one_line(told.last_words, 500),
        tool_calls=facts.total_tools_used,
        last_at=max([*(call.at for call in calls[-1:]), *(prompt.at for prompt in asked[-1:])], default=None),
    )
    return _with_what_was_done(snapshot, calls)


def _settled(
    conn: Conn, session_id: str, until: datetime, asked: Sequence[Asked], calls: Sequence[ToolCall]
) -> list[Decision]:
    """What was demanded, decided and refused, oldest first."""
    denied = hook_events.dated(conn, session_id, ["PermissionDenied"], until, REFUSALS_LIMIT)
    refused = [*refusals.decisions(denied), *refusals.of_calls(calls)]
    return sorted([*demands.demands(asked), *lists.decisions(calls), *refused], key=lambda decision: decision.at)


def _with_what_was_done(snapshot: Snapshot, calls: Sequence[ToolCall]) -> Snapshot:
    """The snapshot with all that its tool calls tell."""
    found = files.files(calls, snapshot.folder)
    failed = errors.failures(call for call in calls if call.tool not in AGENT_TOOLS)
    return replace(
        snapshot,
        branch=snapshot.branch or git.branch(calls),
        changed=found.changed,
        used=found.used,
        commands=commands.commands(calls, failed.numbers, snapshot.folder),
        heads=commands.run_heads(calls),
        open_errors=failed.open,
        solved_errors=failed.solved,
        commits=git.commits(calls),
        tasks=lists.todo_list(calls),
    )


def _without_secrets(said: transcript_rules.TranscriptFacts) -> transcript_rules.TranscriptFacts:
    redact = running.redactor().text
    return replace(said, first_prompt=redact(said.first_prompt), last_words=redact(said.last_words))


def _asked(conn: Conn, session_id: str, until: datetime) -> list[Asked]:
    """The prompts, numbered as they were given, without what the client added to them."""
    found = requests.prompts(conn, session_id, until, PROMPTS_LIMIT)
    asked = [Asked(prompts.cleaned(prompt.text), prompt.at, prompt.number) for prompt in found]
    return [prompt for prompt in asked if prompt.text]


def _first_asked(prompt: str, at: datetime) -> list[Asked]:
    return [Asked(prompts.cleaned(prompt), at, 1)] if prompt else []


def _call(trace: actions.Trace, number: int) -> ToolCall:
    return ToolCall(
        tool=trace.tool,
        asked=_object(trace.input),
        got=_object(trace.output),
        file_paths=trace.file_paths,
        success=trace.success,
        error=trace.error or "",
        at=trace.at,
        by_subagent=trace.agent_id is not None,
        number=number,
        interrupted=trace.interrupted,
    )


def _object(stored: bytes | None) -> Mapping[str, Any]:
    with contextlib.suppress(ValueError):
        value = orjson.loads(unpacked(stored) or "{}")
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
    sender, topic = message.from_agent_id or "system", message.topic or "general"
    return Note(sender, topic, said(message.payload), str(message.id))


def _blocked(block: Mapping[str, Any]) -> Blocked:
    return Blocked(block["blocked_agent"], block["blocked_by"], block["reason"] or "")


def _answers(conn: Conn, session_id: str, until: datetime) -> list[str]:
    """What the agent said at the end of its turns, the newest first."""
    stops = hook_events.latest(conn, session_id, ["Stop"], until, ANSWERS_LIMIT)
    said = (stop.get("last_assistant_message") for stop in reversed(stops))
    return [answer for answer in said if isinstance(answer, str) and answer.strip()]
