"""Tokens for the WebSocket (contract, sections 3.13 and 10.2)."""

import time
from typing import Any

from api.database import Database
from api.fields import Answer, Body, Text
from api.operations import operation
from api.speaking import Speaker
from db import agent_credentials
from db.pool import Conn
from dcm import secret
from dcm.domain import tokens
from dcm.domain.access import Caller
from dcm.domain.errors import InvalidInput
from dcm.domain.tokens import Identity
from dcm.settings import Settings


class TokenWanted(Body):
    """Who the token is for."""

    NULLABLE = frozenset({"agent_id", "session_id"})

    agent_id: Text | None = None
    session_id: Text | None = None


class Token(Answer):
    """A token, and for how many seconds it is good."""

    token: str
    expires_in: int


class TokenMaker:
    """/api/auth/token"""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database

    @operation(answer=Token, scope="read")
    async def on_post(self, body: TokenWanted, speaker: Speaker, caller: Caller) -> dict[str, Any]:
        """A token for the WebSocket, which it opens for an hour, for another machine five minutes.

        `agent_id` is needed.
        """
        if not body.agent_id:
            raise InvalidInput("Missing agent_id", {"agent_id": ["say who the token is for"]})
        agent_id = body.agent_id

        def prove(conn: Conn) -> int:
            speaker.require(conn, agent_id)
            return agent_credentials.proved_at(conn)

        identity = Identity(agent_id, body.session_id or None, await self._database.probe(prove))
        lifetime = tokens.LIFETIME_MS if caller.kind == "local" else tokens.ADMISSION_MS
        made = tokens.make(secret.load(self._settings), identity, time.time_ns() // 1_000_000, lifetime)
        return {"token": made, "expires_in": lifetime // 1000}
