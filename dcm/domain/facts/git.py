"""The commits a session made, as git said so itself."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from dcm.domain.facts.calls import ToolCall, command_of, printed
from dcm.domain.facts.steps import Step, steps, until_dashes
from dcm.domain.snapshots import Commit
from dcm.domain.tools import one_line

_COMMIT = re.compile(r"^\[(detached HEAD|\S+)(?: \(root-commit\))? ([0-9a-f]{7,40})\] (.+)$", re.MULTILINE)
_BRANCH = re.compile(
    r"^(?:Switched to(?: a new)? branch|(?:Already )?[Oo]n branch|Already on|Reset branch) '?([^\s']+)'?", re.MULTILINE
)
_NOTHING = re.compile(r"nothing (?:added )?to commit|no changes added to commit")
_LETTERS_WITH_VALUE = frozenset("mFCct")
_LONG_WITH_VALUE = frozenset(
    {"--message", "--file", "--reuse-message", "--reedit-message", "--template", "--author", "--date", "--fixup",
     "--squash", "--trailer"}
)  # fmt: skip
_HERE_SUBJECT = re.compile(r"\bgit\b[^\n]*\bcommit\b[^\n]*<<-?\s*(['\"]?)\w+\1[^\n]*\n\s*([^\n]+)")
"""The first line of what is written into a command that commits."""

_COMMITTING = frozenset({"commit", "cherry-pick", "merge", "revert", "rebase", "am", "pull"})
_ON_BRANCH = frozenset({"commit", "checkout", "switch", "status", "branch", "stash"})
"""The verbs of git whose output tells of a commit that was made, and of the branch one is on."""

SUBJECT_LIMIT = 120
"""Characters kept of a commit's subject."""

NO_SUBJECT = "(no subject seen)"


def commits(calls: Iterable[ToolCall]) -> list[Commit]:
    """The commits, newest first; one that was amended is told as it is now."""
    found: list[Commit] = []
    for call in calls:
        for commit, amends in _made(call):
            before = found.pop() if amends and found else None
            known = before.subject if before and commit.subject == NO_SUBJECT else commit.subject
            found = [other for other in found if not commit.name or other.name != commit.name]
            found.append(replace(commit, subject=one_line(known, SUBJECT_LIMIT)))
    return found[::-1]


def made_commit(call: ToolCall) -> bool:
    """Whether a call made a commit."""
    return any(_made(call))


def branch(calls: Iterable[ToolCall]) -> str:
    """The branch git named last; empty when it named none."""
    named = ""
    for call in calls:
        if _runs(call, _ON_BRANCH):
            told = _BRANCH.findall(printed(call)) + [commit.branch for commit, _ in _made(call) if commit.branch]
            named = told[-1] if told else named
    return named


def _runs(call: ToolCall, verbs: frozenset[str]) -> list[Step]:
    """The steps of a call that are one of git's verbs."""
    run = steps(command_of(call)) if "git" in command_of(call) else []
    return [step for step in run if step.words[0] == "git" and step.words[1:2] and step.words[1] in verbs]


def _made(call: ToolCall) -> Iterator[tuple[Commit, bool]]:
    """The commits a call made, each with whether it takes the place of the one before it."""
    runs = _runs(call, _COMMITTING)
    subjects = [found[1] for found in _HERE_SUBJECT.findall(command_of(call))] if runs else []
    told = _COMMIT.findall(printed(call)) if runs else []
    if not told and _NOTHING.search(printed(call)):
        return
    for step in runs:
        options, messages, _ = commit_options(step.words[2:])
        amends = step.words[1] == "commit" and "--amend" in options
        subject = _subject(messages, subjects)
        if step.words[1] == "commit" and _is_quiet(step, options):
            if call.success and step.sure and "--dry-run" not in options:
                yield Commit("", subject, "", call.at), amends
        else:
            # A loop, or a verb that picks several, tells more than one.
            many = len(told) if step is runs[-1] and not (step.words[1] == "commit" and step.sure) else 1
            for where, name, line in told[:many]:
                yield Commit(name, line, where, call.at), amends
            told = told[many:]


def _is_quiet(step: Step, options: set[str]) -> bool:
    return bool(options & {"-q", "--quiet"}) or any(path == "/dev/null" for _, path in step.into)


def _subject(messages: list[str], here: list[str]) -> str:
    """The first line of a commit's message; of one that is written into the command, the next of those."""
    first = messages[0].strip().split("\n", 1)[0] if messages else ""
    if first and not first.startswith("$"):
        return first
    return here.pop(0) if here else NO_SUBJECT


def commit_options(words: list[str]) -> tuple[set[str], list[str], list[str]]:
    """The options of `git commit` without their values, its messages, and the files it names."""
    options: set[str] = set()
    messages: list[str] = []
    rest, after = until_dashes(words)
    while rest:
        word, rest = rest[0], rest[1:]
        if not word.startswith("-"):
            after.append(word)
            continue
        names, value, rest = _option(word, rest)
        options |= names
        if value is not None and names & {"-m", "--message"}:
            messages.append(value)
    return options, messages, after


def _option(word: str, rest: list[str]) -> tuple[set[str], str | None, list[str]]:
    """The options in a word, the value of the last, and the words after them."""
    if word.startswith("--"):
        name, given, value = word.partition("=")
        if given:
            return {name}, value, rest
        return ({name}, rest[0], rest[1:]) if name in _LONG_WITH_VALUE and rest else ({name}, None, rest)
    for at, letter in enumerate(word[1:], start=1):
        if letter in _LETTERS_WITH_VALUE:
            names = {f"-{name}" for name in word[1 : at + 1]}
            if word[at + 1 :]:
                return names, word[at + 1 :], rest
            return names, rest[0] if rest else None, rest[1:]
    return {f"-{name}" for name in word[1:]}, None, rest
