"""What every answer tells the browser to keep to."""

from http import HTTPStatus

from falcon import MEDIA_HTML
from falcon.asgi import Request, Response

from api.access import HOOKS
from dcm.domain import page_rules
from dcm.settings import Settings


class Protection:
    """Sets the headers by which a browser keeps other pages away from ours, and ours to themselves."""

    def __init__(self, settings: Settings) -> None:
        self._ws_port = settings.ws_port

    async def process_response(self, req: Request, resp: Response, *_: object) -> None:
        """Set the headers of data, and those of a page where it is one; no browser gets what a hook is answered."""
        if req.path == HOOKS and resp.status_code == HTTPStatus.OK:
            return
        resp.set_headers(page_rules.DATA)
        if not resp.cache_control:
            resp.set_header("Cache-Control", page_rules.NOT_KEPT)
        if (resp.content_type or "").startswith(MEDIA_HTML.partition(";")[0]):
            resp.set_headers(page_rules.PAGE)
            resp.set_header("Content-Security-Policy", page_rules.policy(req.host, self._ws_port))
