"""The gate: programs of this machine pass, everybody else shows a token, and what administers needs one from all."""

import functools
from collections.abc import Hashable
from typing import Any, cast

from falcon.asgi import Request, Response
from falcon.routing import CompiledRouter

from api import operations
from api.authentication import Authenticator
from dcm.domain import access
from dcm.domain.access import Caller
from dcm.domain.errors import Forbidden, Unknown

LOCAL_SCOPES = frozenset({access.INGEST, access.READ, access.WRITE})
"""What needs no token on this machine."""

NEEDED = (
    "This needs a token with the scope admin: without --url `dcm` sends the one in DCM_HOME by itself, and others are "
    "made with `dcm token create NAME --scope admin`."
)


class Gate:
    """Says of each request who sends it, and refuses what that one may not do.

    A request from loopback costs a look at its address and at the names of its headers.
    """

    def __init__(self, authenticator: Authenticator, router: CompiledRouter) -> None:
        self._authenticator, self._router = authenticator, router

    async def process_request(self, req: Request, resp: Response) -> None:  # noqa: ARG002 - falcon's signature
        """Find out who calls.

        Raises:
            Unknown: from beyond this machine, without a good token.
            Forbidden: what is no route is read by those who may read.
            TooMany: it calls too often.
        """
        address = _address(req)
        if access.is_local(address, (name for name, _ in req.scope["headers"])):
            req.context.caller = _local(address)
            return
        req.context.caller = caller = await self._authenticator.identified(_token(req), address, _forwarded_for(req))
        if not caller.may(access.READ) and self._router.find(req.path, req) is None:
            raise _missing(access.READ)

    async def process_resource(
        self,
        req: Request,
        resp: Response,  # noqa: ARG002 - falcon's signature
        resource: object,
        params: dict[str, Any],  # noqa: ARG002
    ) -> None:
        """Compare what the route needs with what the caller may.

        Raises:
            Unknown: a token is needed.
            Forbidden: the token lacks the scope.
            TooMany: it calls too often.
        """
        scope = operations.scope_of(cast("Hashable", type(resource)), req.method)
        caller: Caller = req.context.caller
        if caller.may(scope):
            return
        if caller.kind == "local":
            if not (token := _token(req)):
                raise Unknown(NEEDED)
            req.context.caller = caller = await self._authenticator.identified(token, caller.address)
        if not caller.may(scope):
            raise _missing(scope)


@functools.lru_cache(maxsize=256)
def _local(address: str) -> Caller:
    return Caller("local", "local", LOCAL_SCOPES, address)


def _address(req: Request) -> str:
    """The address of who is connected; one that cannot be told is not ours."""
    client = req.scope.get("client")
    return str(client[0]) if client else ""


def _token(req: Request) -> str:
    return access.presented(req.get_header("Authorization"))


def _forwarded_for(req: Request) -> str:
    return req.get_header("X-Forwarded-For") or ""


def _missing(scope: str) -> Forbidden:
    return Forbidden(f"The token lacks the scope {scope}: call with one that has it.")
