"""HEAD for every route that answers GET."""

from typing import Any

import falcon.asgi
from falcon.asgi import Request, Response


class App(falcon.asgi.App[Request, Response]):
    """The framework's application, which answers HEAD as it would GET; the server leaves the body out."""

    async def __call__(  # type: ignore[override]
        self, scope: dict[str, Any], receive: Any, send: Any
    ) -> None:
        """Serve a connection."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        await super().__call__(scope, receive, send)
