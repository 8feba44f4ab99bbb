"""Agents that have a credential speak with it: nobody speaks for them without."""

from dataclasses import dataclass

from falcon.asgi import Request

from db import agent_credentials
from db.pool import Conn
from dcm.domain import access
from dcm.domain.errors import Forbidden

HEADER = "X-DCM-Agent-Token"
"""Where an agent shows its credential; as a bearer it may stand too where no access token does."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """What a request shows of the agent it speaks for."""

    shown: tuple[bytes, ...]

    def require(self, conn: Conn, agent_id: str) -> None:
        """Refuse a request in the name of an agent that has a credential which the request does not show.

        Raises:
            Forbidden: it does not, or shows that of another agent.
        """
        known = agent_credentials.find(conn, agent_id)
        if known and not any(access.same(known.credential_hash, shown) for shown in self.shown):
            raise Forbidden(f"{agent_id} has a credential: send it in the header {HEADER} to speak for this agent.")


def speaker(req: Request) -> Speaker:
    """The speaker of a request."""
    shown = (req.get_header(HEADER), access.presented(req.get_header("Authorization")))
    return Speaker(tuple(access.digest(each) for each in shown if each))
