"""Who may call: programs of this machine and our own pages, not a page of somebody else's in the person's browser."""

import functools

from falcon.asgi import Request, Response
from falcon.uri import parse_host

from dcm.domain import origins
from dcm.domain.errors import Forbidden
from dcm.settings import Settings

ALLOWED = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type, Authorization",
    "Access-Control-Max-Age": "600",
}
"""What a browser is told before it lets an allowed page call."""


LOOKED_AT = frozenset({b"host", b"origin", b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-dest"})
"""The headers by which a request is judged."""

REMEMBERED = 1024
"""Judgements that are remembered: a program says the same of itself with every request."""


class Callers:
    """Refuses a browser's page of another origin, and a name that was made to lead here."""

    def __init__(self, settings: Settings) -> None:
        ports = (settings.port, settings.dashboard_port, settings.ws_port)
        self._gate = origins.gate(settings.host, ports, settings.allowed_origins)
        self._refusals = functools.lru_cache(REMEMBERED)(self._judged)

    async def process_request(self, req: Request, resp: Response) -> None:  # noqa: ARG002 - falcon's signature
        """Look at Host, and at what only a browser sends.

        Raises:
            Forbidden: the request comes from another page, or names another host.
        """
        told = tuple([header for header in req.scope["headers"] if header[0] in LOOKED_AT])
        wrong, req.context.no_data = self._refusals(req.method, told, req.context.caller.kind == "local")
        if wrong:
            raise Forbidden(wrong)

    async def process_resource(self, req: Request, resp: Response, resource: object, params: object) -> None:  # noqa: ARG002
        """Look again at what is for a route: a link elsewhere may lead to our pages, not to data.

        Raises:
            Forbidden: a page of another site led here.
        """
        if req.context.no_data:
            raise Forbidden(req.context.no_data)

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

    def _judged(self, method: str, told: tuple[tuple[bytes, bytes], ...], local: bool) -> tuple[str, str]:
        """Why what tells so of itself may have neither page nor data, and why no data; empty where it may."""
        header: dict[bytes, str] = {}
        for name, value in told:
            text = value.decode("latin-1")
            header[name] = f"{header[name]},{text}" if name in header else text
        asked = origins.Asked(
            _name_of(header.get(b"host", origins.LOOPBACK[0])),
            method,
            header.get(b"origin"),
            header.get(b"sec-fetch-site"),
            header.get(b"sec-fetch-mode"),
            header.get(b"sec-fetch-dest"),
        )
        return self._gate.refusal(asked, of_a_page=True, local=local), self._gate.refusal(asked, local=local)


def _name_of(host: str) -> str:
    """The name in a Host header; all of it where that is none."""
    try:
        return parse_host(host)[0].strip("[]")
    except ValueError:
        return host
