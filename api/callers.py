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
        self._gate = origins.gate(settings.host, ports, settings.allowed_origins)

    async def process_request(self, req: Request, resp: Response) -> None:  # noqa: ARG002 - falcon's signature
        """Look at Host, and at what only a browser sends.

        Raises:
            Forbidden: the request comes from another page, or names another host.
        """
        if wrong := self._gate.refusal(_asked(req), of_a_page=True):
            raise Forbidden(wrong)

    async def process_resource(self, req: Request, resp: Response, resource: object, params: object) -> None:  # noqa: ARG002
        """Look again at what is for a route: a link elsewhere may lead to our pages, not to data.

        Raises:
            Forbidden: a page of another site led here.
        """
        if wrong := self._gate.refusal(_asked(req)):
            raise Forbidden(wrong)

    async def process_response(self, req: Request, resp: Response, resource: object, req_succeeded: bool) -> None:  # noqa: ARG002
        """Let the browser show the answer to a page that may call."""
        origin = req.get_header("Origin")
        if origin is None:
            return
        if origin in self._gate.origins:
            resp.set_headers({"Access-Control-Allow-Origin": origin, **ALLOWED})
            if req.get_header("Access-Control-Request-Private-Network"):
                resp.set_header("Access-Control-Allow-Private-Network", "true")
        resp.append_header("Vary", "Origin")


def _asked(req: Request) -> origins.Asked:
    header = req.get_header
    return origins.Asked(
        req.host.strip("[]"),
        req.method,
        header("Origin"),
        header("Sec-Fetch-Site"),
        header("Sec-Fetch-Mode"),
        header("Sec-Fetch-Dest"),
    )
