"""The sections of a brief: what of a snapshot stands where, and how it is said. Facts, not orders."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from dcm.domain.briefs import names
from dcm.domain.briefs.fitting import Item, Section
from dcm.domain.facts.errors import main_line
from dcm.domain.facts.prompts import is_demand, is_small, sentences
from dcm.domain.facts.shell import plain
from dcm.domain.snapshots import AgentState, Asked, Command, Commit, Decision, OpenError, Snapshot, SolvedError, Task
from dcm.domain.tools import both_ends, one_line

GONE = ("deleted", "moved")
"""How the fate of a file begins that is not there any more."""

IN_FULL, ERROR_WIDTH = 1, 200
"""Open errors that are told with all their lines, and characters of the line that tells the others."""

USEFUL = 3
"""Edits, errors solved and answers of earlier turns that are told: what is only useful."""

TASK_WIDTH = 60
"""Characters kept of what a subagent was started for."""

MANY = 6_000
"""Characters from which on there is room for what is only useful."""

DEVELOPER = {
    "asked": 9, "decided": 28, "open": 22, "tasks": 6, "words": 7, "changed": 14, "committed": 12, "gone": 4,
    "last_lines": 2, "commands": 12, "heads": 5, "agents": 14, "git": 4, "solved": 3, "notes": 4, "blocked": 2,
    "used": 14, "answers": 2,
}  # fmt: skip
"""How the room is shared when there is something to say of everything."""

SHARES: Mapping[str, Mapping[str, float]] = {
    "developer": DEVELOPER,
    "orchestrator": {
        **DEVELOPER,
        "agents": 15,
        "tasks": 12,
        "notes": 9,
        "blocked": 6,
        "changed": 10,
        "used": 7,
        "last_lines": 2,
    },
    "validator": {**DEVELOPER, "open": 15, "commands": 18, "changed": 16, "solved": 7, "last_lines": 6, "agents": 3},
    "specialist": {**DEVELOPER, "decided": 16, "agents": 4},
    "writer": {**DEVELOPER, "decided": 16, "agents": 4},
}
"""The same facts, weighed by what an agent of a category does."""


NAMES = frozenset({"changed", "committed", "used", "heads", "asked"})
LITTLE = frozenset({"last_lines", "answers", "solved"})
FEW = 1.7
"""In a small brief names and the request count so much more. What is only useful is left out."""


def _shares(share: Mapping[str, float], limit: int) -> Mapping[str, float]:
    if limit >= MANY:
        return share
    return {part: 0.01 if part in LITTLE else each * (FEW if part in NAMES else 1) for part, each in share.items()}


def sections(snapshot: Snapshot, limit: int, category: str = "developer") -> list[Section]:
    """The sections of a snapshot for a text of `limit` characters, most important first."""
    share = _shares(SHARES.get(category, DEVELOPER), limit)
    gone = [change for change in snapshot.changed if change.how.startswith(GONE)]
    there = [change for change in snapshot.changed if not change.how.startswith(GONE)]
    dirty = [change for change in there if not change.committed]
    committed = [change for change in there if change.committed]
    dirty_head = "Files changed, not committed" if snapshot.commits else "Files changed"
    return [
        Section("What the user asked", _asked(snapshot.asked, limit), share["asked"]),
        Section("Required, forbidden, decided", _decided(snapshot.decisions, limit), share["decided"]),
        Section("Errors still open", _open_errors(snapshot), share["open"]),
        Section("Task list", _tasks(snapshot.tasks), share["tasks"]),
        Section("What the agent said last", _words(snapshot.last_words, limit), share["words"]),
        Section("Blocked", [Item(_blocked(b.agent, b.by, b.reason)) for b in snapshot.blocked], share["blocked"]),
        Section("Subagents", [_agent(agent, limit) for agent in snapshot.agents], share["agents"]),
        Section(dirty_head, names.changes(dirty), share["changed"]),
        Section(
            "Files changed and committed",
            names.changes(committed),
            share["changed"] if not dirty else share["committed"],
        ),
        Section("Files deleted or moved", [Item(f"- {c.path} {c.how}") for c in gone], share["gone"]),
        Section(
            "Newest edits",
            names.last_lines(snapshot.changed)[: USEFUL if limit >= MANY else 0],
            share["last_lines"],
            counts_rest=False,
        ),
        Section(
            "Commands run and how they ended",
            [_command(c) for c in snapshot.commands],
            share["commands"],
            counts_rest=False,
        ),
        Section("Commits", [_commit(commit) for commit in snapshot.commits], share["git"]),
        Section(
            "Unread messages",
            [Item(f"- {n.sender} ({n.topic}): {one_line(n.text, 200)}") for n in snapshot.notes],
            share["notes"],
        ),
        Section(
            "Errors solved",
            [_solved(error, snapshot) for error in snapshot.solved_errors[:USEFUL]],
            share["solved"],
            counts_rest=False,
        ),
        Section(
            "What the agent said at the end of earlier turns",
            [Item(f"- {one_line(a, limit // 32)}") for a in snapshot.answers[:USEFUL]],
            share["answers"],
            counts_rest=False,
        ),
        Section("Files read or named", names.others(snapshot.used), share["used"], counts_rest=False),
        Section(
            "Also run",
            [Item(n.name, "- programs:", n.name) for n in snapshot.heads if n.weight >= names.LONE],
            share["heads"],
            counts_rest=False,
        ),
    ]


def subagent_sections(snapshot: Snapshot, agent_id: str, task: str) -> list[Section]:
    """What of a snapshot matters to an agent with such a task: what holds for all, and what its words name."""
    wanted = {word.lower() for word in _WORD.findall(task)}

    def about(text: str) -> bool:
        return not wanted.isdisjoint(word.lower() for word in _WORD.findall(text))

    changed = [change for change in snapshot.changed if about(change.path)]
    used = [name for name in snapshot.used if about(name.name)]
    errors = [error for error in snapshot.open_errors if about(f"{error.what} {error.error}")]
    checks = [command for command in snapshot.commands if command.times > 1 or about(command.command)]
    others = [agent for agent in snapshot.agents if agent.status == "running" and agent.agent_id != agent_id]
    return [
        Section("Required, forbidden, decided", _decided(snapshot.decisions, SUBAGENT_WIDTH), 30),
        Section("Errors still open", _open_errors(replace(snapshot, open_errors=errors)), 20),
        Section("Files changed", names.changes(changed), 15),
        Section("Commands run and how they ended", [_command(command) for command in checks[:6]], 15),
        Section("Blocked", [Item(_blocked(b.agent, b.by, b.reason)) for b in snapshot.blocked], 5),
        Section("Other agents at work", [_agent(agent, SUBAGENT_WIDTH) for agent in others], 8),
        Section("Files read or named", names.others(used), 8, counts_rest=False),
    ]


SUBAGENT_WIDTH = 2_000
"""Characters for which the items of a subagent's brief are cut."""

_WORD = re.compile(r"[^\W\d_]{4,}")


def _asked(asked: Sequence[Asked], limit: int) -> list[Item]:
    """The newest prompt that says something, the first, then the others from new to old."""
    telling = [prompt for prompt in asked if not is_small(prompt.text)] or list(asked)
    if not telling:
        return []
    newest, first, between = telling[-1], telling[0], telling[-2:0:-1]
    items = [_prompt(newest if len(newest.text) <= limit // 9 else _prose(newest), limit // 9)]
    if len(telling) > 1:
        items.append(_prompt(_task(first), limit // 14))
    if asked[-1] not in telling:
        items.insert(0, _prompt(asked[-1], 60))
    return items + [
        _prompt(_task(prompt), limit // 20 if place < 2 else limit // 60) for place, prompt in enumerate(between)
    ]


def _task(prompt: Asked) -> Asked:
    """What the prompt asks for: its demands stand in a section of their own."""
    rest = [sentence for sentence in sentences(prompt.text) if not is_demand(sentence)]
    return replace(prompt, text=" ".join(rest) or _prose(prompt).text)


def _prose(prompt: Asked) -> Asked:
    """The prompt without code and logs."""
    return replace(prompt, text=" ".join(sentences(prompt.text)) or prompt.text)


def _prompt(prompt: Asked, most: int) -> Item:
    return Item(f"{prompt.number}. {both_ends(prompt.text, max(80, most))}")


def _decided(decisions: Sequence[Decision], limit: int) -> list[Item]:
    return [
        Item(
            f"- {one_line(decision.text, max(160, limit // 22))}{_where(decision)}", key=one_line(decision.text, limit)
        )
        for decision in decisions
    ]


def _where(decision: Decision) -> str:
    return f" ({decision.number}.)" if decision.number else ""


def _open_errors(snapshot: Snapshot) -> list[Item]:
    """The newest with all their telling lines, the others with the one that names them."""
    return [_open(error, snapshot, whole=place < IN_FULL) for place, error in enumerate(snapshot.open_errors)]


def _open(error: OpenError, snapshot: Snapshot, *, whole: bool) -> Item:
    what = _short(error.what, snapshot)
    if not whole:
        return Item(f"- `{what}` ({error.at:%H:%M}): {one_line(main_line(error.error), ERROR_WIDTH)}")
    return Item(
        "\n".join([f"- `{what}` failed at {error.at:%H:%M}:", *(f"  {line}" for line in error.error.splitlines())])
    )


def _solved(error: SolvedError, snapshot: Snapshot) -> Item:
    return Item(f"- `{one_line(_short(error.what, snapshot), 100)}`: {one_line(main_line(error.error), 160)}")


def _tasks(tasks: Sequence[Task]) -> list[Item]:
    """What is under way, what is to come, and how much is done."""
    order = {"in_progress": 0, "running": 0, "blocked": 1, "pending": 1}
    left = sorted((task for task in tasks if task.status in order), key=lambda task: order[task.status])
    done = [task for task in tasks if task.status not in order]
    items = [Item(f"- [{task.status}] {one_line(task.description, 200)}") for task in left]
    if done:
        items.append(Item(f"- {len(done)} done, the last of them: {one_line(done[-1].description, 120)}"))
    return items


def _words(words: str, limit: int) -> list[Item]:
    return [Item(both_ends(words, limit // 9))] if words else []


def _blocked(agent: str, by: str, reason: str) -> str:
    return f"- {agent} is blocked by {by}: {one_line(reason, 200) or 'no reason given'}"


def _agent(agent: AgentState, limit: int) -> Item:
    named = f"{agent.agent_type or 'agent'} “{one_line(agent.task, TASK_WIDTH)}”"
    if not agent.summary:
        return Item(named, group=f"- {agent.status}:")
    mark = "" if agent.status == "completed" else f"[{agent.status}] "
    return Item(f"- {mark}{named}: {both_ends(agent.summary, limit // 20)}")


def _command(command: Command) -> Item:
    times = f" ×{command.times}" if command.times > 1 else ""
    outcome = f"FAILED: {one_line(main_line(command.error), 120)}" if command.error else command.outcome or "ok"
    return Item(f"- `{command.command}`{times} → {outcome}", key=f"- `{command.command}` " if command.error else "")


def _commit(commit: Commit) -> Item:
    return Item(f"- {commit.name} {commit.subject}" if commit.name else f"- {commit.subject}")


def _short(text: str, snapshot: Snapshot) -> str:
    folder = snapshot.folder.rstrip("/")
    return plain(text.replace(f"cd {folder} && ", "").replace(f"{folder}/", "") if folder else text)
