"""Mail of an agent: texts that reach it with the next hook whose answer can carry them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

LIMIT = 2_000
"""Characters that are put before an agent beside a brief; what is over waits to be asked for."""


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


def joined(letters: Iterable[Letter]) -> tuple[str, list[str]]:
    """The text of the letters, and the messages that are in it: what is over `LIMIT` is only counted."""
    texts: list[str] = []
    messages: list[str] = []
    left = 0
    for letter in letters:
        if letter.message_id and sum(map(len, texts)) + len(letter.text) > LIMIT and texts:
            left += 1
            continue
        texts.append(letter.text)
        messages += [letter.message_id] if letter.message_id else []
    if left:
        texts.append(f"({left} more messages are waiting; `dcm` and GET /api/messages/{{agent_id}} show them.)")
    return "\n\n".join(texts), messages
