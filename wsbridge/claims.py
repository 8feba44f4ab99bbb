"""Which agents must prove who they are, and whether somebody did."""

import asyncio
import logging
import time

from db import agent_credentials
from db.agent_credentials import Credential
from db.pool import AWAY, connect
from dcm.domain import access
from dcm.domain.errors import Unavailable

logger = logging.getLogger("dcm.wsbridge")

BELIEVED_S = 3.0
"""Seconds for which what the database said is believed."""


class Claims:
    """The agents that have a credential. Ask `fresh` first; then it answers without waiting."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._known: dict[str, Credential] = {}
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    async def fresh(self) -> None:
        """Read them again when that is some seconds ago; while the database is away what was known holds."""
        async with self._reading:
            if self._read_at is not None and time.monotonic() - self._read_at < BELIEVED_S:
                return
            try:
                self._known = await asyncio.to_thread(self._read)
            except (Unavailable, *AWAY) as error:
                logger.warning("who has a credential is not known anew: %s", error)
                return
            self._read_at = time.monotonic()

    def allow(self, agent_id: str, shown: tuple[bytes, ...] = (), signed_at: int | None = None) -> bool:
        """Whether somebody may be this agent.

        `shown` are the digests of what the handshake presented. `signed_at`: the moment, in milliseconds, at which a
        token of ours was signed for it: good when that was after the agent got its credential, for that took it.
        """
        known = self._known.get(agent_id)
        if known is None:
            return self._read_at is not None
        if signed_at is not None and signed_at >= known.created_at.timestamp() * 1000:
            return True
        return any(access.same(known.credential_hash, each) for each in shown)

    def protects(self, agent_id: str) -> bool:
        """Whether what is for an agent is for it alone."""
        return agent_id in self._known or self._read_at is None

    def _read(self) -> dict[str, Credential]:
        with connect(self._database_url, "wsbridge") as conn:
            return {each.agent_id: each for each in agent_credentials.everything(conn)}
