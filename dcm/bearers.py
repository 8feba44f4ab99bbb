"""Who bears which token: asked of the database at most every few seconds, and never for who guesses too often."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from dcm.domain import access
from dcm.domain.access import Known
from dcm.domain.buckets import Buckets
from dcm.domain.errors import TooMany

REMEMBERED_S = 3.0
"""Seconds for which an answer of the database is believed: a revoked token is good no longer than that."""

BELIEVED_S = 60.0
"""Seconds for which it is believed while the database does not answer."""

MOST = 10_000
"""Tokens, and addresses, that are remembered."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What the database said of a token, when it was asked, and until when it is not asked again."""

    known: Known | None
    asked: float
    until: float


class Bearers:
    """Knows the bearers of tokens, and counts what is shown that is not good. One per process.

    `file` is the digest of the token file; `look_up` asks the database, and raises one of `away` while it cannot.
    """

    def __init__(
        self,
        file: bytes | None,
        look_up: Callable[[bytes], Awaitable[Known | None]],
        away: tuple[type[Exception], ...],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._file, self._look_up, self._away = file, look_up, away
        self._failures = Buckets(access.FAILURES / 60, access.FAILURES, MOST)
        self._said: OrderedDict[bytes, _Said] = OrderedDict()
        self._asked: dict[bytes, asyncio.Task[_Said]] = {}

    def owns(self, token: str) -> bool:
        """Whether it is the token of the token file."""
        return self._file is not None and access.same(self._file, access.digest(token))

    def failed(self, place: str) -> None:
        """Count something that was shown and is not good.

        Raises:
            TooMany: too much of it came from there.
        """
        refuse_after(self._failures.take(place, self._clock()))

    async def known(self, token: str, place: str) -> Known | None:
        """Whose token it is; None when it is not good.

        Raises:
            TooMany: too much that is not good came from there.
        """
        if not token.startswith(access.TOKEN):
            self.failed(place)
            return None
        hashed, now = access.digest(token), self._clock()
        said = self._said.get(hashed)
        if said is None or now >= said.until:
            said = await self._ask(hashed, said, place)
        if said.known is None or not access.is_good(said.known, hashed, datetime.now(UTC)):
            self.failed(place)
            return None
        return said.known

    async def _ask(self, hashed: bytes, before: _Said | None, place: str) -> _Said:
        """Ask once however many wait. Of what was not good until now it counts as a failure until it is known."""
        asked = self._asked.get(hashed)
        if asked is not None:
            return await asyncio.shield(asked)
        trusted = before is not None and before.known is not None
        if not trusted:
            self.failed(place)
        asked = self._asked[hashed] = asyncio.create_task(self._answer(hashed, before))
        asked.add_done_callback(lambda _: self._answered(hashed, None if trusted else place))
        return await asyncio.shield(asked)

    def _answered(self, hashed: bytes, place: str | None) -> None:
        del self._asked[hashed]
        if place is not None:
            self._failures.give(place)

    async def _answer(self, hashed: bytes, before: _Said | None) -> _Said:
        """Ask the database. While it is away nobody can revoke a token either: what it last said holds for a while."""
        now = self._clock()
        try:
            said = _Said(await self._look_up(hashed), now, self._clock() + REMEMBERED_S)
        except self._away:
            now = self._clock()
            if before is None or before.known is None or now >= before.asked + BELIEVED_S:
                raise
            said = replace(before, until=min(now + REMEMBERED_S, before.asked + BELIEVED_S))
        self._said[hashed] = said
        self._said.move_to_end(hashed)
        if len(self._said) > MOST:
            self._said.popitem(last=False)
        return said


def refuse_after(seconds: float) -> None:
    """Refuse who has to wait.

    Raises:
        TooMany: there are seconds to wait.
    """
    if seconds > 0:
        raise TooMany(f"Too many requests: again in {math.ceil(seconds)} s.", seconds)
