"""create_app: the parts, the routes, the errors, the dashboard's files."""

import json
import logging
import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import falcon
import falcon.asgi
import orjson
from falcon import media
from falcon.asgi import Request, Response

from api.access import Access
from api.authentication import Authenticator
from api.callers import Callers
from api.database import Database
from api.gate import Gate
from api.heads import App
from api.ingest import Door
from api.mail import Mail
from api.pages import Pages
from api.paths import PathsAsSent
from api.protection import Protection
from api.redaction import Redaction
from api.restore import Briefs
from api.routes import Parts, routes
from db.pool import AWAY, REFUSED, open_pool
from dcm import figures, redaction
from dcm import settings as settings_module
from dcm.domain.access import CHALLENGE
from dcm.domain.errors import STATUS, Conflict, DcmError, InvalidInput, TooMany, Unknown
from dcm.domain.instants import plain
from dcm.logs import log_to_stderr
from dcm.settings import Settings

logger = logging.getLogger("dcm.api")

DASHBOARD = Path(__file__).parent.parent / "dashboard" / "dist"

_TITLES: Mapping[int, str] = {
    405: "This path does not take that method.",
    500: "This failed for a reason nobody foresaw: the log of the API tells it.",
}
"""What is said when the framework only has a title."""

HOOK_CONNECTIONS = 2
"""Database connections kept for hooks that are answered, apart from those of pages."""


def create_app(
    settings: Settings | None = None, dashboard: str | Path = DASHBOARD
) -> falcon.asgi.App[Request, Response]:
    """The ASGI application; `settings` from the environment when none are given, `dashboard` the built pages."""
    settings = settings or settings_module.load()
    redactor = redaction.redactor(settings)
    redaction.get_ready()
    log_to_stderr(settings.log_level, redaction.of_logs(settings))
    router = PathsAsSent()
    app: falcon.asgi.App[Request, Response] = App(router=router)
    parts = Running(settings)
    app.add_middleware(Access())
    app.add_middleware(Protection(settings))
    app.add_middleware(Gate(parts.authenticator, router))
    app.add_middleware(Callers(settings))
    app.add_middleware(parts)
    app.add_middleware(Redaction(redactor))
    app.resp_options.media_handlers[falcon.MEDIA_JSON] = media.JSONHandler(dumps=_dumps, loads=orjson.loads)
    app.add_error_handler(DcmError, _said)
    app.add_error_handler(REFUSED, _value_refused)
    for away in AWAY:
        app.add_error_handler(away, _database_away)
    app.set_error_serializer(_refused)
    Pages(Path(dashboard)).add_to(app)
    for path, resource in routes(parts.parts):
        app.add_route(path, resource)
    return app


class Running:
    """Opens what the process needs when it starts and closes it when it stops."""

    def __init__(self, settings: Settings) -> None:
        self._hook_threads = ThreadPoolExecutor(HOOK_CONNECTIONS, thread_name_prefix="hook")
        self._read_threads = ThreadPoolExecutor(settings.db_max_connections, thread_name_prefix="read")
        self._home, url = settings.home, settings.database_url
        self._hook_pool = open_pool(url, most=HOOK_CONNECTIONS, name="api hooks", timeout=1.5, longest_ms=2000)
        self._read_pool = open_pool(url, most=settings.db_max_connections, name="api reads", longest_ms=10_000)
        figures.watch_pool("hooks", self._hook_pool.get_stats)
        figures.watch_pool("reads", self._read_pool.get_stats)
        self._door = Door(settings)
        self._briefs = Briefs(settings.database_url, self._hook_pool, self._door, self._hook_threads)
        mail = Mail(self._hook_pool, self._door, self._hook_threads)
        database = Database(self._read_pool, self._read_threads, self._door)
        self.authenticator = Authenticator(settings, Database(self._hook_pool, self._hook_threads, self._door))
        self.parts = Parts(settings, self._door, self._briefs, mail, database)

    async def process_startup(self, scope: Mapping[str, Any], event: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Begin to listen for briefs, and to tell the figures."""
        figures.tell(self._home, "api")
        self._briefs.start()

    async def process_shutdown(self, scope: Mapping[str, Any], event: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Close connections."""
        await self._briefs.stop()
        await self._door.close()
        self._hook_pool.close()
        self._read_pool.close()


def _dumps(value: object) -> str:
    return orjson.dumps(value, default=plain, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()


async def _said(req: Request, resp: Response, error: DcmError, params: dict[str, Any]) -> None:  # noqa: ARG001
    """An error DCM raised on purpose: its sentence, and what is wrong with which field."""
    resp.status = STATUS.get(type(error), 500)
    body: dict[str, Any] = {"error": str(error)}
    if isinstance(error, InvalidInput) and error.details:
        body["details"] = error.details
    if isinstance(error, Conflict):
        body["id"] = error.id
    if isinstance(error, Unknown):
        resp.set_header("WWW-Authenticate", CHALLENGE)
    if isinstance(error, TooMany):
        resp.set_header("Retry-After", str(math.ceil(error.retry_after)))
    resp.content_type = falcon.MEDIA_JSON
    resp.data = json.dumps(body).encode()


def _refused(req: Request, resp: Response, error: falcon.HTTPError) -> None:  # noqa: ARG001
    """What the framework refuses, said as everything else is."""
    resp.content_type = falcon.MEDIA_JSON
    resp.data = json.dumps({"error": error.description or _TITLES.get(error.status_code, f"{error.title}.")}).encode()


async def _value_refused(req: Request, resp: Response, error: Exception, params: dict[str, Any]) -> None:  # noqa: ARG001
    resp.status = 400
    resp.media = {"error": f"The database cannot store a value of this: {str(error).splitlines()[0]}."}


async def _database_away(req: Request, resp: Response, error: Exception, params: dict[str, Any]) -> None:  # noqa: ARG001
    logger.warning("the database did not answer: %s", error)
    resp.status = 503
    resp.media = {"error": "The database does not answer. Try again in a moment; its log tells more."}
