"""The brief of who leads the work (contract, section 7.4)."""

from dcm.domain.agent_briefs.facts import (
    HIGH_PRIORITY,
    AgentFacts,
    AgentMessage,
    AgentTask,
    cut,
    numbered,
    said,
    section,
)
from dcm.domain.tools import shown_name


def sections(facts: AgentFacts) -> list[str]:
    """Mission, tasks, blocks, messages, progress, what to see to."""
    return [*_mission(facts), _tasks(facts), _blocked(facts), _messages(facts), _progress(facts), _instructions()]


def _mission(facts: AgentFacts) -> list[str]:
    if facts.project is None:
        return []
    lines = [f"**Project:** {facts.project.name or 'Unnamed'}", f"**Path:** `{facts.project.path}`"]
    if facts.session:
        lines.append(f"**Current Request:** {cut(facts.session.prompt, 200)}")
    return [section("Mission", lines)]


def _tasks(facts: AgentFacts) -> str:
    lines = [] if facts.tasks else ["No active tasks."]
    for status, most in (("running", 5), ("blocked", 5), ("pending", 3)):
        found = facts.having(status)
        if found:
            lines += [f"### {status.capitalize()} ({len(found)})", *map(_task, found[:most])]
        if len(found) > most:
            lines.append(f"- ... and {len(found) - most} more")
    return section(f"Active Tasks ({len(facts.tasks)})", lines)


def _task(task: AgentTask) -> str:
    wave = f" [Wave {task.wave_number}]" if task.wave_number is not None else ""
    line = (
        f"- [{task.status.upper()}] {cut(task.description, 80)} (@{shown_name(task.agent_type or 'unassigned')}){wave}"
    )
    if task.status != "blocked" or not task.blocked_by:
        return line
    more = len(task.blocked_by) - 2
    return f"{line} blocked by {', '.join(map(str, task.blocked_by[:2]))}{f' +{more} more' if more > 0 else ''}"


def _blocked(facts: AgentFacts) -> str:
    lines = [
        f"- **{shown_name(block.blocked_by_agent)}:** {cut(block.reason or 'no reason given', 50)}"
        for block in facts.blocks
    ]
    shown = lines[:5] + ([f"- ... and {len(lines) - 5} more"] if len(lines) > 5 else [])
    return section(f"Blocked Agents ({len(lines)})", shown or ["No blocked agents."])


def _messages(facts: AgentFacts) -> str:
    high = [message for message in facts.messages if message.priority >= HIGH_PRIORITY]
    recent = [message for message in facts.messages if message.priority < HIGH_PRIORITY]
    lines: list[str] = []
    for title, found in (("High Priority", high), ("Recent", recent)):
        if found:
            lines += [f"### {title} ({len(found)})", *map(_message, found[:3])]
    return section("Messages", lines or ["No unread messages."])


def _message(message: AgentMessage) -> str:
    mark = "[HIGH] " if message.priority >= HIGH_PRIORITY else ""
    sender, topic = shown_name(message.from_agent or "system"), shown_name(message.topic or "general")
    return f"- {mark}**{sender}** ({topic}): {said(message, 60)}"


def _progress(facts: AgentFacts) -> str:
    total = len(facts.tasks) + facts.completed_tasks
    percent = round(100 * facts.completed_tasks / total) if total else 0
    running = {task.agent_type for task in facts.having("running") if task.agent_type}
    return section(
        "Progress Summary",
        [
            f"- Completed: {facts.completed_tasks}/{total} ({percent}%)",
            f"- Blocked tasks: {len(facts.having('blocked'))}",
            f"- Active agent types: {len(running)}",
        ],
    )


def _instructions() -> str:
    return section(
        "Instructions",
        numbered(
            [
                "Blocked work comes first: what blocks it is named above.",
                "Messages of high priority come before others.",
                "Agents without work can take what is pending.",
                "What is critical goes to the user.",
            ]
        ),
    )
