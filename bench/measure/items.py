"""A text as its reader takes it: items under headings."""

import re
from dataclasses import dataclass

_HEADING = re.compile(
    r"^(?:(#{1,6})\s+(.*)|\*\*([^*]{2,60})\*\*:?|(\d{1,2}\. [A-Z][\w /]{3,40}):|([A-Z][\w ,/()-]{2,60}):)$"
)
_MARKER = re.compile(r"^\s{0,8}(?:[-*•]|\d{1,3}[.)])\s+")
_DEEP = 7
"""The level of headings that are no Markdown."""

_LONG_LIST, _NAMES = 3, 0.7
_PARTED = re.compile(r"\s*[,;·|]\s+")
_NAME = re.compile(r"^[`'\"(]*(?:[\w.@~-]*/)*[\w@-]+\.\w{1,6}\b|^`|^\S+$")
_PIECE = 400


@dataclass(frozen=True, slots=True)
class Item:
    """What stands together: a bullet with its continuation, or a paragraph; and the headings over it."""

    headings: tuple[str, ...]
    text: str

    @property
    def whole(self) -> str:
        """The item as it is read: under its headings, in one line, lower case."""
        return flat("\n".join([*self.headings, self.text]))


def flat(text: str) -> str:
    """One line in lower case: what a text is compared by."""
    return " ".join(text.split()).casefold()


def items(text: str) -> list[Item]:
    """The items of a text."""
    found: list[Item] = []
    headings: list[tuple[int, str]] = []
    lines: list[str] = []

    def close() -> None:
        if lines:
            found.append(Item(tuple(words for _, words in headings), "\n".join(lines)))
            lines.clear()

    for line in text.splitlines():
        heading = _HEADING.match(line)
        if heading:
            close()
            level = len(heading[1]) if heading[1] else _DEEP
            headings = [*(one for one in headings if one[0] < level), (level, next(filter(None, heading.groups()[1:])))]
        elif not line.strip():
            close()
        else:
            if _MARKER.match(line) or (lines and _own_line(line, lines)):
                close()
            lines.append(line)
    close()
    return found


def _own_line(line: str, lines: list[str]) -> bool:
    """A line that is not indented under a bullet begins an item of its own."""
    return bool(_MARKER.match(lines[0])) and not line.startswith((" ", "\t"))


def bare(text: str) -> str:
    """An item without its marker."""
    return _MARKER.sub("", text)


def pieces(item: Item) -> list[str]:
    """What of an item can be judged alone: the names of a list, the lines of what is long, else the whole."""
    text = bare(item.text)
    parts = _PARTED.split(text)
    if len(parts) >= _LONG_LIST and sum(bool(_NAME.match(part)) for part in parts) >= _NAMES * len(parts):
        return [part for part in parts if part.strip()]
    if len(text) <= _PIECE:
        return [text]
    return [piece for line in text.splitlines() for piece in _cut(line) if piece.strip()]


def _cut(line: str) -> list[str]:
    """A long line in pieces that end where a sentence ends, where that can be."""
    found, rest = [], line
    while len(rest) > _PIECE:
        end = max(rest.rfind(mark, 0, _PIECE) for mark in (". ", "; ", " ")) + 1 or _PIECE
        found.append(rest[:end])
        rest = rest[end:]
    return [*found, rest]
