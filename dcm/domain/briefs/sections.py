"""The sections of a brief: what of a snapshot stands where, and how it is said. Facts, not orders."""

import re
from collections.abc import Sequence
from dataclasses import replace

from dcm.domain.briefs import asked, names
from dcm.domain.briefs.fitting import Item, Section
from dcm.domain.briefs.shares import ROOMY, shares
from dcm.domain.facts.errors import main_line
from dcm.domain.facts.shell import plain
from dcm.domain.snapshots import (
    AgentState,
    Blocked,
    Command,
    Commit,
    FileChange,
    Note,
    OpenError,
    Snapshot,
    SolvedError,
    Task,
)
from dcm.domain.subagents import ANY_PURPOSE
from dcm.domain.tools import both_ends, one_line, shown_name

GONE = ("deleted", "moved")
"""How the fate of a file begins that is not there any more."""

IN_FULL, ERROR_WIDTH, BEFORE_WIDTH = 1, 200, 120
"""Open errors told with all their lines, characters of the line that tells another, and how it failed before."""

FEW = 3
"""Edits, errors solved and answers of earlier turns that are told: what is only useful."""

TASK_WIDTH = 60
"""Characters kept of what a subagent was started for."""

PATH_WIDTH = 300
"""Characters kept of the path of a file that is gone."""


def sections(snapshot: Snapshot, limit: int, view: str = "developer") -> list[Section]:
    """The sections of a snapshot for a text of `limit` characters, most important first.

    `view`: one of `WEIGHS_MORE`.
    """
    share = shares(view, limit)
    gone = [change for change in snapshot.changed if change.how.startswith(GONE)]
    there = [change for change in snapshot.changed if not change.how.startswith(GONE)]
    dirty = [change for change in there if not change.committed]
    committed = [change for change in there if change.committed]
    dirty_head = "Files changed, not committed" if snapshot.commits else "Files changed"
    solved = [_solved(error, snapshot) for error in snapshot.solved_errors[:FEW]]
    answers = [_answer(answer, limit) for answer in snapshot.answers[:FEW]]
    edits = names.last_lines(snapshot.changed)[: FEW if limit >= ROOMY else 0]
    programs = [Item(head.name, "- programs:", head.name) for head in snapshot.heads if head.weight >= names.LONE]
    return [
        Section("What the user asked", asked.prompts(snapshot.asked, limit), share["asked"]),
        Section("Required, forbidden, decided", asked.decisions(snapshot.decisions, limit), share["decided"]),
        Section("Errors still open", _open_errors(snapshot), share["open"]),
        Section("Task list", _tasks(snapshot.tasks), share["tasks"]),
        Section("What the agent said last", _words(snapshot.last_words, limit), share["words"]),
        Section("Blocked", _blocks(snapshot.blocked), share["blocked"]),
        Section("Subagents", [_agent(agent, limit) for agent in snapshot.agents], share["agents"]),
        Section(dirty_head, names.changes(dirty), share["changed"]),
        Section("Files changed and committed", names.changes(committed), share["committed" if dirty else "changed"]),
        Section(
            "Files deleted or moved",
            _fates(gone),
            share["gone"],
        ),
        Section("Newest edits", edits, share["last_lines"], counts_rest=False),
        Section("Commands run and how they ended", _commands(snapshot.commands), share["commands"], counts_rest=False),
        Section("Commits", [_commit(commit) for commit in snapshot.commits], share["commits"]),
        Section("Unread messages", [Item(message_line(note)) for note in snapshot.notes], share["messages"]),
        Section("Errors solved", solved, share["solved"], counts_rest=False),
        Section("What the agent said at the end of earlier turns", answers, share["answers"], counts_rest=False),
        Section("Files read or named", names.others(snapshot.used), share["used"], counts_rest=False),
        Section("Also run", programs, share["programs"], counts_rest=False),
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
        Section("Required, forbidden, decided", asked.decisions(snapshot.decisions, SUBAGENT_WIDTH), 30),
        Section("Errors still open", _open_errors(replace(snapshot, open_errors=errors)), 20),
        Section("Files changed", names.changes(changed), 15),
        Section("Commands run and how they ended", _commands(checks[:6]), 15),
        Section("Blocked", _blocks(snapshot.blocked), 5),
        Section("Other agents at work", [_agent(agent, SUBAGENT_WIDTH) for agent in others], 8),
        Section("Files read or named", names.others(used), 8, counts_rest=False),
    ]


SUBAGENT_WIDTH = 2_000
"""Characters for which the items of a subagent's brief are cut."""

_WORD = re.compile(r"[^\W\d_]{4,}")


def _open_errors(snapshot: Snapshot) -> list[Item]:
    """The newest with all their telling lines, the others with the one that names them."""
    return [_open(error, snapshot, whole=place < IN_FULL) for place, error in enumerate(snapshot.open_errors)]


def _open(error: OpenError, snapshot: Snapshot, *, whole: bool) -> Item:
    whose = " (a subagent's)" if error.by_subagent else ""
    what = f"`{_short(error.what, snapshot)}`{whose}"
    earlier = "; ".join(one_line(way, BEFORE_WIDTH) for way in error.before)
    before = [f"before that: {earlier}"] if earlier else []
    if not whole:
        said = "; ".join([one_line(main_line(error.error), ERROR_WIDTH), *before])
        return Item(f"- {what} ({error.at:%H:%M}): {said}")
    lines = [f"  {line}" for line in [*error.error.splitlines(), *before]]
    return Item("\n".join([f"- {what} failed at {error.at:%H:%M}:", *lines]))


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
    longer = [both_ends(words, limit // part) for part in (8, 4)]
    return [Item(both_ends(words, limit // (9 if limit >= ROOMY else 24)), longer=longer)] if words else []


def _fates(gone: Sequence[FileChange]) -> list[Item]:
    return [Item(f"- {one_line(change.path, PATH_WIDTH)} {change.how}") for change in gone]


def _answer(answer: str, limit: int) -> Item:
    said = [f"- {one_line(answer, limit // part)}" for part in (32, 16, 8)]
    return Item(said[0], longer=said[1:])


def _blocks(blocked: Sequence[Blocked]) -> list[Item]:
    return [Item(_block_line(block)) for block in blocked]


def _block_line(block: Blocked) -> str:
    why = one_line(block.reason, 200) or "no reason given"
    return f"- {shown_name(block.agent)} is blocked by {shown_name(block.by)}: {why}"


def message_line(note: Note) -> str:
    """An unread message as a brief shows it."""
    return f"- {shown_name(note.sender)} ({shown_name(note.topic)}): {one_line(note.text, 200)}"


def _agent(agent: AgentState, limit: int) -> Item:
    kind = shown_name(agent.agent_type) or "agent"
    task = f"“{one_line(agent.task, TASK_WIDTH)}”" if agent.task else ""
    named = task if task and kind == ANY_PURPOSE else f"{kind} {task}".rstrip()
    if not agent.summary:
        return Item(named, group=f"- {agent.status}:")
    mark = "" if agent.status == "completed" else f"[{agent.status}] "
    said = [f"- {mark}{named}: {both_ends(agent.summary, limit // part)}" for part in (20, 10, 5)]
    return Item(said[0], longer=said[1:])


def _commands(commands: Sequence[Command]) -> list[Item]:
    return [_command(command) for command in commands]


def _command(command: Command) -> Item:
    times = f" ×{command.times}" if command.times > 1 else ""
    outcome = f"FAILED: {one_line(main_line(command.error), 120)}" if command.error else command.outcome or "ok"
    return Item(f"- `{command.command}`{times} → {outcome}", key=f"- `{command.command}` " if command.error else "")


def _commit(commit: Commit) -> Item:
    return Item(f"- {commit.name} {commit.subject}" if commit.name else f"- {commit.subject}")


def _short(text: str, snapshot: Snapshot) -> str:
    folder = snapshot.folder.rstrip("/")
    return plain(text.replace(f"cd {folder} && ", "").replace(f"{folder}/", "") if folder else text)
