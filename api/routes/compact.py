"""Saving and restoring a session around a compaction (contract, section 8)."""

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from api.database import Database
from api.fields import Answer, Body, Instant, Name, Text
from api.ingest import Door
from api.operations import operation
from api.restore import Briefs
from api.routes.contexts import Source, Tokens, read_facts, sources
from api.speaking import Speaker
from db import compact
from db.pool import Conn
from db.publish import publish
from dcm.broker import DEFAULT
from dcm.domain.agent_briefs import agent_brief
from dcm.domain.agent_briefs.facts import AgentFacts
from dcm.domain.agent_briefs.fitting import Fitted, tokens
from dcm.domain.compactions import RESTORED, SAVED
from dcm.domain.events import Event
from dcm.domain.instants import instant
from dcm.domain.restored import TOLD, of_context
from dcm.domain.snapshots import Snapshot

HISTORY_LIMIT = 15
"""Tool calls a restored brief shows."""

TOLD_SECONDS = 3600
"""For how long the message that a context was generated is kept."""


class ActiveTask(Body):
    """A task that is being worked on."""

    id: Text
    description: Text
    status: Text
    agent_type: Text | None = None
    NULLABLE = frozenset({"agent_type"})


class AgentStateSaved(Body):
    """How an agent stands."""

    agent_id: Text
    agent_type: Text
    status: Text
    summary: Text | None = None
    NULLABLE = frozenset({"summary"})


class SnapshotToSave(Body):
    """What is to be known after a compaction; a list that is left out stays as it was saved before."""

    session_id: Name
    trigger: Literal["auto", "manual", "proactive"] = "auto"
    context_summary: Text | None = None
    active_tasks: Annotated[list[ActiveTask], Field(default_factory=list)]
    modified_files: Annotated[list[Text], Field(default_factory=list)]
    key_decisions: Annotated[list[Text], Field(default_factory=list)]
    agent_states: Annotated[list[AgentStateSaved], Field(default_factory=list)]


class SnapshotCounts(Answer):
    """What the snapshot holds."""

    session_id: str
    trigger: str
    tasks_count: int
    files_count: int
    decisions_count: int
    agents_count: int


class SnapshotSaved(Answer):
    """The snapshot is kept."""

    success: Literal[True]
    snapshot: SnapshotCounts
    saved_at: Instant


class Restoration(Body):
    """Who goes on, after which compaction."""

    session_id: Name
    agent_id: Name
    agent_type: Name = "developer"
    compact_summary: Text | None = None
    max_tokens: Tokens = 2000


class Restored(Answer):
    """What the agent needs to go on; `session_compacted` says whether the session has requests that were marked."""

    success: Literal[True]
    brief: str
    sources: list[Source]
    session_compacted: bool
    restored_at: Instant


class CompactStatus(Answer):
    """Whether a session was compacted, and when last."""

    session_id: str
    exists: bool
    compacted: bool
    compacted_at: str | None = None
    compact_summary: str | None = None
    compact_agent: str | None = None


class SnapshotShown(Answer):
    """The newest snapshot of a session."""

    session_id: str
    exists: bool
    snapshot: dict[str, JsonValue] | None
    summary: str | None = None
    modified_files: list[str] | None = None
    saved_at: Instant | None = None


class CompactSave:
    """/api/compact/save"""

    def __init__(self, database: Database, briefs: Briefs) -> None:
        self._database = database
        self._briefs = briefs

    @operation(answer=SnapshotSaved, status=201)
    async def on_post(self, body: SnapshotToSave) -> dict[str, Any]:
        """Keep a snapshot of a session.

        Where nothing is said but the session, its own events tell the rest.
        """
        if body.model_fields_set <= {"session_id", "trigger"}:
            await self._briefs.fresh(body.session_id, SAVED)
        at = datetime.now(UTC)
        whole = body.model_dump(mode="json", exclude={"session_id", "trigger"})
        told = sorted(set(whole) & body.model_fields_set)
        facts = {"trigger": body.trigger, "saved_at": instant(at), TOLD: told} | {name: whole[name] for name in told}

        def store(conn: Conn) -> dict[str, Any]:
            saved: dict[str, Any] = compact.save(conn, body.session_id, facts, whole)["role_context"]
            data = {"id": body.session_id, "session_id": body.session_id, "trigger": body.trigger}
            publish(conn, [Event("compact.saved", data, session_id=body.session_id)])
            return saved

        return {"success": True, "snapshot": _counts(body, await self._database.write(store)), "saved_at": at}


def _counts(body: SnapshotToSave, saved: dict[str, Any]) -> dict[str, Any]:
    return {
        "session_id": body.session_id,
        "trigger": body.trigger,
        "tasks_count": len(saved["active_tasks"]),
        "files_count": len(saved["modified_files"]),
        "decisions_count": len(saved["key_decisions"]),
        "agents_count": len(saved["agent_states"]),
    }


class CompactRestore:
    """/api/compact/restore"""

    def __init__(self, database: Database, door: Door, briefs: Briefs) -> None:
        self._database = database
        self._door = door
        self._briefs = briefs

    @operation(answer=Restored)
    async def on_post(self, body: Restoration, speaker: Speaker) -> dict[str, Any]:
        """What an agent needs to go on: where its session stood, then what is known at this moment.

        What was saved of the session stands before what its own events say.
        """
        await self._briefs.fresh(body.session_id, RESTORED)
        found = await self._database.read(lambda conn: compact.snapshot(conn, body.session_id))
        session = of_context(found["snapshot"], body.session_id) if found else None
        at = datetime.now(UTC)

        def store(conn: Conn) -> tuple[AgentFacts, str, bool, uuid.UUID]:
            speaker.require(conn, body.agent_id)
            facts = read_facts(conn, body.agent_id, body.agent_type, body.session_id, history_limit=HISTORY_LIMIT)
            marks = {
                "compacted_at": instant(at),
                "compact_summary": body.compact_summary,
                "compact_agent": body.agent_id,
            }
            marked = compact.mark(conn, body.session_id, marks)
            made = _within(facts, session, body)
            project_id = facts.project.id if facts.project else None
            told = compact.tell(conn, body.agent_id, project_id, _payload(body, facts, made), TOLD_SECONDS)
            return facts, made.content, marked, told

        facts, text, marked, told = await self._database.write(store)
        self._door.ask(DEFAULT, "call_subscribers", str(told))
        answer = {"success": True, "brief": text, "sources": sources(facts)}
        return {**answer, "session_compacted": marked, "restored_at": at}


def _within(facts: AgentFacts, session: Snapshot | None, body: Restoration) -> Fitted:
    """The brief, and the caller's summary after it, in a quarter of the tokens at most."""
    if not body.compact_summary:
        return agent_brief(facts, body.max_tokens, session)
    whole = f"\n\n---\n\n## Previous Context Summary\n\n{body.compact_summary}"
    tail = whole[: body.max_tokens]
    made = agent_brief(facts, body.max_tokens - tokens(tail), session)
    return Fitted(made.content + tail, made.token_count + tokens(tail), made.truncated or tail != whole)


def _payload(body: Restoration, facts: AgentFacts, made: Fitted) -> dict[str, Any]:
    return {
        "session_id": body.session_id,
        "agent_id": body.agent_id,
        "brief_id": str(uuid.uuid4()),
        "token_count": made.token_count,
        "truncated": made.truncated,
        "sources_count": len(sources(facts)),
    }


class CompactState:
    """/api/compact/status/{session_id}"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=CompactStatus)
    async def on_get(self, session_id: str) -> dict[str, Any]:
        """Whether a session was compacted, and when last."""
        marks = await self._database.read(lambda conn: compact.marks(conn, session_id))
        if marks is None:
            return {"session_id": session_id, "exists": False, "compacted": False}
        named = ("compacted_at", "compact_summary", "compact_agent")
        known = {name: marks.get(name) for name in named}
        return {"session_id": session_id, "exists": True, "compacted": known["compacted_at"] is not None, **known}


class CompactSnapshot:
    """/api/compact/snapshot/{session_id}"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=SnapshotShown)
    async def on_get(self, session_id: str) -> dict[str, Any]:
        """The newest snapshot of a session."""
        found = await self._database.read(lambda conn: compact.snapshot(conn, session_id))
        if found is None:
            return {"session_id": session_id, "exists": False, "snapshot": None}
        return {"session_id": session_id, "exists": True, **found}
