"""The prompts as the user typed them: without the client's notes, and the sentences of them that are prose."""

import re
from collections.abc import Iterator

_NOTES = re.compile(
    r"<(system-reminder|local-command-\w+|command-\w+|bash-\w+|ide_\w+|task-notification|private)>.*?(?:</\1>|\Z)",
    re.DOTALL,
)
_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_SENTENCE = re.compile(
    r"(?<=[.!?;])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bz\.B\.)\s+(?!\d)|(?<=[。！？；])\s*|"
    r"(?<=[a-zß-ÿ0-9)])\s+(?=(?:Never|Always|Don't|Do not|Please|Every|All|No|Only|Use|Keep|Make sure|And never|"
    r"Bitte|Keine?|Nie|Immer|Nunca|Siempre)\s)"
)
_BULLET = re.compile(r"^(?:[-*•]|\d+[.)])\s+")
_LOG = re.compile(r"^(?:\d{2,4}[-:/]|\[\d|[>$#+|]|at \S+[(:]|E\s{2}|\s*File \")|[{}=;<>]{2}")

_SMALL = re.compile(
    r"(?:\W*\b(?:y|yes|yep|ok(?:ay)?|go|on|ahead|continue|proceed|do|it|next|sure|thanks?|thank|you|please|ja|bitte|weiter|mach|"
    r"genau|sí|si|sigue|vale|oui|good|great|perfect|nice|looks|lgtm)\b){1,4}\W*",
    re.IGNORECASE,
)

SENTENCE_LIMIT = 280
"""Characters of the longest sentence that is taken for a demand; a longer one is a text, not a rule."""


def cleaned(prompt: str) -> str:
    """The prompt as the user typed it, without what the client added to it."""
    return _NOTES.sub("", prompt).strip()


def is_small(text: str) -> bool:
    """Whether it only says to go on."""
    return bool(_SMALL.fullmatch(text.strip()))


def sentences(text: str) -> Iterator[str]:
    """The sentences of a prompt that are prose: no code, no log."""
    for line in _FENCE.sub("\n", text).splitlines():
        if _LOG.search(line.strip()):
            continue
        for part in _SENTENCE.split(line):
            sentence = _BULLET.sub("", part.strip())
            if 3 <= len(sentence) <= SENTENCE_LIMIT and _is_prose(sentence):
                yield sentence


def _is_prose(sentence: str) -> bool:
    return sum(character.isalnum() or character.isspace() for character in sentence) > 0.7 * len(sentence)
