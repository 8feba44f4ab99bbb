"""Bring a brief within its tokens: four characters, counted as JavaScript counts them, are one; every head is kept."""

import math
from dataclasses import dataclass

from dcm.domain.briefs.fitting import CHARACTERS_A_TOKEN, size

NOTICE = "\n\n---\n*This brief was cut to fit its budget.*"


@dataclass(frozen=True, slots=True)
class Fitted:
    """A text and what it costs."""

    content: str
    token_count: int
    truncated: bool


def tokens(text: str) -> int:
    """What a text costs."""
    return math.ceil(size(text) / CHARACTERS_A_TOKEN)


def fitted(text: str, max_tokens: int) -> Fitted:
    """The text within `max_tokens`: headings first, then the other lines in their order until one does not fit."""
    if tokens(text) <= max_tokens:
        return Fitted(text, tokens(text), truncated=False)
    lines = text.split("\n")
    room = max_tokens * CHARACTERS_A_TOKEN - len(NOTICE)
    kept = set()
    for number, line in enumerate(lines):
        if line.startswith("#") and size(line) + 1 <= room:
            kept.add(number)
            room -= size(line) + 1
    for number, line in enumerate(lines):
        if number in kept:
            continue
        if size(line) + 1 > room:
            break
        kept.add(number)
        room -= size(line) + 1
    content = "\n".join(line for number, line in enumerate(lines) if number in kept) + NOTICE
    return Fitted(content, max_tokens, truncated=True)
