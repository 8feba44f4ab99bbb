"""What the output of a command says of its end: a pipe or a `;` hides the exit code, the words remain."""

import re
from collections.abc import Iterable
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
_HINTS = (
    "fail", "FAIL", "error", "Error", "ERROR", "ERR!", "Exception", "fatal", "panic", "not ok", "unbound", "not found",
    "denied", "assertion", "exit status", "Traceback", "***",
)  # fmt: skip
"""One of these stands in every line that tells of a failure."""

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
    r"unbound|^--- FAIL|(?:Error|Exception|Warning)\b:|\berror\b(?:\[\w+\])?[: ]|^error|\bpanic|\bfatal:|\bassert|"
    r"npm (?:ERR!|error)|\bnot found\b|[Nn]o such file|[Cc]annot |[Cc]ould not|\bfail(?:ed|ing|ure)?\b|✖|✗|×|●|"
    r"\bdenied\b|\brefused\b|\btimed out\b|\bexpected\b|\bunexpected\b|\bundefined\b"
)
_DULL = re.compile(
    r"^(?:Exit code \d+|Traceback \(most|npm ERR! (?:A complete log|\s*$)|at .*node_modules)|^[=_-]{10,}$"
)

_NONE = re.compile(r"\b0 passed\b")

SUMS = 20
"""The last lines that sum checks up among which one is chosen."""

LINE_LIMIT, SUMMARY_LIMIT = 220, 80
"""Characters kept of a line of an error, and of the line that sums a check up."""

SHORTEST = 16
"""Characters of room in which no line that tells anything would fit."""


def verdict(output: str) -> Verdict:
    """How a command ended as far as its output tells."""
    if _FAILED.search(_hinting(output)):
        return Verdict.FAILED
    return Verdict.PASSED if _PASSED.search(output) else Verdict.SILENT


def _hinting(output: str) -> str:
    """The lines that may tell of a failure: to search a long output for all the ways takes long."""
    hints = [hint for hint in _HINTS if hint in output]
    lines = output.split("\n") if hints else []
    return "\n".join(line for line in lines if any(hint in line for hint in hints))


def summary_line(output: str) -> str:
    """The last line that sums a passed check up, as `12 passed in 0.4s`; empty when there is none.

    One that counts none, as that of the examples in the docs, tells only when it is alone.
    """
    starts = [match.start() for match in _PASSED.finditer(output)]
    lines = [output[start:].lstrip("\n").split("\n", 1)[0].strip(" =")[:SUMMARY_LIMIT] for start in starts[-SUMS:]]
    return next((line for line in reversed(lines) if not _NONE.search(line)), lines[-1] if lines else "")


def telling(output: str, limit: int) -> str:
    """The lines of an output that say what is wrong, within `limit` characters, as they stand there.

    The last lines count most: there the cause stands and what came of it. Without any such line: how it ends.
    """
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    chosen = _fitting((line for line in reversed(lines) if _TELLING.search(line) and not _DULL.search(line)), limit)
    chosen = chosen or _fitting((line for line in reversed(lines) if not _DULL.search(line)), limit)
    return "\n".join(chosen[::-1]) or output.strip()[:limit]


def _fitting(lines: Iterable[str], limit: int) -> list[str]:
    """The first of different lines that have room in `limit` characters, longer ones passed over."""
    kept: dict[str, str] = {}
    room = limit
    for line in lines:
        if room <= SHORTEST:
            break
        cost = min(len(line), LINE_LIMIT) + 1
        if cost <= room and line not in kept:
            kept[line] = _cut(line)
            room -= cost
    return list(kept.values())


def _cut(line: str) -> str:
    return line if len(line) <= LINE_LIMIT else line[: LINE_LIMIT - 1] + "…"
