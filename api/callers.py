"""Who may call: programs of this machine and our own pages, not a page of somebody else's in the person's browser."""

from falcon.asgi import Request, Response

from dcm.domain.errors import Forbidden
from dcm.settings import Settings

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Callers:
    """Refuses a browser's page of another origin, and a name that was made to lead here."""

    def __init__(self, settings: Settings) -> None:
        names = {*LOOPBACK, settings.host}
        shown = {f"[{name}]" if ":" in name else name for name in names}
        self._hosts = names if settings.host in LOOPBACK else None
        self._origins = {f"http://{name}:{port}" for name in shown for port in (settings.port, settings.dashboard_port)}
        self._origins |= set(settings.allowed_origins)

    async def process_request(self, req: Request, resp: Response) -> None:  # noqa: ARG002 - falcon's signature
        """Look at Origin, which only a browser sends, and at Host.

        Raises:
            Forbidden: the request comes from another page, or names another host.
        """
        origin = req.get_header("Origin")
        if origin is not None and origin not in self._origins:
            raise Forbidden(f"Pages of {origin} may not call DCM: open its own dashboard.")
        if self._hosts is not None and req.host.strip("[]") not in self._hosts:
            raise Forbidden(f"DCM is not {req.host}: call it as localhost or 127.0.0.1.")
