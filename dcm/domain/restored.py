"""A saved snapshot as text, for who goes on after a compaction."""

from collections.abc import Mapping, Sequence
from typing import Any

from dcm.domain.agent_briefs.facts import section
from dcm.domain.tools import one_line

LINE = 300
"""Characters of the longest line."""


def restored(snapshot: Mapping[str, Any]) -> str:
    """The snapshot's sections, most important first; empty when it holds nothing."""
    parts = [
        _part("What the user asked", [_text(asked) for asked in _items(snapshot, "requests")]),
        _part("Key Decisions", [_text(decision) for decision in _items(snapshot, "key_decisions")]),
        _part("Errors still open", [_pair(error, "what", "error") for error in _items(snapshot, "open_errors")]),
        _part("Active Tasks", [_task(task) for task in _items(snapshot, "active_tasks")]),
        _part("Modified Files", [f"`{_text(path)}`" for path in _items(snapshot, "modified_files")]),
        _part("Agent States", [_agent(agent) for agent in _items(snapshot, "agent_states")]),
        _part("Commands", [_pair(command, "command", "error") for command in _items(snapshot, "commands")]),
    ]
    summary = snapshot.get("context_summary")
    lines = [f"**Summary:** {one_line(summary, 2000)}"] if isinstance(summary, str) and summary.strip() else []
    lines += [part for part in parts if part]
    return section("Restored Context", lines) if lines else ""


def _items(snapshot: Mapping[str, Any], name: str) -> Sequence[Any]:
    items = snapshot.get(name)
    return items if isinstance(items, list) else []


def _part(title: str, lines: Sequence[str]) -> str:
    return "\n".join([f"### {title}", *(f"- {line}" for line in lines)]) if lines else ""


def _text(value: object) -> str:
    return one_line(str(value), LINE)


def _task(task: Mapping[str, Any]) -> str:
    kind = f" (@{task['agent_type']})" if task.get("agent_type") else ""
    return f"[{task.get('status', 'pending')}] {_text(task.get('description', ''))}{kind}"


def _agent(agent: Mapping[str, Any]) -> str:
    summary = f" - {_text(agent['summary'])}" if agent.get("summary") else ""
    return f"{agent.get('agent_type', 'agent')} ({agent.get('agent_id', '')}): {agent.get('status', '')}{summary}"


def _pair(item: Mapping[str, Any], first: str, second: str) -> str:
    return f"{_text(item.get(first, ''))}: {_text(item[second])}" if item.get(second) else _text(item.get(first, ""))
