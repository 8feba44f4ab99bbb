"""What is searched for, what a tool call is found by, and the piece of a text that is shown."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dcm.domain.errors import InvalidInput

TEXT_LIMIT = 600
"""Characters of a tool call that it is found by."""

AROUND = 80
"""Characters shown before and after the first word that was found."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of a text and where in it the words that were searched for stand, as (start, end)."""

    text: str
    marks: list[tuple[int, int]]


def words(query: str) -> list[str]:
    """The words of a query.

    Raises:
        InvalidInput: it has none.
    """
    found = [word.lower() for word in _WORD.findall(query)][:20]
    if not found:
        raise InvalidInput("Invalid query parameters", {"q": ["give at least one word to search for"]})
    return found


def tsquery(query: str) -> str:
    """The query as Postgres takes it: every word must stand there, the last may be the beginning of one."""
    *whole, last = words(query)
    return " & ".join([*whole, f"{last}:*"])


def action_text(tool_name: str, command: str, summary: str, file_paths: Sequence[str], error: str) -> str:
    """What a tool call is found by."""
    return " ".join([tool_name, " ".join(file_paths), summary, command, error])[:TEXT_LIMIT]


def snippet(text: str, query: str) -> Snippet:
    """The piece of a text around the first word that was found."""
    folded = " ".join(text.split())
    *whole, last = words(query)
    pattern = re.compile(
        "|".join([*(rf"(?<!\w){re.escape(word)}(?!\w)" for word in whole), rf"(?<!\w){last}\w*"]), re.IGNORECASE
    )
    first = pattern.search(folded)
    start = max(0, first.start() - AROUND) if first else 0
    end = min(len(folded), (first.end() if first else 0) + AROUND)
    before, after = "…" if start else "", "…" if end < len(folded) else ""
    shown = before + folded[start:end] + after
    return Snippet(shown, [found.span() for found in pattern.finditer(shown)])
