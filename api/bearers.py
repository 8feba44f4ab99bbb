"""Which token is whose: asked of the database at most every few seconds, and never for somebody who guesses."""

import asyncio
import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime

from api.database import Database
from db import tokens
from db.pool import AWAY
from dcm import token_file
from dcm.domain import access
from dcm.domain.access import Caller
from dcm.domain.buckets import Buckets
from dcm.domain.errors import TooMany, Unknown
from dcm.settings import Settings

REMEMBERED_S = 3.0
"""Seconds for which an answer of the database is believed: a revoked token is good no longer than that."""

MOST = 10_000
"""Tokens, and addresses, that are remembered."""

FAILURES = 10
"""Tokens that are not good which an address may show a minute."""

UNKNOWN = "Unauthorized"
"""All that somebody hears who shows no good token."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the database said of a token, and until when that is believed."""

    known: tokens.Known | None
    until: float


class Bearers:
    """Knows the bearers of tokens. One per process, and so are its limits."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._file = token_file.digest(settings)
        self._database = database
        self._rates = Buckets(settings.rate_per_second, settings.rate_burst, MOST)
        self._failures = Buckets(FAILURES / 60, FAILURES, MOST)
        self._seen: OrderedDict[bytes, _Seen] = OrderedDict()
        self._asked: dict[bytes, asyncio.Task[tokens.Known | None]] = {}

    async def identified(self, token: str, address: str) -> Caller:
        """Who shows this token.

        Raises:
            Unknown: it is not good, or there is none.
            TooMany: its bearer calls too often, or too much that is not good came from this address.
        """
        place, now = access.neighbourhood(address), time.monotonic()
        if not token:
            _refuse_after(self._rates.take(place, now))
            raise Unknown(UNKNOWN)
        hashed = access.digest(token)
        if self._file is not None and access.same(self._file, hashed):
            _refuse_after(self._rates.take(token_file.FILE, now))
            return Caller("file", "token file", frozenset(access.SCOPES), address)
        known = await self._known(hashed, place, now) if token.startswith(access.TOKEN) else None
        if known is None or not _is_good(known, hashed):
            _refuse_after(self._failures.take(place, now))
            raise Unknown(UNKNOWN)
        _refuse_after(self._rates.take(known.id, now))
        return Caller("token", f"token {known.name}", frozenset(known.scopes), address, known.id, known.expires_at)

    async def _known(self, hashed: bytes, place: str, now: float) -> tokens.Known | None:
        """What the database says, asked once however many wait; who guessed too often is not asked for at all."""
        seen = self._seen.get(hashed)
        if seen and now < seen.until:
            return seen.known
        asked = self._asked.get(hashed)
        if asked is None:
            if seen is None or seen.known is None:
                _refuse_after(self._failures.wait(place, now))
            asked = self._asked[hashed] = asyncio.create_task(self._look_up(hashed))
            asked.add_done_callback(lambda _: self._asked.pop(hashed, None))
        return await asyncio.shield(asked)

    async def _look_up(self, hashed: bytes) -> tokens.Known | None:
        """Ask the database. While it is away nobody can revoke a token either: what it last said goes on holding."""
        seen = self._seen.get(hashed)
        try:
            known = await self._database.probe(lambda conn: tokens.used(conn, hashed))
        except AWAY:
            if seen is None or seen.known is None:
                raise
            known = seen.known
        self._seen[hashed] = _Seen(known, time.monotonic() + REMEMBERED_S)
        self._seen.move_to_end(hashed)
        if len(self._seen) > MOST:
            self._seen.popitem(last=False)
        return known


def _is_good(known: tokens.Known, hashed: bytes) -> bool:
    in_time = known.expires_at is None or known.expires_at > datetime.now(UTC)
    return in_time and access.same(known.token_hash, hashed)


def _refuse_after(seconds: float) -> None:
    if seconds > 0:
        raise TooMany(f"Too many requests: again in {math.ceil(seconds)} s.", seconds)
