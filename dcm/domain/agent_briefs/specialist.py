"""The brief of a specialist, by what its id says it looks at (contract, section 7.7)."""

from dcm.domain.agent_briefs.facts import (
    HIGH_PRIORITY,
    AgentFacts,
    AgentMessage,
    numbered,
    project_section,
    said,
    section,
)
from dcm.domain.agent_types import Profile, profile
from dcm.domain.tools import shown_name

LEADERS = ("project-supervisor", "tech-lead", "step-orchestrator")
"""Senders whose messages concern a specialist."""


def sections(facts: AgentFacts) -> list[str]:
    """Assignment, expertise, files, messages, project, guidelines, what to see to."""
    look = profile(facts.agent_id)
    return [
        _assignment(facts, look),
        _expertise(facts, look),
        *_files(facts),
        *_messages(facts),
        *project_section(facts),
        section(f"{look.name} Guidelines", [f"- {point}" for point in look.guidelines]),
        _instructions(),
    ]


def _assignment(facts: AgentFacts, look: Profile) -> str:
    task = facts.current
    if task is None:
        return section("Current Assignment", ["No task is assigned.", f"**Focus Area:** {look.focus}"])
    lines = [f"**Task:** {task.description}", f"**Status:** {task.status.upper()}", f"**Focus Area:** {look.focus}"]
    if task.task_name:
        lines.append(f"**Parent Task:** {task.task_name}")
    return section("Current Assignment", lines)


def _expertise(facts: AgentFacts, look: Profile) -> str:
    related = [task for task in facts.tasks if any(word in task.description.lower() for word in look.task_words)]
    lines = [f"**Expertise:** {look.focus}"]
    if related:
        lines.append(f"**Related tasks:** {len(related)}")
    return section(f"{look.name} Context", [*lines, *([look.note] if look.note else [])])


def _files(facts: AgentFacts) -> list[str]:
    lines = [f"- `{path}`" for path in facts.files[:8]]
    return [section("Scope of Analysis", lines)] if lines else []


def _messages(facts: AgentFacts) -> list[str]:
    found = [message for message in facts.messages if _concerns(message)]
    lines = [f"- **{shown_name(message.from_agent or 'system')}**: {said(message, 60)}" for message in found[:3]]
    return [section("Messages", lines)] if lines else []


def _concerns(message: AgentMessage) -> bool:
    urgent = message.priority >= HIGH_PRIORITY or message.topic == "context.request"
    return urgent or any(name in (message.from_agent or "") for name in LEADERS)


def _instructions() -> str:
    return section(
        "Instructions",
        numbered(
            [
                "The focus area is the one to stay with.",
                "Findings are documented.",
                "Advice can be acted on.",
                "What is critical is reported at once.",
            ]
        ),
    )
