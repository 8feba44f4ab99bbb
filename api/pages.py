"""The dashboard's files, and what is said where there is nothing."""

from pathlib import Path
from typing import Any

import falcon
import falcon.asgi
from falcon.asgi import Request, Response

FOR_EVER, ASK_AGAIN = "public, max-age=31536000, immutable", "no-cache"
"""How long a browser keeps a file: one whose name has a hash of its content, and any other."""

HASHED = "/assets/"


class Pages:
    """Serves a built single-page app: its files, and its index.html at every path of its own."""

    def __init__(self, folder: Path) -> None:
        self._index = folder / "index.html"
        self._reference = folder / "docs.html"
        self._folder = folder

    def add_to(self, app: falcon.asgi.App[Request, Response]) -> None:
        """Serve the files beside the routes of `app`; without a build, only say what is not there."""
        if self._folder.is_dir():
            app.add_static_route("/", self._folder.absolute())
            app.add_middleware(self)
        app.add_error_handler(falcon.HTTPNotFound, self._not_found)

    async def process_response(self, req: Request, resp: Response, *_: object) -> None:
        """Say how long a file may be kept."""
        if resp.etag and not resp.cache_control:
            resp.cache_control = [FOR_EVER if req.path.startswith(HASHED) else ASK_AGAIN]

    async def _not_found(self, req: Request, resp: Response, error: falcon.HTTPNotFound, params: Any) -> None:  # noqa: ARG002
        if req.path == "/docs" and self._reference.is_file():
            resp.content_type = falcon.MEDIA_HTML
            resp.cache_control = [ASK_AGAIN]
            resp.data = self._reference.read_bytes()
            return
        if not self._is_page(req):
            resp.status = 404
            resp.media = {"error": f"There is nothing at {req.path}."}
            return
        resp.content_type = falcon.MEDIA_HTML
        resp.cache_control = [ASK_AGAIN]
        resp.data = self._index.read_bytes()

    def _is_page(self, req: Request) -> bool:
        """Whether a person may have typed it: the app itself knows its pages."""
        of_files = req.path.startswith(("/api/", HASHED)) or req.path == "/api"
        wants_html = req.path == "/" or "text/html" in (req.get_header("Accept") or "")
        return req.method in {"GET", "HEAD"} and wants_html and not of_files and self._index.is_file()
