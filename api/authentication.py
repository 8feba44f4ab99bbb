"""Who shows which token, and how often each may call."""

import time
from collections.abc import Hashable

from api.database import Database
from db import tokens
from db.pool import AWAY
from dcm import bearers, token_file
from dcm.bearers import refuse_after
from dcm.domain import access
from dcm.domain.access import Caller, Known
from dcm.domain.buckets import Buckets
from dcm.domain.errors import Unknown
from dcm.settings import Settings

UNKNOWN = "Unauthorized"
"""All that somebody hears who shows no good token."""


class Authenticator:
    """Knows the bearers of tokens. One per process, and so are its limits."""

    def __init__(self, settings: Settings, database: Database) -> None:
        async def look_up(hashed: bytes) -> Known | None:
            return await database.probe(lambda conn: tokens.used(conn, hashed))

        self._bearers = bearers.Bearers(token_file.digest(settings), look_up, AWAY)
        self._rates = Buckets(settings.rate_per_second, settings.rate_burst, bearers.MOST)

    async def identified(self, token: str, address: str, forwarded_for: str = "") -> Caller:
        """Who shows this token. `forwarded_for`: what a proxy says of who calls.

        Raises:
            Unknown: it is not good, or there is none.
            TooMany: its bearer calls too often, or too much that is not good came from this address.
        """
        place = access.place(address, forwarded_for)
        if not token:
            self._limit(place)
            raise Unknown(UNKNOWN)
        if self._bearers.owns(token):
            self._limit(token_file.FILE)
            return Caller("file", "token file", frozenset(access.SCOPES), address)
        known = await self._bearers.known(token, place)
        if known is None:
            raise Unknown(UNKNOWN)
        self._limit(known.id)
        return Caller("token", f"token {known.name}", frozenset(known.scopes), address, known.id, known.expires_at)

    def _limit(self, key: Hashable) -> None:
        refuse_after(self._rates.take(key, time.monotonic()))
