"""What a text must have in it for a secret to be told by its name or its place: one look finds all of it."""

from collections.abc import Callable, Sequence

from dcm.domain.secret_names import STEMS
from dcm.domain.secret_places import PLACES

HINTS = tuple(dict.fromkeys([*STEMS, *(literal for place in PLACES for literal in place.literals)]))
"""Stems of names and literals of places, in lower case."""

Look = Callable[[str], Sequence[tuple[int, int, int]]]
"""(number in HINTS, start, end) of every hint in a text in lower case, also of those that overlap, in any order."""


def look(lowered: str) -> list[tuple[int, int, int]]:
    """The hints of a text, found one after the other."""
    found = []
    for number, hint in enumerate(HINTS):
        at = lowered.find(hint)
        while at >= 0:
            found.append((number, at, at + len(hint)))
            at = lowered.find(hint, at + 1)
    return found
