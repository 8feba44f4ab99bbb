"""Shapes of what failed for good."""

from typing import Any, Literal, NotRequired, TypedDict


class DeadLetter(TypedDict):
    """An event the database refused, or a message whose actor failed at every try."""

    id: str
    kind: Literal["event", "message"]
    name: str
    session_id: str | None
    reason: str
    tries: int
    failed_at: str
    sent_again_at: str | None
    happened_at: NotRequired[str | None]
    queue: NotRequired[str | None]
    message_id: NotRequired[str | None]
    request_id: NotRequired[str | None]


class WholeLetter(DeadLetter):
    """The same with its content."""

    entry_id: NotRequired[str | None]
    payload: NotRequired[str | None]
    arguments: NotRequired[list[Any]]
    traceback: NotRequired[str | None]


class LetterCounts(TypedDict):
    """How many there are of each kind."""

    events: int
    messages: int


class LetterPage(TypedDict):
    """The newest, and how many there are in all."""

    letters: list[DeadLetter]
    counts: LetterCounts


class SentAgain(TypedDict):
    """How many are tried again."""

    sent: int


class Dropped(TypedDict):
    """How many were forgotten for good."""

    dropped: int
