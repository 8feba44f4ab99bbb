"""Who may call: programs of this machine and our own pages, not a page of somebody else's in the person's browser."""

from falcon.asgi import Request, Response

from dcm.domain import origins
from dcm.domain.errors import Forbidden
from dcm.settings import Settings

ALLOWED = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type, Authorization",
    "Access-Control-Max-Age": "600",
}
"""What a browser is told before it lets an allowed page call."""


class Callers:
    """Refuses a browser's page of another origin, and a name that was made to lead here."""

    def __init__(self, settings: Settings) -> None:
        ports = (settings.port, settings.dashboard_port, settings.ws_port)
        self._hosts = origins.hosts(settings.host)
        self._origins = origins.origins(settings.host, ports, settings.allowed_origins)

    async def process_request(self, req: Request, resp: Response) -> None:  # noqa: ARG002 - falcon's signature
        """Look at Origin, which only a browser sends, and at Host.

        Raises:
            Forbidden: the request comes from another page, or names another host.
        """
        origin = req.get_header("Origin")
        if origin is not None and origin not in self._origins:
            raise Forbidden(
                f"Pages of {origin} may not call DCM: open its own dashboard, or name it in DCM_ALLOWED_ORIGINS."
            )
        if self._hosts is not None and req.host.strip("[]") not in self._hosts:
            raise Forbidden(f"DCM is not {req.host}: call it as localhost or 127.0.0.1.")

    async def process_response(self, req: Request, resp: Response, resource: object, req_succeeded: bool) -> None:  # noqa: ARG002
        """Let the browser show the answer to a page that may call."""
        origin = req.get_header("Origin")
        if origin is not None and origin in self._origins:
            resp.set_headers({"Access-Control-Allow-Origin": origin, **ALLOWED})
            resp.append_header("Vary", "Origin")
