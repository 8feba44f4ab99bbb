"""The brief of who builds (contract, section 7.5)."""

from datetime import datetime

from dcm.domain.agent_briefs.facts import (
    HIGH_PRIORITY,
    AgentFacts,
    AgentMessage,
    PastAction,
    cut,
    numbered,
    project_section,
    said,
    section,
)
from dcm.domain.tools import shown_name

TOPICS = frozenset({"task.created", "context.request"})


def sections(facts: AgentFacts) -> list[str]:
    """Task, files, tool calls, blocks, messages, project, what to see to."""
    return [_task(facts), _files(facts), _actions(facts), *_blocks(facts), *_messages(facts), *project_section(facts),
            _instructions()]  # fmt: skip


def _task(facts: AgentFacts) -> str:
    task = facts.current
    if task is None:
        return section("Current Task", ["No task is assigned."])
    lines = [] if task.status == "running" else ["Next task:"]
    lines += [f"**Description:** {task.description}", f"**Status:** {task.status.upper()}"]
    if task.task_name:
        lines.append(f"**Parent Task:** {task.task_name}")
    if task.wave_number is not None:
        lines.append(f"**Wave:** {task.wave_number}")
    if task.blocked_by:
        lines.append(f"**Depends on:** {', '.join(map(str, task.blocked_by))}")
    if task.started_at:
        lines.append(f"**Duration:** {_lasting(task.started_at, facts.generated_at)}")
    return section("Current Task", lines)


def _lasting(since: datetime, now: datetime) -> str:
    minutes = max(0, int((now - since).total_seconds() // 60))
    if minutes < 1:
        return "< 1 min"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60}h {minutes % 60}m"


def _files(facts: AgentFacts) -> str:
    return section("Relevant Files", [f"- `{path}`" for path in facts.files[:8]] or ["No files yet."])


def _actions(facts: AgentFacts) -> str:
    shown = facts.history[:5]
    return section(f"Recent Actions (last {len(shown)})", [*map(_action, shown)] or ["No actions yet."])


def _action(action: PastAction) -> str:
    outcome = "[OK]" if action.exit_code == 0 else f"[ERR:{action.exit_code}]"
    took = f" ({action.duration_ms}ms)" if action.duration_ms is not None else ""
    files = f" {', '.join(action.file_paths[:2])}" if action.file_paths else ""
    return f"- {outcome} **{action.tool_name}**{took}{files}"


def _blocks(facts: AgentFacts) -> list[str]:
    lines = [
        f"- **{shown_name(block.blocked_by_agent)}:** {cut(block.reason or 'no reason given', 80)}"
        for block in facts.blocks
    ]
    return [section("Blockers", lines[:3])] if lines else []


def _messages(facts: AgentFacts) -> list[str]:
    found = [message for message in facts.messages if message.topic in TOPICS or message.priority >= HIGH_PRIORITY]
    return [section("Messages", map(_message, found[:3]))] if found else []


def _message(message: AgentMessage) -> str:
    mark = "[!] " if message.priority >= HIGH_PRIORITY else ""
    return f"- {mark}From **{shown_name(message.from_agent or 'system')}**: {said(message, 50)}"


def _instructions() -> str:
    return section(
        "Instructions",
        numbered(
            [
                "The current task is the one to stay with.",
                "The files above are where it was worked on.",
                "Completion is reported when it is done.",
                "What blocks it is reported at once.",
            ]
        ),
    )
