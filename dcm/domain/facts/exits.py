"""The exit code that a command prints itself, as `pytest | tail -5; echo "EXIT ${PIPESTATUS[0]}"` does."""

import re
from itertools import pairwise

from dcm.domain.facts.outputs import Verdict
from dcm.domain.facts.shell import LOOKING, program_words, programs

_PARTS = re.compile(r"\|\||&&|;|\n")
_ECHO = re.compile(
    r"""echo\s+(?:-\S+\s+)*["']?([^"'$]*)(\$\?|\$\{PIPESTATUS\[0\]\}|\$\{pipestatus\[1\]\}|\$PIPESTATUS)"""
)


def printed_exit(command: str, output: str) -> Verdict:
    """How a command ended by the exit code it printed; silent when it printed none that tells."""
    parts = [part.strip() for part in _PARTS.split(command)]
    for before, part in pairwise(parts):
        if (echo := _ECHO.match(part)) and _is_of(before, echo[2], command):
            return _verdict(command, before, re.findall(rf"^{re.escape(echo[1])}(\d+)", output, re.MULTILINE))
    return Verdict.SILENT


def _is_of(before: str, code: str, command: str) -> bool:
    """Whether the code is that of the program before the `echo`, not of `tail` in a pipe; a look's says nothing."""
    words = program_words(before)
    is_own = code != "$?" or "|" not in before or "pipefail" in command
    return is_own and bool(words) and words[0] not in LOOKING


def _verdict(command: str, before: str, codes: list[str]) -> Verdict:
    if not codes:
        return Verdict.SILENT
    if int(codes[-1]):
        return Verdict.FAILED
    return Verdict.PASSED if programs(command) == [program_words(before)] else Verdict.SILENT
