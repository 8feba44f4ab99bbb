"""Agents that have a credential speak with it: nobody speaks for them without."""

from dataclasses import dataclass

from falcon.asgi import Request

from db import agent_credentials
from db.pool import Conn
from dcm.domain import access
from dcm.domain.access import AGENT_HEADER, Caller
from dcm.domain.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who sent a request, and what it shows of the agent it speaks for."""

    shown: tuple[bytes, ...]
    caller: Caller

    def require(self, conn: Conn, agent_id: str) -> None:
        """Refuse a request in the name of an agent that has a credential which the request does not show.

        Raises:
            Forbidden: it does not, or shows that of another agent.
        """
        known = agent_credentials.find(conn, agent_id)
        if known and not any(access.same(known.credential_hash, shown) for shown in self.shown):
            raise Forbidden(
                f"{agent_id} has a credential: send it in the header {AGENT_HEADER} to speak for this agent."
            )


def speaker(req: Request) -> Speaker:
    """The speaker of a request."""
    shown = access.shown_digests(req.get_header(AGENT_HEADER), req.get_header("Authorization"))
    return Speaker(shown, req.context.caller)
