"""Credentials of agents: who has one must prove who it is."""

from typing import Any, Literal

from api.database import Database
from api.fields import Answer, Instant, Name
from api.operations import operation
from db import agent_credentials, audit
from db.pool import Conn
from dcm.domain import access
from dcm.domain.access import Caller
from dcm.domain.errors import NotFound


class MadeCredential(Answer):
    """The credential of an agent, shown this once."""

    agent_id: str
    credential: str
    created_at: Instant


class CredentialRemoved(Answer):
    """The agent needs no credential any more."""

    success: Literal[True]
    agent_id: str


class AgentCredential:
    """/api/agents/{agent_id}/credential"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=MadeCredential, status=201, scope="admin")
    async def on_post(self, agent_id: Name, caller: Caller) -> dict[str, Any]:
        """Give an agent a credential; from now on nobody speaks for it without.

        It is shown in this answer and never again; the one the agent had before is good no more.
        """
        made = access.make_token(access.CREDENTIAL)

        def store(conn: Conn) -> agent_credentials.Credential:
            audit.record(conn, caller, "credential.created", agent_id)
            return agent_credentials.save(conn, agent_id, access.digest(made))

        saved = await self._database.write(store)
        return {"agent_id": agent_id, "credential": made, "created_at": saved.created_at}

    @operation(answer=CredentialRemoved, errors=(404,), scope="admin")
    async def on_delete(self, agent_id: Name, caller: Caller) -> dict[str, Any]:
        """Take an agent's credential away; whoever names the agent may speak for it again."""

        def store(conn: Conn) -> None:
            if not agent_credentials.remove(conn, agent_id):
                raise NotFound("The agent has no credential")
            audit.record(conn, caller, "credential.revoked", agent_id)

        await self._database.write(store)
        return {"success": True, "agent_id": agent_id}
