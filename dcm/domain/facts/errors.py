"""What failed: the failures that nothing since has put right, and those that something has."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dcm.domain.facts.calls import ToolCall, command_of, printed
from dcm.domain.facts.outputs import Verdict, telling, verdict
from dcm.domain.facts.shell import (
    RUN_ALL,
    certain_programs,
    is_masked,
    is_script,
    is_whole_suite,
    only_looks,
    programs,
    runs_tests,
    settings_of,
    variant,
    without_heredocs,
)
from dcm.domain.snapshots import OpenError, SolvedError
from dcm.domain.tools import READING_TOOLS, SHELL_TOOLS, WRITING_TOOLS, one_line

COMMAND_LIMIT, ERROR_LIMIT = 300, 500
"""Characters kept of a command and of an error's text."""

ONE_OFF_CALLS = 60
"""After as many calls a script written into a command that failed, and was not tried again, is given up."""

MISTAKES = ("String to replace not found", "File has not been read yet", "File has been modified since")
"""How the failures begin that the agent mends by itself at once: nothing to remember."""

EARLIER = 2
"""Other ways in which the same failed before that are kept."""

_COUNTS = re.compile(r"\b\d+ (?:failed|failing|errors?|passed|problems?)\b|^FAILED \(")


@dataclass(slots=True)
class _Failure:
    """A failed call, the programs of its command that have not succeeded since, and how it failed before."""

    call: ToolCall
    left: list[list[str]]
    settings: list[str]
    before: list[str]


@dataclass(frozen=True, slots=True)
class Failures:
    """Newest first: what is open, and what was put right."""

    open: list[OpenError]
    solved: list[SolvedError]


def failed(call: ToolCall) -> bool:
    """Whether a call failed: a masked exit code says nothing, so its output is asked."""
    if not call.success:
        return True
    command = command_of(call)
    return bool(command) and _is_told_by_output(command) and verdict(printed(call)) == Verdict.FAILED


def _is_told_by_output(command: str) -> bool:
    return is_masked(command) and not only_looks(command)


def failures(calls: Iterable[ToolCall]) -> Failures:
    """What failed in the calls, the oldest call first."""
    failing: dict[tuple[str, str], _Failure] = {}
    solved: list[SolvedError] = []
    last = 0
    for call in calls:
        last = call.number
        has_failed = failed(call)
        before = _failed_before(failing.get(_about(call)), call) if has_failed else []
        for thing in _settled_by(call, has_failed, failing):
            known = failing.pop(thing, None)
            if known and not has_failed and _matters(known.call):
                solved.append(_solved(known.call, call))
        if has_failed:
            failing[_about(call)] = _failure(call, before)
        elif call.tool in SHELL_TOOLS:
            right = _put_right(failing, _succeeded(call), settings_of(command_of(call)))
            solved.extend(_solved(failure.call, call) for failure in right if _matters(failure.call))
    still = [failure for failure in failing.values() if _is_open(failure.call, last)]
    newest = sorted(still, key=lambda failure: (failure.call.at, failure.call.number), reverse=True)
    return Failures([_open(failure) for failure in newest], solved[::-1])


def _open(failure: _Failure) -> OpenError:
    return OpenError(what(failure.call), error_text(failure.call), failure.call.at, failure.before)


def _failed_before(known: _Failure | None, call: ToolCall) -> list[str]:
    """In what other ways the same failed before: it has never succeeded in between."""
    if not known:
        return []
    ways = [main_line(error_text(known.call)), *known.before]
    return [way for way in ways if way != main_line(error_text(call))][:EARLIER]


def _is_open(call: ToolCall, last: int) -> bool:
    """Whether somebody would still want it mended: not a look that found nothing, nor a try that was given up."""
    if not _matters(call):
        return last == call.number
    return not is_script(command_of(call)) or last - call.number < ONE_OFF_CALLS


def _matters(call: ToolCall) -> bool:
    """Whether more failed than a look, or an edit the agent mends at once."""
    command = command_of(call)
    return not (call.tool in READING_TOOLS or (command and only_looks(command)) or call.error.startswith(MISTAKES))


def _about(call: ToolCall) -> tuple[str, str]:
    """What a call was about, so that a later call about the same can put it right."""
    if call.tool in SHELL_TOOLS:
        return "command", variant(command_of(call))
    if call.file_paths:
        return "read" if call.tool in READING_TOOLS else "write", call.file_paths[0]
    return call.tool, json.dumps(call.asked, sort_keys=True, default=str)


def _settled_by(call: ToolCall, has_failed: bool, failing: Mapping[tuple[str, str], _Failure]) -> list[tuple[str, str]]:
    """What is no longer open after a call: reading a file does not make up for an edit of it that failed.

    A command whose exit code is another program's settles only what the very same command left open.
    """
    if not has_failed and call.tool in WRITING_TOOLS:
        return [(kind, path) for path in call.file_paths for kind in ("write", "read")]
    thing = _about(call)
    if has_failed or call.tool not in SHELL_TOOLS or thing not in failing:
        return [thing]
    is_sure = _succeeded(call) == programs(without_heredocs(command_of(call)))
    return [thing] if is_sure or command_of(failing[thing].call) == command_of(call) else []


def _succeeded(call: ToolCall) -> list[list[str]]:
    """The programs that a successful command's end proves to have succeeded, by exit code or by its words."""
    command = without_heredocs(command_of(call))
    if _is_told_by_output(command) and verdict(printed(call)) == Verdict.PASSED:
        return programs(command)
    return certain_programs(command)


def _failure(call: ToolCall, before: list[str]) -> _Failure:
    command = without_heredocs(command_of(call))
    return _Failure(call, programs(command), settings_of(command), before)


def _put_right(failing: dict[tuple[str, str], _Failure], done: list[list[str]], settings: list[str]) -> list[_Failure]:
    """The commands that failed and whose programs have each succeeded since, set the same; they are taken out."""
    right = []
    for thing, failure in list(failing.items()):
        if failure.settings != settings:
            continue
        left = [tried for tried in failure.left if not any(_covers(program, tried) for program in done)]
        if failure.left and not left:
            right.append(failing.pop(thing))
        failure.left = left
    return right


def _covers(done: list[str], tried: list[str]) -> bool:
    """It succeeds on all of what it failed on: `pytest` after `pytest -k x`, but not `make` after `make x`."""
    if is_whole_suite(done) and runs_tests(tried):
        return True
    if len(done) == 1 and done[0] not in RUN_ALL:
        return done == tried
    return done[0] == tried[0] and set(done) <= set(tried)


def _solved(before: ToolCall, after: ToolCall) -> SolvedError:
    return SolvedError(what(before), error_text(before), after.at)


def what(call: ToolCall) -> str:
    """The thing that failed: a command, or a tool with its files or its input."""
    if call.tool in SHELL_TOOLS:
        return one_line(without_heredocs(command_of(call)), COMMAND_LIMIT)
    return f"{call.tool} {', '.join(call.file_paths) or one_line(json.dumps(call.asked, default=str), 200)}"


def main_line(error: str) -> str:
    """The line of an error that names it, rather than counts the failures."""
    lines = error.splitlines()
    named = [line for line in lines if not _COUNTS.search(line)] or lines
    return named[-1] if named else ""


def error_text(call: ToolCall) -> str:
    """What a failed call said, its telling lines word for word."""
    return telling(printed(call) if call.tool in SHELL_TOOLS else call.error, ERROR_LIMIT) or "failed"
