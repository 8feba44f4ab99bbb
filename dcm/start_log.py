"""Why a start in the background failed, told by what it wrote to its log."""

import re
from pathlib import Path

STOPPED = re.compile(r"^\S+ system +\| (\S+) stopped \(rc=(-?\d+)\)$")
"""How honcho tells that a process ended."""

SAID = re.compile(r"^\S+ (\S+) +\| (.*)$")
"""How honcho hands on what a process said."""

LAST_LINES = 5
"""Lines that are shown where nobody gave a reason."""


def size(log: Path) -> int:
    """Where the next start begins to write."""
    return log.stat().st_size if log.exists() else 0


def reason(log: Path, since: int) -> str:
    """The sentence of what failed first since then: of `dcm up` itself, or of the process that ended before all others.

    A log that is shorter than it was has been begun anew.
    """
    if not log.exists():
        return "it left no log"
    with log.open("rb") as file:
        file.seek(since if since <= log.stat().st_size else 0)
        lines = file.read().decode(errors="replace").splitlines()
    return _refusal(lines) or _first_failure(lines) or " / ".join(lines[-LAST_LINES:]) or "it said nothing"


def _refusal(lines: list[str]) -> str:
    """What `dcm up` said before anything was started."""
    first = next((number for number, line in enumerate(lines) if line.startswith("dcm: ")), None)
    return "" if first is None else " ".join(" ".join(lines[first:]).removeprefix("dcm: ").split())


def _first_failure(lines: list[str]) -> str:
    """What the first process that failed said last."""
    said: dict[str, str] = {}
    for line in lines:
        if (stopped := STOPPED.match(line)) and stopped[2] != "0":
            return said.get(stopped[1], f"{stopped[1]} ended with code {stopped[2]}")
        if spoken := SAID.match(line):
            said[spoken[1]] = spoken[2].strip() or said.get(spoken[1], "")
    return ""
