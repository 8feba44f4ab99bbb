"""A stored snapshot read back: what DCM drew from events, joined with what a program saved itself."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from dcm.domain.snapshots import AgentState, Decision, FileChange, Snapshot, Task, of_facts

TOLD = "told"
"""Under this name a stored snapshot lists the fields that a program saved itself."""


def merged(before: Mapping[str, Any], saved: Mapping[str, Any]) -> dict[str, Any]:
    """A stored snapshot with what is saved over it.

    A program names the fields it saves under `told`; what DCM draws from events leaves those alone.
    """
    told = set(before.get(TOLD, ()))
    if TOLD in saved:
        return {**before, **saved, TOLD: sorted(told | set(saved[TOLD]))}
    return {**before, **{name: value for name, value in saved.items() if name not in told}}


def of_context(stored: Mapping[str, Any], session_id: str) -> Snapshot:
    """The snapshot in a `role_context`; what a program saved stands before what the events say."""
    at = _moment(stored.get("saved_at"))
    known = of_facts(stored["facts"]) if "facts" in stored else Snapshot(session_id, "auto", at, "")
    told = _told(stored, at)
    return replace(
        known,
        decisions=_joined(told.decisions, known.decisions, "text"),
        changed=_joined(told.changed, known.changed, "path"),
        tasks=_joined(told.tasks, known.tasks, "description"),
        agents=_joined(told.agents, known.agents, "agent_id"),
        last_words=known.last_words or told.last_words,
        answers=[*known.answers, *([told.last_words] if told.last_words and known.last_words else [])],
    )


def _told(stored: Mapping[str, Any], at: datetime) -> Snapshot:
    """What a program saved; all of it where nothing else is known."""
    fields = set(stored.get(TOLD, ())) if "facts" in stored else set(stored)

    def items(name: str) -> Sequence[Any]:
        found = stored.get(name) if name in fields else None
        return found if isinstance(found, list) else []

    summary = stored.get("context_summary") if "context_summary" in fields else None
    return Snapshot(
        session_id="",
        trigger="",
        saved_at=at,
        folder="",
        decisions=[Decision(text, at) for text in items("key_decisions")],
        changed=[FileChange(path, 1, "edited", at, weight=1.0) for path in items("modified_files")],
        tasks=[
            Task(task["id"], task["description"], task["status"], task.get("agent_type") or "")
            for task in items("active_tasks")
        ],
        agents=[
            AgentState(agent["agent_id"], agent["agent_type"], agent["status"], "", agent.get("summary") or "")
            for agent in items("agent_states")
        ],
        last_words=summary if isinstance(summary, str) else "",
    )


def _joined(told: Sequence[Any], known: Sequence[Any], name: str) -> list[Any]:
    """Both, each thing once by the field of that name."""
    said = {getattr(item, name) for item in told}
    return [*told, *(item for item in known if getattr(item, name) not in said)]


def _moment(text: object) -> datetime:
    return datetime.fromisoformat(text) if isinstance(text, str) else datetime.now(UTC)
