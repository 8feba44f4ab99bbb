"""The commits a session made, as git said so itself."""

import re
from collections.abc import Iterable

from dcm.domain.facts.calls import ToolCall, command_of, printed
from dcm.domain.snapshots import Commit
from dcm.domain.tools import one_line

_COMMIT = re.compile(r"^\[(\S+)(?: \(root-commit\))? ([0-9a-f]{7,40})\] (.+)$", re.MULTILINE)
_QUIET = re.compile(r"\bgit\b[^|;&\n]*\bcommit\b[^|;&\n]*\s(?:-\w*q\w*|--quiet)\b")
_SUBJECT = re.compile(r"\s-\w*m\s*(?:'([^'\n]*)|\"([^\"\n]*)|(\S+))")
_BRANCH = re.compile(r"(?:Switched to(?: a new)? branch|On branch|Reset branch) '?([^\s']+)'?")

SUBJECT_LIMIT = 120
"""Characters kept of a commit's subject."""


def commits(calls: Iterable[ToolCall]) -> list[Commit]:
    """The commits, newest first."""
    found: dict[str, Commit] = {}
    for call in calls:
        if "git" in command_of(call):
            for branch, name, subject in _COMMIT.findall(printed(call)):
                found[name] = Commit(name, one_line(subject, SUBJECT_LIMIT), branch, call.at)
            if quiet := _quiet(call):
                found[f"{call.number}"] = Commit("", one_line(quiet, SUBJECT_LIMIT), "", call.at)
    return list(found.values())[::-1]


def made_commit(call: ToolCall) -> bool:
    """Whether a call made a commit."""
    return "git" in command_of(call) and bool(_COMMIT.search(printed(call)) or _quiet(call))


def _quiet(call: ToolCall) -> str:
    """The subject of a commit that was made without a word; empty when there was none."""
    command = command_of(call)
    if not call.success or not _QUIET.search(command):
        return ""
    subjects = ["".join(found) for found in _SUBJECT.findall(command)]
    return subjects[0] if subjects else "(no subject seen)"


def branch(calls: Iterable[ToolCall]) -> str:
    """The branch git named last; empty when it named none."""
    named = ""
    for call in calls:
        if "git" in command_of(call):
            told = _BRANCH.findall(printed(call)) + [found[0] for found in _COMMIT.findall(printed(call))]
            named = told[-1] if told else named
    return named
