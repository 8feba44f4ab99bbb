"""Mail of an agent: texts that reach it with the next hook whose answer can carry them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dcm.domain.briefs import HOOK_LIMIT
from dcm.domain.briefs.fitting import size
from dcm.domain.tools import one_line, shown_name

LIMIT = 2_000
"""Characters of messages that are put before an agent at once, beside a brief."""

REASON_LIMIT = 400
"""Characters kept of why an agent is blocked."""

BETWEEN = "\n\n"
"""What stands between two letters."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A text, the message it is of (empty for none), and in seconds since the epoch until when it means something.

    `sent`: when that was sent; 0 for a brief, which is told before all else.
    """

    text: str
    message_id: str = ""
    until: float = 0.0
    sent: float = 0.0


def said(content: Mapping[str, Any]) -> str:
    """What a message says, in words where it has any."""
    words = content.get("result_summary") or content.get("message") or content.get("text")
    return str(words or json.dumps(content, ensure_ascii=False))


def blocked(by: str, reason: str | None) -> str:
    """What an agent is told when another blocks it."""
    why = one_line(reason or "", REASON_LIMIT).rstrip(".")
    return f"Blocked by {shown_name(by)}{': ' if why else ''}{why}, told by DCM."


def unblocked(by: str) -> str:
    """What an agent is told when another blocks it no longer."""
    return f"No longer blocked by {shown_name(by)}, told by DCM."


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
    """The letters that are told at once, each once and in the order they were sent, and those that wait.

    As many as a hook can carry are told, `LIMIT` of them messages; after the first for which there is no room all wait.
    """
    queue = sorted(dict.fromkeys(letters), key=lambda letter: letter.sent)
    told = 1
    while told < len(queue) and _has_room(queue[: told + 1]):
        told += 1
    return queue[:told], queue[told:]


def _has_room(letters: Sequence[Letter]) -> bool:
    messages = sum(size(letter.text) for letter in letters if letter.message_id)
    return messages <= LIMIT and size(joined(letters)) <= HOOK_LIMIT


def joined(letters: Iterable[Letter]) -> str:
    """The letters as one text."""
    return BETWEEN.join(letter.text for letter in letters)
