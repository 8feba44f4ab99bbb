"""The brief of who reviews (contract, section 7.6)."""

from dcm.domain.agent_briefs.facts import AgentFacts, AgentMessage, numbered, project_section, said, section
from dcm.domain.tools import shown_name

TOPICS = frozenset({"task.completed", "context.request"})

DEVELOPERS = (
    "backend-laravel", "frontend-react", "laravel-api", "database-admin", "react-native-dev", "supabase-backend",
    "devops-infra",
)  # fmt: skip
"""Senders whose messages ask for a review."""

VERDICTS = (
    ("created", ("write", "create")),
    ("modified", ("edit", "update")),
    ("deleted", ("delete", "remove")),
)
"""What a tool did to a file, by the words of its name; any other tool read it."""


def sections(facts: AgentFacts) -> list[str]:
    """Target, changes, issues, requests, project, checklist, what to see to."""
    return [
        _target(facts),
        _changes(facts),
        _issues(facts),
        *_requests(facts),
        *project_section(facts),
        _checklist(),
        _instructions(),
    ]


def _target(facts: AgentFacts) -> str:
    task = facts.current
    if task is None:
        return section("Validation Target", ["No validation is assigned."])
    lines = [f"**Target:** {task.description}", f"**Status:** {task.status.upper()}"]
    if task.task_name:
        lines.append(f"**Parent Task:** {task.task_name}")
    if task.agent_type:
        lines.append(f"**Requested by:** @{shown_name(task.agent_type)}")
    return section("Validation Target", lines)


def verdicts(facts: AgentFacts) -> dict[str, str]:
    """{file: created, modified, deleted or read}, newest first; the newest that is not a read wins."""
    found: dict[str, str] = {}
    for action in facts.history:
        name = action.tool_name.lower()
        verdict = next((what for what, words in VERDICTS if any(word in name for word in words)), "read")
        for path in action.file_paths:
            if found.setdefault(path, verdict) == "read":
                found[path] = verdict
    return found


def _changes(facts: AgentFacts) -> str:
    lines = [f"- `{path}` ({verdict})" for path, verdict in verdicts(facts).items()][:10]
    return section("Changes to Review", lines or ["No changes are known."])


def _issues(facts: AgentFacts) -> str:
    failed = [action for action in facts.history if action.exit_code != 0]
    lines = [f"- **{action.tool_name}** failed with {action.exit_code}" for action in failed[:5]]
    return section(f"Previous Issues ({len(failed)})", lines or ["No issues are known."])


def _requests(facts: AgentFacts) -> list[str]:
    found = [message for message in facts.messages if _asks(message)]
    lines = [f"- **{shown_name(message.from_agent or 'system')}**: {said(message, 60)}" for message in found[:3]]
    return [section("Review Requests", lines)] if lines else []


def _asks(message: AgentMessage) -> bool:
    return message.topic in TOPICS or any(name in (message.from_agent or "") for name in DEVELOPERS)


def _checklist() -> str:
    points = ("It builds", "Tests pass", "Nothing that worked is broken", "Security", "Performance")
    return section("Validation Checklist", [f"- [ ] {point}" for point in points])


def _instructions() -> str:
    return section(
        "Instructions",
        numbered(
            [
                "All changes are to be reviewed.",
                "The suite is run in full.",
                "Results are compared with the state before.",
                "An issue is described so that it can be repeated.",
                "The outcome is an approval or a request for changes.",
            ]
        ),
    )
