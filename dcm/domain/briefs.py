"""A brief: what an agent needs to go on after its conversation was compacted.

Facts, not orders: text that commands is taken for an injection. Sections stand by importance, each
keeps its head, items are whole or absent, and the same snapshot gives the same text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dcm.domain.snapshots import AgentState, Asked, Command, FileChange, OpenError, Snapshot
from dcm.domain.tools import both_ends, one_line

HOOK_LIMIT = 9_900
"""Characters a hook may put into the conversation: the client shows a preview of what is over 10,000."""

AGE_NOTE = 120
"""Of those, characters left free for saying how old a brief is."""

PROMPT_LIMIT, FIRST_PROMPT_LIMIT, WORDS_LIMIT = 1_200, 800, 900
"""Characters kept of a prompt, of the first one, and of what the agent said last."""

PLACE_LIMIT = 300
"""Characters kept of the folder and of the branch in the first line."""

TO_KEEP = """\
DCM restores this session's files, commands, errors and subagent results after the compaction. Worth keeping in the \
summary, word for word: what the user asked, required, forbade or decided and why; what was ruled out; what is next."""
"""What the summariser is told before a compaction."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a brief. `least` items are kept before any section gets more of its own."""

    head: str
    items: Sequence[str]
    least: int = 1


def brief(snapshot: Snapshot, limit: int = HOOK_LIMIT - AGE_NOTE) -> str:
    """The brief of a snapshot, at most `limit` characters; empty where nothing happened that could be told."""
    parts = sections(snapshot)
    something = snapshot.tool_calls or any(part.items for part in parts)
    return compose(_opening(snapshot), parts, limit) if something else ""


def _opening(snapshot: Snapshot) -> str:
    where = f" in {one_line(snapshot.folder, PLACE_LIMIT)}" if snapshot.folder else ""
    branch = f", branch {one_line(snapshot.branch, PLACE_LIMIT)}" if snapshot.branch else ""
    return (
        f"# Where this session stood{where}{branch}\n"
        f"Recorded by DCM from the session's own events up to {_time(snapshot.saved_at)}, "
        f"after {snapshot.tool_calls} tool calls. Newest first unless numbered."
    )


def sections(snapshot: Snapshot) -> list[Section]:
    """The sections that have something to say, most important first."""
    every = [
        Section("What the user asked", _asked(snapshot.asked), least=4),
        Section("Decided with the user", [f"- {decision}" for decision in snapshot.decisions], least=4),
        Section("Errors still open", [_error(error, snapshot) for error in snapshot.open_errors], least=3),
        Section(
            "Task list", [f"- [{task.status}] {one_line(task.description, 200)}" for task in snapshot.tasks], least=8
        ),
        Section("Files changed", [_change(change, snapshot) for change in snapshot.changed], least=25),
        Section("Commands run and how they ended", [_command(command) for command in snapshot.commands], least=8),
        Section("Subagents", [_agent(agent) for agent in snapshot.agents], least=3),
        Section("What the agent said last", _words(snapshot.last_words)),
        Section(
            "Blocked",
            [
                f"- {b.agent} is blocked by {b.by}: {one_line(b.reason, 200) or 'no reason given'}"
                for b in snapshot.blocked
            ],
        ),
        Section("Unread messages", [f"- {n.sender} ({n.topic}): {one_line(n.text, 200)}" for n in snapshot.notes]),
        Section("Files read", [f"- {_path(path, snapshot)}" for path in snapshot.read], least=10),
    ]
    return [section for section in every if section.items]


def compose(opening: str, parts: Sequence[Section], limit: int) -> str:
    """The text of the sections within `limit`: heads first, then each one's least, then by importance."""
    room = limit - _size(opening) - sum(_head_cost(part) for part in parts)
    kept = [0] * len(parts)
    for wanted in ([part.least for part in parts], [len(part.items) for part in parts]):
        for index, part in enumerate(parts):
            while kept[index] < min(wanted[index], len(part.items)):
                cost = _size(part.items[kept[index]]) + 1
                if cost > room:
                    break
                room -= cost
                kept[index] += 1
    return "\n".join([opening, *(_shown(part, count) for part, count in zip(parts, kept, strict=True))])


def _size(text: str) -> int:
    """Characters as the client counts them: UTF-16 units, so an emoji is two."""
    return len(text) + sum(character > "\uffff" for character in text)


_MORE = "- … {count} more"


def _head_cost(part: Section) -> int:
    return len(f"\n\n## {part.head}\n") + len(_MORE.format(count=len(part.items))) + 1


def _shown(part: Section, count: int) -> str:
    missing = len(part.items) - count
    more = [_MORE.format(count=missing)] if missing else []
    return "\n".join([f"\n## {part.head}", *part.items[:count], *more])


def _asked(asked: Sequence[Asked]) -> list[str]:
    """The newest prompt, the first, then the others from new to old; numbered in the order they were given."""
    numbered = [
        f"{number}. {both_ends(prompt.text, FIRST_PROMPT_LIMIT if number == 1 else PROMPT_LIMIT)}"
        for number, prompt in enumerate(asked, 1)
    ]
    if len(numbered) < 2:
        return numbered
    return [numbered[-1], numbered[0], *numbered[-2:0:-1]]


def _change(change: FileChange, snapshot: Snapshot) -> str:
    times = f" {change.times} times" if change.times > 1 else ""
    return f"- {_path(change.path, snapshot)} ({change.how}{times}, last {change.at:%H:%M})"


def _command(command: Command) -> str:
    outcome = f"FAILED: {one_line(command.error, 160)}" if command.error else "ok"
    return f"- `{command.command}` → {outcome}"


def _error(error: OpenError, snapshot: Snapshot) -> str:
    indented = "\n".join(f"  {line}" for line in error.error.splitlines())
    return f"- {error.what.replace(_root(snapshot), '')} failed at {error.at:%H:%M}:\n{indented}"


def _agent(agent: AgentState) -> str:
    result = f": {one_line(agent.summary, 500)}" if agent.summary else ""
    return f"- [{agent.status}] {agent.agent_type or 'agent'} “{one_line(agent.task, 150)}”{result}"


def _words(words: str) -> list[str]:
    return [one_line(words, WORDS_LIMIT)] if words else []


def _root(snapshot: Snapshot) -> str:
    return snapshot.folder.rstrip("/") + "/" if snapshot.folder else "\x00"


def _path(path: str, snapshot: Snapshot) -> str:
    return path.removeprefix(_root(snapshot))


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def aged(content: str, made_for: datetime, now: datetime) -> str:
    """A brief that is not of this compaction, with its age said first."""
    minutes = max(0, int((now - made_for).total_seconds() // 60))
    age = "less than a minute" if minutes < 1 else f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"
    return f"(The newest brief there is was made {age} ago; what happened since is not in it.)\n{content}"
