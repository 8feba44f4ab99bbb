"""Briefs of agents on demand (contract, sections 3.9 and 7)."""

import uuid
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, JsonValue

from api.database import Database
from api.fields import Answer, Body, Instant, Name, Query, Text
from api.operations import operation
from api.speaking import Speaker
from db import agent_facts
from db.pool import Conn
from dcm.domain.agent_briefs import agent_brief
from dcm.domain.agent_briefs.facts import HIGH_PRIORITY, AgentFacts
from dcm.domain.agent_types import category, inferred

Tokens = Annotated[int, Field(ge=100, le=8000)]
HistoryLimit = Annotated[int, Field(ge=1, le=50)]


class ContextFilter(Query):
    """What of an agent's context, in what form."""

    session_id: Text | None = None
    agent_type: Text | None = None
    format: Literal["brief", "raw"] = "brief"
    max_tokens: Tokens = 2000
    include_history: bool = True
    include_messages: bool = True
    include_blocking: bool = True
    history_limit: HistoryLimit = 10


class ContextWanted(Body):
    """The agent whose brief is wanted."""

    agent_id: Name
    session_id: Name
    agent_type: Text | None = None
    max_tokens: Tokens = 2000
    include_history: bool = True
    history_limit: HistoryLimit = 10
    include_messages: bool = True
    include_blocking: bool = True
    project_id: UUID | None = None


class Source(Answer):
    """Where a part of a brief comes from; `relevance` from 0 to 1."""

    type: str
    id: str
    relevance: float
    summary: str


class BriefShown(Answer):
    """A brief; four characters count as one token."""

    id: UUID
    content: str
    token_count: int
    truncated: bool
    generated_at: Instant


class AgentContext(Answer):
    """The brief of an agent, its raw data, or a word on why there is neither."""

    agent_id: str
    session_id: str | None = None
    agent_type: str | None = None
    brief: BriefShown | None = None
    sources: list[Source] | None = None
    data: dict[str, JsonValue] | None = None
    counts: dict[str, int] | None = None
    context: None = None
    message: str | None = None


class BriefMade(BriefShown):
    """A brief and whose it is."""

    agent_id: str
    agent_type: str
    session_id: str


class ContextGenerated(Answer):
    """The brief that was made."""

    success: Literal[True]
    brief: BriefMade
    sources: list[Source]


def read_facts(
    conn: Conn,
    agent_id: str,
    agent_type: str,
    session_id: str,
    *,
    history_limit: int,
    messages: bool = True,
    blocking: bool = True,
    project_id: UUID | None = None,
) -> AgentFacts:
    """All that is known of an agent; who leads the work has everybody's. `history_limit` 0 leaves the history out."""
    leads = category(agent_type) == "orchestrator"
    project = agent_facts.project(conn, session_id, project_id)
    return AgentFacts(
        agent_id=agent_id,
        agent_type=agent_type,
        session_id=session_id,
        generated_at=datetime.now(UTC),
        tasks=agent_facts.tasks(conn, agent_id, session_id, everybody=leads),
        messages=agent_facts.messages(conn, agent_id, project.id if project else None) if messages else [],
        blocks=agent_facts.blocks(conn, agent_id) if blocking else [],
        history=agent_facts.history(conn, agent_id, session_id, history_limit, everybody=leads)
        if history_limit
        else [],
        session=agent_facts.session(conn, session_id),
        project=project,
        completed_tasks=agent_facts.completed_tasks(conn, session_id) if leads else 0,
    )


def sources(facts: AgentFacts) -> list[dict[str, Any]]:
    """Where the parts of a brief come from, in the contract's order."""
    found = [
        _source("task", t.id, 1.0 if t.status == "running" else 0.8, f"Task: {t.description[:50]}") for t in facts.tasks
    ]
    for m in facts.messages:
        urgent = m.priority >= HIGH_PRIORITY
        found.append(_source("message", m.id, 1.0 if urgent else 0.6, f"Message from {m.from_agent or 'system'}"))
    found += [_source("blocking", b.id, 0.9, f"Blocked by {b.blocked_by_agent}") for b in facts.blocks]
    if facts.history:
        found.append(_source("history", "actions", 0.7, f"{len(facts.history)} recent actions"))
    if facts.session:
        found.append(_source("session", facts.session.id, 0.8, f"Session {facts.session.session_id}"))
    if facts.project:
        named = facts.project.name or facts.project.path
        found.append(_source("project", facts.project.id, 0.7, f"Project {named}"))
    return found


def _source(kind: str, key: object, relevance: float, summary: str) -> dict[str, Any]:
    return {"type": kind, "id": str(key), "relevance": relevance, "summary": summary}


def _raw(facts: AgentFacts) -> dict[str, Any]:
    data = {
        "tasks": [asdict(task) for task in facts.tasks],
        "messages": [asdict(message) for message in facts.messages],
        "blockings": [asdict(block) for block in facts.blocks],
        "history": [asdict(action) for action in facts.history],
        "session": asdict(facts.session) if facts.session else None,
        "project": asdict(facts.project) if facts.project else None,
    }
    counted = ("tasks", "messages", "blockings", "history")
    return {"data": data, "counts": {name: len(data[name] or ()) for name in counted}}


def _brief(facts: AgentFacts, max_tokens: int) -> dict[str, Any]:
    made = agent_brief(facts, max_tokens)
    return {
        "id": str(uuid.uuid4()),
        "content": made.content,
        "token_count": made.token_count,
        "truncated": made.truncated,
        "generated_at": facts.generated_at,
    }


class Context:
    """/api/context/{agent_id}"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=AgentContext)
    async def on_get(self, agent_id: str, query: ContextFilter, speaker: Speaker) -> dict[str, Any]:
        """The brief of an agent, or the data it is made of.

        Without a session, the newest one in which the agent has work is taken.
        """

        def read(conn: Conn) -> AgentFacts | None:
            speaker.require(conn, agent_id)
            session_id = query.session_id or agent_facts.session_of(conn, agent_id)
            if session_id is None:
                return None
            return read_facts(
                conn,
                agent_id,
                query.agent_type or inferred(agent_id),
                session_id,
                history_limit=query.history_limit if query.include_history else 0,
                messages=query.include_messages,
                blocking=query.include_blocking,
            )

        facts = await self._database.read(read)
        if facts is None:
            said = "No session is known in which this agent has work: name one as session_id."
            return {"agent_id": agent_id, "context": None, "message": said}
        whose = {"agent_id": agent_id, "session_id": facts.session_id, "agent_type": facts.agent_type}
        if query.format == "raw":
            return {**whose, **_raw(facts)}
        return {**whose, "brief": _brief(facts, query.max_tokens), "sources": sources(facts)}


class ContextGenerator:
    """/api/context/generate"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=ContextGenerated, status=201)
    async def on_post(self, body: ContextWanted, speaker: Speaker) -> dict[str, Any]:
        """Make the brief of an agent."""

        def read(conn: Conn) -> AgentFacts:
            speaker.require(conn, body.agent_id)
            return read_facts(
                conn,
                body.agent_id,
                body.agent_type or inferred(body.agent_id),
                body.session_id,
                history_limit=body.history_limit if body.include_history else 0,
                messages=body.include_messages,
                blocking=body.include_blocking,
                project_id=body.project_id,
            )

        facts = await self._database.read(read)
        whose = {"agent_id": facts.agent_id, "agent_type": facts.agent_type, "session_id": facts.session_id}
        return {"success": True, "brief": {**_brief(facts, body.max_tokens), **whose}, "sources": sources(facts)}
