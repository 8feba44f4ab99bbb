"""What a brief says that the client's own summary of the same compaction does not, and the other way round."""

import re
from collections.abc import Iterator

MOSTLY = 0.75
"""The share of a line's telling words that another text holds when it says the same."""

_WORD = re.compile(r"[\w./-]*\w{4,}|\w*\d\w*")
_GROUP = re.compile(r"^- (\S*/): (.+)$")


def only_in(text: str, other: str) -> list[str]:
    """The lines of a text whose words another one mostly lacks; of a line of files those that it does not name."""
    words = set(_words(other))
    return [line for line in _lines(text, other) if not _is_said(line, words)]


def _lines(text: str, other: str) -> Iterator[str]:
    begun = not text.startswith("# ")  # a brief's opening says of itself what it is
    for line in text.splitlines():
        begun = begun or line.startswith("## ")
        match = _GROUP.match(line)
        if not begun:
            continue
        if match:
            missing = [name for name in match[2].split(", ") if name.split(" ")[0] not in other]
            if missing:
                yield f"- {match[1]}: {', '.join(missing)}"
        elif line.strip() and not line.startswith(("#", "- …")):
            yield line.strip()


def _is_said(line: str, words: set[str]) -> bool:
    if _GROUP.match(line):
        return False
    own = list(_words(line))
    return not own or sum(word in words for word in own) >= MOSTLY * len(own)


def _words(text: str) -> Iterator[str]:
    for word in _WORD.findall(text):
        yield word.lower().rsplit("/", 1)[-1]
