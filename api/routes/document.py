"""GET /openapi.json: what every route takes and answers."""

import functools
from collections.abc import Sequence

import orjson
from falcon.asgi import Request, Response

from api.openapi import document


class OpenApi:
    """/openapi.json"""

    def __init__(self, table: Sequence[tuple[str, object]]) -> None:
        self._table = table

    @functools.cached_property
    def _text(self) -> bytes:
        return orjson.dumps(document(self._table))

    async def on_get(self, req: Request, resp: Response) -> None:  # noqa: ARG002 - falcon's signature
        """The document."""
        resp.content_type, resp.data = "application/json", self._text
