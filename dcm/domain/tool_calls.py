"""What finished tool calls tell: files, commands, errors still open, decisions, the agent's own list."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dcm.domain.snapshots import Command, FileChange, OpenError, Task
from dcm.domain.tools import READING_TOOLS, SHELL_TOOLS, WRITING_TOOLS, one_line

COMMAND_LIMIT, ERROR_LIMIT = 300, 500
"""Characters kept of a command and of an error's text."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A finished tool call with its input (`asked`) and output (`got`) read back."""

    tool: str
    asked: Mapping[str, Any]
    got: Mapping[str, Any]
    file_paths: Sequence[str]
    success: bool
    error: str
    at: datetime
    by_subagent: bool


@dataclass(slots=True)
class _Tally:
    """The last call of a kind and how many there were."""

    last: ToolCall
    times: int = field(default=1)


def files_changed(calls: Iterable[ToolCall]) -> list[FileChange]:
    """The files that were written with success, newest first."""
    tallies: dict[str, _Tally] = {}
    for call in calls:
        if call.success and call.tool in WRITING_TOOLS:
            for path in call.file_paths:
                _add(tallies, path, call)
    newest = sorted(tallies.items(), key=lambda item: item[1].last.at, reverse=True)
    return [FileChange(path, tally.times, _how(tally), tally.last.at) for path, tally in newest]


def _how(tally: _Tally) -> str:
    return "written" if tally.last.tool == "Write" else "edited"


def _add(tallies: dict[str, _Tally], key: str, call: ToolCall) -> None:
    known = tallies.get(key)
    tallies[key] = _Tally(call, known.times + 1 if known else 1)


def files_read(calls: Iterable[ToolCall], changed: Iterable[FileChange]) -> list[str]:
    """The files that were read and not changed, newest first."""
    written = {change.path for change in changed}
    newest: dict[str, datetime] = {}
    for call in calls:
        if call.success and call.tool in READING_TOOLS:
            newest |= {path: call.at for path in call.file_paths if path not in written}
    return sorted(newest, key=lambda path: newest[path], reverse=True)


def commands(calls: Iterable[ToolCall]) -> list[Command]:
    """The shell commands with their last outcome, newest first."""
    tallies: dict[str, _Tally] = {}
    for call in calls:
        if call.tool in SHELL_TOOLS and command_of(call):
            _add(tallies, command_of(call), call)
    newest = sorted(tallies.items(), key=lambda item: item[1].last.at, reverse=True)
    return [
        Command(one_line(text, COMMAND_LIMIT), tally.times, _error(tally.last), tally.last.at) for text, tally in newest
    ]


def command_of(call: ToolCall) -> str:
    """The command of a shell call, empty for any other."""
    command = call.asked.get("command")
    return command.strip() if isinstance(command, str) else ""


def _error(call: ToolCall) -> str:
    """The error of a failed call: its first line, and the end of the rest, where the cause stands."""
    if call.success:
        return ""
    text = call.error.strip() or "failed"
    if len(text) <= ERROR_LIMIT:
        return text
    first, _, rest = text.partition("\n")
    first = one_line(first, 120)
    return f"{first}\n…{rest[-(ERROR_LIMIT - len(first)) :]}" if rest else one_line(text, ERROR_LIMIT)


@dataclass(slots=True)
class _Failure:
    """A failed call, and the programs of its command that have not succeeded since."""

    call: ToolCall
    left: list[list[str]]


def open_errors(calls: Iterable[ToolCall]) -> list[OpenError]:
    """The failures that no later success of the same thing put right, newest first."""
    failing: dict[tuple[str, str], _Failure] = {}
    for call in calls:
        for thing in _settled_by(call):
            failing.pop(thing, None)
        if not call.success:
            failing[_about(call)] = _Failure(call, programs(command_of(call)))
        elif call.tool in SHELL_TOOLS:
            _put_right(failing, certain_programs(command_of(call)))
    newest = sorted((failure.call for failure in failing.values()), key=lambda call: call.at, reverse=True)
    return [OpenError(_what(call), _error(call), call.at) for call in newest]


def _about(call: ToolCall) -> tuple[str, str]:
    """What a call was about, so that a later call about the same can put it right."""
    if call.tool in SHELL_TOOLS:
        return "command", command_of(call)
    if call.file_paths:
        return "read" if call.tool in READING_TOOLS else "write", call.file_paths[0]
    return call.tool, json.dumps(call.asked, sort_keys=True, default=str)


def _settled_by(call: ToolCall) -> list[tuple[str, str]]:
    """What is no longer open after a call: reading a file does not make up for an edit of it that failed."""
    if call.success and call.tool in WRITING_TOOLS:
        return [(kind, path) for path in call.file_paths for kind in ("write", "read")]
    return [_about(call)]


def _put_right(failing: dict[tuple[str, str], _Failure], done: list[list[str]]) -> None:
    """A command that failed is put right when each of its programs has succeeded since."""
    for thing, failure in list(failing.items()):
        left = [tried for tried in failure.left if not any(_covers(program, tried) for program in done)]
        if failure.left and not left:
            del failing[thing]
        failure.left = left


def _covers(done: list[str], tried: list[str]) -> bool:
    """It succeeds on all of what it failed on: `pytest` after `pytest -k x`, but not `make` after `make x`."""
    if len(done) == 1 and done[0] not in _RUN_ALL:
        return done == tried
    return done[0] == tried[0] and set(done) <= set(tried)


_PREFIX = re.compile(r"^(?:cd\s+\S+\s*(?:&&|;)\s*|[A-Z_][A-Z0-9_]*=\S*\s+)+")
_SUFFIX = re.compile(r"\s*(?:\d?>|\||&&|;).*", re.DOTALL)
_SEQUENCE, _CHAIN = re.compile(r"\|\||;|\n"), re.compile(r"&&")
_ASIDE = frozenset({"cd", "export", "source", ".", "set", "echo"})
"""Programs nobody waits for the success of."""
_RUN_ALL = frozenset({"pytest", "tox", "nox", "jest", "vitest", "mocha", "tsc", "mypy", "rspec", "phpunit"})
"""Programs that check everything when they are told nothing."""
_ASKS_ONLY = frozenset({"--version", "-V", "--help", "-h", "--collect-only", "--co", "--dry-run", "--list"})
"""Options with which a program does nothing that could fail."""


def programs(command: str) -> list[list[str]]:
    """The words of each program a command runs."""
    return [words for part in _SEQUENCE.split(command) for words in _chained(part)]


def certain_programs(command: str) -> list[list[str]]:
    """The words of those programs that have succeeded when the command has: not of `a` in `a; b` or `a | b`."""
    last = _SEQUENCE.split(command.strip())[-1]
    sure = [part for part in _CHAIN.split(last) if "|" not in part or "pipefail" in command]
    return _chained(" && ".join(part for part in sure if _ASKS_ONLY.isdisjoint(part.split())))


def _chained(command: str) -> list[list[str]]:
    parts = [program_words(part) for part in _CHAIN.split(command)]
    return [words for words in parts if words and words[0] not in _ASIDE]


def program_words(command: str) -> list[str]:
    """The words of a command without options, leading `cd` and assignments, and what follows it."""
    bare = _SUFFIX.sub("", _PREFIX.sub("", command.strip()))
    return [word for word in bare.split() if not word.startswith("-")]


def _what(call: ToolCall) -> str:
    if call.tool in SHELL_TOOLS:
        return one_line(command_of(call), COMMAND_LIMIT)
    return f"{call.tool} {', '.join(call.file_paths) or one_line(json.dumps(call.asked, default=str), 200)}"


def decisions(calls: Iterable[ToolCall]) -> list[str]:
    """What the user settled: answers to questions and approved plans, newest first."""
    found: list[str] = []
    for call in calls:
        if call.success and call.tool == "AskUserQuestion":
            found += _answers(call)
        elif call.success and call.tool == "ExitPlanMode":
            plan = call.got.get("plan") or call.asked.get("plan")
            if isinstance(plan, str) and plan.strip():
                found.append("Approved plan: " + one_line(plan, 800))
    return found[::-1]


def _answers(call: ToolCall) -> list[str]:
    answers = call.got.get("answers") or call.asked.get("answers")
    if not isinstance(answers, Mapping):
        return []
    return [f"{one_line(str(question), 200)} → {one_line(str(answer), 300)}" for question, answer in answers.items()]


def todo_list(calls: Iterable[ToolCall]) -> list[Task]:
    """The agent's own list as it last wrote it, with later task updates applied."""
    tasks: dict[str, Task] = {}
    for call in calls:
        if not call.success or call.by_subagent:
            continue
        if call.tool == "TodoWrite":
            tasks = {task.id: task for task in _todos(call.asked.get("todos"))}
        elif call.tool == "TaskCreate":
            number = _number(call.got) or str(len(tasks) + 1)
            tasks[number] = Task(number, str(call.asked.get("subject", "")), "pending")
        elif call.tool == "TaskUpdate":
            _update(tasks, call.asked)
    return [task for task in tasks.values() if task.description and task.status != "deleted"]


def _number(got: Mapping[str, Any]) -> str:
    """The number a created task was given; empty when the answer does not say."""
    task = got.get("task")
    return str(task.get("id") or "") if isinstance(task, Mapping) else ""


def _todos(items: object) -> list[Task]:
    listed = items if isinstance(items, list) else []
    return [
        Task(str(number), str(item.get("content", "")), str(item.get("status", "pending")))
        for number, item in enumerate(listed, 1)
        if isinstance(item, Mapping)
    ]


def _update(tasks: dict[str, Task], asked: Mapping[str, Any]) -> None:
    number = str(asked.get("taskId", ""))
    known = tasks.get(number)
    if known:
        tasks[number] = Task(
            number, str(asked.get("subject") or known.description), str(asked.get("status") or known.status)
        )
