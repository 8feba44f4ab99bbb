"""Mail of an agent: texts that reach it with the next hook whose answer can carry them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

LIMIT = 2_000
"""Characters that are put before an agent at once, beside a brief."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A text, the message it is of (empty for none), and until when it means something, in seconds since the epoch."""

    text: str
    message_id: str = ""
    until: float = 0.0


def said(content: Mapping[str, Any]) -> str:
    """What a message says, in words where it has any."""
    words = content.get("result_summary") or content.get("message") or content.get("text")
    return str(words or json.dumps(content, ensure_ascii=False))


def sealed(letter: Letter) -> bytes:
    """A letter as it is put into a mailbox, one a line."""
    return json.dumps(asdict(letter)).encode() + b"\n"


def opened(box: bytes, now: float) -> list[Letter]:
    """The letters of a mailbox that still mean something."""
    letters = map(_letter, box.splitlines())
    return [letter for letter in letters if letter and (not letter.until or letter.until > now)]


def _letter(line: bytes) -> Letter | None:
    try:
        return Letter(**json.loads(line))
    except (ValueError, TypeError):
        return None


def at_once(letters: Iterable[Letter]) -> tuple[list[Letter], list[Letter]]:
    """The letters that are told at once, each message once, and those over `LIMIT`, which wait for the next hook."""
    chosen: list[Letter] = []
    waiting: list[Letter] = []
    size = 0
    for letter in dict.fromkeys(letters):
        if letter.message_id and chosen and size + len(letter.text) > LIMIT:
            waiting.append(letter)
        else:
            chosen.append(letter)
            size += len(letter.text)
    return chosen, waiting
