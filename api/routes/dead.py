"""What failed for good, and what a person does about it: send it again, or drop it."""

import uuid
from typing import Any, Literal

from pydantic import Field, JsonValue

from api.dead_letters import DeadLetters
from api.fields import Answer, Body, Instant, UpTo1000
from api.operations import operation
from dcm.domain.access import Caller


class LetterFilter(Body):
    """Which of the two kinds; both when it is not given."""

    kind: Literal["event", "message"] | None = None


class LetterQuery(LetterFilter):
    """Which kind, and how many."""

    limit: UpTo1000 = 100


class DeadLetter(Answer):
    """An event the database refused, or a message whose actor failed at every try.

    `name` is the event's, or the actor's. `sent_again_at`: it is on its way again and not stored yet.
    """

    id: uuid.UUID
    kind: Literal["event", "message"]
    name: str
    session_id: str | None
    reason: str
    tries: int
    failed_at: Instant
    sent_again_at: Instant | None
    happened_at: Instant | None = None
    queue: str | None = None
    message_id: str | None = None
    request_id: str | None = None


class WholeLetter(DeadLetter):
    """The same with its content, which is stored without secrets."""

    entry_id: str | None = None
    payload: str | None = None
    arguments: list[JsonValue] = Field(default_factory=list)
    traceback: str | None = None


class LetterCounts(Answer):
    """How many there are of each kind."""

    events: int
    messages: int


class LetterPage(Answer):
    """The newest, and how many there are in all."""

    letters: list[DeadLetter]
    counts: LetterCounts


class SentAgain(Answer):
    """How many are tried again."""

    sent: int


class Dropped(Answer):
    """How many were forgotten for good."""

    dropped: int


class Letters:
    """/api/dead"""

    def __init__(self, letters: DeadLetters) -> None:
        self._letters = letters

    @operation(answer=LetterPage)
    async def on_get(self, query: LetterQuery) -> dict[str, Any]:
        """What failed for good, the newest first."""
        return {
            "letters": await self._letters.page(query.kind, query.limit),
            "counts": await self._letters.counts(),
        }

    @operation(answer=Dropped)
    async def on_delete(self, query: LetterFilter, caller: Caller) -> dict[str, Any]:
        """Forget all of a kind, or of both, for good."""
        return {"dropped": await self._letters.drop_all(query.kind, caller)}


class LettersAgain:
    """/api/dead/retry"""

    def __init__(self, letters: DeadLetters) -> None:
        self._letters = letters

    @operation(answer=SentAgain)
    async def on_post(self, query: LetterFilter, caller: Caller) -> dict[str, Any]:
        """Have all of a kind, or of both, tried again; what is stored then is no longer listed."""
        return {"sent": await self._letters.send_all_again(query.kind, caller)}


class OneLetter:
    """/api/dead/{letter_id}"""

    def __init__(self, letters: DeadLetters) -> None:
        self._letters = letters

    @operation(answer=WholeLetter, errors=(404,))
    async def on_get(self, letter_id: uuid.UUID) -> dict[str, Any]:
        """One that failed, with its content."""
        return await self._letters.one(letter_id)

    @operation(answer=Dropped, errors=(404,))
    async def on_delete(self, letter_id: uuid.UUID, caller: Caller) -> dict[str, Any]:
        """Forget it for good."""
        await self._letters.drop(letter_id, caller)
        return {"dropped": 1}


class OneLetterAgain:
    """/api/dead/{letter_id}/retry"""

    def __init__(self, letters: DeadLetters) -> None:
        self._letters = letters

    @operation(answer=SentAgain, errors=(404,))
    async def on_post(self, letter_id: uuid.UUID, caller: Caller) -> dict[str, Any]:
        """Have it tried again: an event is stored once, with the time it had, or refused again."""
        await self._letters.send_again(letter_id, caller)
        return {"sent": 1}
