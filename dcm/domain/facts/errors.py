"""What failed: the failures that nothing since has put right, and those that something has."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from dcm.domain.facts.calls import ToolCall, command_of, is_started, printed, was_stopped
from dcm.domain.facts.exits import printed_exit
from dcm.domain.facts.failing import Failing, Failure, Thing
from dcm.domain.facts.outputs import Verdict, telling, verdict
from dcm.domain.facts.shell import (
    certain_programs,
    is_masked,
    is_script,
    only_looks,
    programs,
    settings_of,
    told,
    variant,
    without_heredocs,
)
from dcm.domain.snapshots import OpenError, SolvedError
from dcm.domain.tools import DECISION_TOOLS, OUTPUT_TOOLS, READING_TOOLS, SHELL_TOOLS, WRITING_TOOLS, one_line

COMMAND_LIMIT, ERROR_LIMIT = 300, 500
"""Characters kept of a command and of an error's text."""

ONE_OFF_CALLS = 60
"""After as many calls a script written into a command that failed, and was not tried again, is given up."""

MISTAKES = ("String to replace not found", "File has not been read yet", "File has been modified since")
"""How the failures begin that the agent mends by itself at once: nothing to remember."""

TRIES, EARLIER = 6, 2
"""Tries before that are looked at, and ways of theirs to fail that are kept."""

OPEN, SOLVED = 50, 20
"""The newest failures that are told, of those that are open and of those that were put right."""

LOOKING_TOOLS = READING_TOOLS | OUTPUT_TOOLS | {"WebFetch", "WebSearch", "Grep", "Glob", "LS", "ToolSearch"}
"""Tools that only look: nothing is left to do when one finds nothing."""

_COUNTS = re.compile(r"\b\d+ (?:failed|failing|errors?|passed|problems?)\b|^FAILED \(")
_NOT_FOUND = re.compile(r"(?:^|\s)([^\s:]+): (?:command )?not found\b|command not found: (\S+)")


@dataclass(frozen=True, slots=True)
class Failures:
    """Newest first: what is open, and what was put right; `numbers`: of all calls whose failure is open."""

    open: list[OpenError]
    solved: list[SolvedError]
    numbers: frozenset[int]


def failed(call: ToolCall) -> bool:
    """Whether a call failed: a masked exit code says nothing, so its output is asked."""
    if was_stopped(call):
        return False
    return not call.success or _told_by_output(call) == Verdict.FAILED


def _told_by_output(call: ToolCall) -> Verdict:
    """How a successful call ended where its exit code is another program's."""
    command = command_of(call)
    if not command or not is_masked(command) or only_looks(command):
        return Verdict.SILENT
    by_code = printed_exit(without_heredocs(command), printed(call))
    return verdict(printed(call)) if by_code == Verdict.SILENT else by_code


def failures(calls: Iterable[ToolCall]) -> Failures:
    """What failed in the calls, the oldest call first."""
    failing = Failing()
    solved: list[tuple[ToolCall, ToolCall]] = []
    last = 0
    for call in calls:
        last = call.number
        if was_stopped(call) or is_started(call) or (not call.success and call.tool in DECISION_TOOLS):
            continue
        ended = Verdict.SILENT if not call.success else _told_by_output(call)
        if not call.success or ended == Verdict.FAILED:
            _fail(failing, call)
        else:
            right = _settled(failing, call, ended)
            solved.extend((failure.call, call) for failure in right if _matters(failure))
    still = [failure for failure in failing.all() if _is_open(failure, last)]
    newest = sorted(still, key=lambda failure: (failure.call.at, failure.call.number), reverse=True)
    return Failures(
        [_open(failure) for failure in newest[:OPEN]],
        [_solved(*both) for both in solved[-SOLVED:][::-1]],
        frozenset(failure.call.number for failure in newest),
    )


def _fail(failing: Failing, call: ToolCall) -> None:
    """Note that a call failed, and those before that failed about the same: it has not succeeded in between."""
    known = failing.take(_about(call))
    before = [known.call, *known.before][:TRIES] if known else []
    command = without_heredocs(command_of(call))
    failing.add(_about(call), Failure(call, programs(command), settings_of(command), before))


def _settled(failing: Failing, call: ToolCall, ended: Verdict) -> list[Failure]:
    """The failures that a success puts right: reading a file does not make up for an edit of it that failed.

    A command whose exit code is another program's settles only what the very same command left open.
    """
    if call.tool in WRITING_TOOLS:
        things = [(kind, path) for path in call.file_paths for kind in ("write", "read")]
        return _taken(failing, things)
    if call.tool not in SHELL_TOOLS:
        return _taken(failing, [_about(call)])
    command = without_heredocs(command_of(call))
    done = programs(command) if ended == Verdict.PASSED else certain_programs(command)
    known = failing.get(_about(call))
    same = known and (done == programs(command) or command_of(known.call) == command_of(call))
    right = _taken(failing, [_about(call)]) if same else []
    return right + failing.put_right(done, settings_of(command))


def _taken(failing: Failing, things: Iterable[Thing]) -> list[Failure]:
    return [failure for thing in things if (failure := failing.take(thing))]


def _open(failure: Failure) -> OpenError:
    call, error = failure.call, error_text(failure.call)
    ways = dict.fromkeys(main_line(error_text(tried)) for tried in failure.before)
    before = [way for way in ways if way != main_line(error)][:EARLIER]
    return OpenError(what(call), error, call.at, before, by_subagent=call.by_subagent)


def _is_open(failure: Failure, last: int) -> bool:
    """Whether somebody would still want it mended: not a look that found nothing, nor a try that was given up."""
    call = failure.call
    if not _matters(failure):
        return last == call.number
    return not is_script(command_of(call)) or last - call.number < ONE_OFF_CALLS


def _matters(failure: Failure) -> bool:
    """Whether more failed than a look, an edit the agent mends at once, or a name that was not right."""
    call, command = failure.call, command_of(failure.call)
    if call.tool in LOOKING_TOOLS or (command and only_looks(command)) or call.error.startswith(MISTAKES):
        return False
    return bool(failure.before) or not _is_not_there(call)


def _is_not_there(call: ToolCall) -> bool:
    """Whether a program of the command is not installed, or is called otherwise."""
    found = _NOT_FOUND.findall(call.error) if "not found" in call.error else []
    missing = {name for names in found for name in names}
    return not missing.isdisjoint(without_heredocs(command_of(call)).split())


def _about(call: ToolCall) -> Thing:
    """What a call was about, so that a later call about the same can put it right."""
    if call.tool in SHELL_TOOLS:
        return "command", variant(command_of(call))
    if call.file_paths:
        return "read" if call.tool in READING_TOOLS else "write", call.file_paths[0]
    return "tool", call.tool


def _solved(before: ToolCall, after: ToolCall) -> SolvedError:
    return SolvedError(what(before), error_text(before), after.at)


def what(call: ToolCall) -> str:
    """The thing that failed: a command, or a tool with its files or its input."""
    if call.tool in SHELL_TOOLS:
        return one_line(told(command_of(call)), COMMAND_LIMIT)
    return f"{call.tool} {', '.join(call.file_paths) or one_line(json.dumps(call.asked, default=str), 200)}"


def main_line(error: str) -> str:
    """The line of an error that names it, rather than counts the failures."""
    lines = error.splitlines()
    named = [line for line in lines if not _COUNTS.search(line)] or lines
    return named[-1] if named else ""


def error_text(call: ToolCall) -> str:
    """What a failed call said, its telling lines word for word."""
    return telling(printed(call) if call.tool in SHELL_TOOLS else call.error, ERROR_LIMIT) or "failed"
