"""One line a request, with an id that is answered too; of a hook only when debugging."""

import itertools
import logging
import re
import secrets
import time
from collections.abc import Mapping

from falcon.asgi import Request, Response

from api import figures
from dcm import logs

logger = logging.getLogger("dcm.access")

HOOKS = "/api/hooks/claude"

QUIET = frozenset({HOOKS, "/health", "/metrics", "/api/system", "/api/dead"})
"""Paths that are asked for all day: only who debugs reads lines of them, unless they fail or change something."""

SANE = re.compile(r"[\w.:=/+-]{1,128}", re.ASCII)
"""An X-Request-ID that is taken over."""


class Access:
    """Gives a request its id, measures it, and says what became of it."""

    def __init__(self) -> None:
        self._run, self._numbers = secrets.token_hex(5), itertools.count(1)

    async def process_request(self, req: Request, resp: Response) -> None:
        """Take the caller's id where it has one, else make one."""
        given = req.get_header("X-Request-ID")
        request_id = given if given and SANE.fullmatch(given) else f"{self._run}-{next(self._numbers):x}"
        logs.trace.set({"request_id": request_id})
        resp.set_header("X-Request-ID", request_id)
        req.context.began = time.perf_counter()

    async def process_response(self, req: Request, resp: Response, resource: object, req_succeeded: bool) -> None:  # noqa: ARG002 - falcon's signature
        """Count the request and write its line."""
        now, status = time.perf_counter(), resp.status_code
        seconds = now - vars(req.context).get("began", now)
        if req.path == HOOKS:
            figures.hook(status, seconds)
        else:
            figures.request(req.method, req.uri_template or "", status, seconds)
        quiet = req.path in QUIET and status < 500 and req.method != "DELETE"
        level = logging.DEBUG if quiet else logging.INFO
        if logger.isEnabledFor(level):
            said = {"method": req.method, "path": req.path, "status": status, "ms": round(seconds * 1000, 2)}
            logger.log(level, "answered", extra=said | _texts(vars(req.context).get("ids", {})))


def note(req: Request, **ids: object) -> None:
    """Put ids, those that are texts, into the line of a request."""
    req.context.ids = ids


def _texts(ids: Mapping[str, object]) -> dict[str, str]:
    return {name: value for name, value in ids.items() if isinstance(value, str) and value}
