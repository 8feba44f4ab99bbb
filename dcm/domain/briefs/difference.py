"""What a brief says that the client's own summary of the same compaction does not, and the other way round."""

import re
from collections.abc import Iterator, Set

MOSTLY = 0.75
"""The share of a line's telling words that another text holds when it says the same."""

_WORD = re.compile(r"[\w./-]*\w{4,}|\w*\d\w*")
_FILES = re.compile(r"^- (\S*/): (.+)$")


def only_in(text: str, other: str) -> list[str]:
    """The lines of a text whose words another one mostly lacks; of a line of files those that it does not name."""
    words = set(_words(other))
    missing = (_missing(line, other, words) for line in _lines(text))
    return [line for line in missing if line]


def is_said(text: str, other: str) -> bool:
    """Whether another text says all lines of this one."""
    return not only_in(text, other)


def _lines(text: str) -> Iterator[str]:
    """The lines that tell something."""
    begun = not text.startswith("# ")  # a brief's opening says of itself what it is
    for line in text.splitlines():
        begun = begun or line.startswith("## ")
        if begun and line.strip() and not line.startswith(("#", "- …")):
            yield line.strip()


def _missing(line: str, other: str, words: Set[str]) -> str:
    """What of a line another text lacks, given the words of that; empty when it says the same."""
    if files := _FILES.match(line):
        names = [name for name in files[2].split(", ") if name.split(" ")[0] not in other]
        return f"- {files[1]}: {', '.join(names)}" if names else ""
    own = list(_words(line))
    return "" if sum(word in words for word in own) >= MOSTLY * len(own) else line


def _words(text: str) -> Iterator[str]:
    for word in _WORD.findall(text):
        yield word.lower().rsplit("/", 1)[-1]
