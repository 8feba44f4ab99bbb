"""What the output of a command says of its end: a pipe or a `;` hides the exit code, the words remain."""

import re
from enum import StrEnum


class Verdict(StrEnum):
    """How a command ended, by its words."""

    FAILED = "failed"
    PASSED = "passed"
    SILENT = "silent"


_FAILED = re.compile(
    r"\b[1-9]\d* (?:failed|failing|failures?)\b|^=+ .*\b[1-9]\d* errors?\b"  # pytest, jest, vitest, mocha
    r"|^(?:\w+\.)*\w*(?:Error|Exception): |^(?:Error|error|fatal|ERROR):? |^panic: |^not ok \d"
    r"|: (?:unbound variable|command not found|Permission denied)$|\bassertion .*failed\b|\bexit status [1-9]"
    r"|^test result: FAILED|^error(?:\[E\d+\])?: |^error: could not compile"  # cargo
    r"|^(?:FAIL\b|--- FAIL:)"  # go, jest
    r"|\berror TS\d+:"
    r"|^npm (?:ERR!|error)\b"
    r"|^Found [1-9]\d* errors?\b"  # mypy, ruff, tsc
    r"|\b[1-9]\d* problems? \([1-9]\d* errors?"  # eslint
    r"|^Traceback \(most recent call last\):"
    r"|^make(?:\[\d+\])?: \*\*\* "
    r"|^FAILED \("  # unittest
    r"|^BUILD FAILED|^FAILURE: "
    r"|^[1-9]\d* examples?, [1-9]\d* failures?",  # rspec
    re.MULTILINE,
)
_PASSED = re.compile(
    r"^=+ .*\b\d+ passed\b|^\d+ passed\b"
    r"|^\s*(?:Tests?|Test Files|Test Suites):?\s.*\b\d+ passed"
    r"|^test result: ok|^ok\s+\S+|^Success: no issues|^All checks passed|^Found 0 errors"
    r"|^OK(?: \(|$)|^\s+\d+ passing\b|^BUILD SUCCESS|^\s*Finished (?:`?dev|`?release|`?test)"
    r"|^\d+ examples?, 0 failures",
    re.MULTILINE,
)
_TELLING = re.compile(
    r"^E\s{2,}\S|^FAILED |^ERROR |^not ok |^\s*[\w./-]+\.\w+:\d+(?::\d+)?: |^\s*(?:left|right|expected|actual): |"
    r"unbound|^--- FAIL|\b\w*(?:Error|Exception|Warning)\b:|\berror\b(?:\[\w+\])?[: ]|^error|\bpanic|\bfatal:|\bassert|"
    r"npm (?:ERR!|error)|\bnot found\b|[Nn]o such file|[Cc]annot |[Cc]ould not|\bfail(?:ed|ing|ure)?\b|✖|✗|×|●|"
    r"\bdenied\b|\brefused\b|\btimed out\b|\bexpected\b|\bunexpected\b|\bundefined\b"
)
_DULL = re.compile(
    r"^(?:Exit code \d+|Traceback \(most|npm ERR! (?:A complete log|\s*$)|at .*node_modules)|^[=_-]{10,}$"
)

LINE_LIMIT, SUMMARY_LIMIT = 220, 80
"""Characters kept of a line of an error, and of the line that sums a check up."""


def verdict(output: str) -> Verdict:
    """How a command ended as far as its output tells."""
    if _FAILED.search(output):
        return Verdict.FAILED
    return Verdict.PASSED if _PASSED.search(output) else Verdict.SILENT


def summary_line(output: str) -> str:
    """The line that sums a passed check up, as `12 passed in 0.4s`; empty when there is none."""
    match = _PASSED.search(output)
    if match is None:
        return ""
    return output[match.start() :].lstrip("\n").split("\n", 1)[0].strip(" =")[:SUMMARY_LIMIT]


def telling(output: str, limit: int) -> str:
    """The lines of an output that say what is wrong, within `limit` characters, as they stand there.

    The last lines count most: there the cause stands and what came of it. Without any such line: how it ends.
    """
    lines = [line.rstrip() for line in output.splitlines() if line.strip() and not _DULL.search(line.strip())]
    found = [number for number, line in enumerate(lines) if _TELLING.search(line)]
    chosen = found or list(range(len(lines)))
    kept: list[int] = []
    room = limit
    for number in [*reversed(chosen)]:
        cost = min(len(lines[number]), LINE_LIMIT) + 1
        if cost > room or any(lines[number].strip() == lines[other].strip() for other in kept):
            continue
        kept.append(number)
        room -= cost
    return "\n".join(_cut(lines[number].strip()) for number in sorted(kept)) or output.strip()[:limit]


def _cut(line: str) -> str:
    return line if len(line) <= LINE_LIMIT else line[: LINE_LIMIT - 1] + "…"
