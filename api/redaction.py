"""What a caller sends to be stored loses its secrets before any route sees it."""

import asyncio
import json
from collections.abc import Callable
from typing import TypeVar

from falcon.asgi import Request, Response

from api.bodies import TOO_DEEP, parse_json
from dcm.domain.errors import InvalidInput
from dcm.domain.redaction import Redactor

Result = TypeVar("Result")

LARGE = 65_536
"""Bytes of a body from which on it is looked through beside the event loop, which answers hooks meanwhile."""


class Redaction:
    """Gives each request the redactor of the process."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    async def process_request(self, req: Request, resp: Response) -> None:  # noqa: ARG002 - falcon's signature
        """Lay the redactor ready."""
        req.context.redactor = self._redactor


async def beside(raw: bytes, work: Callable[[], Result]) -> Result:
    """What work makes of a body; done in a thread of its own where the body is large."""
    return work() if len(raw) < LARGE else await asyncio.to_thread(work)


async def without_secrets(req: Request, raw: bytes) -> bytes:
    """A body without its secrets; as it came when it has none, or is refused anyway.

    Raises:
        InvalidInput: it is nested too deep to be looked through.
    """
    redactor: Redactor = req.context.redactor
    return await beside(raw, lambda: _redacted(redactor, raw))


def _redacted(redactor: Redactor, raw: bytes) -> bytes:
    try:
        body = parse_json(raw)
    except InvalidInput:
        return raw
    try:
        redacted = redactor.payload(body) if isinstance(body, dict) else redactor.value(body)
    except (RecursionError, ValueError):  # redacted as one text, what is deep may be JSON no more
        raise InvalidInput(TOO_DEEP) from None
    return raw if redacted is body else json.dumps(redacted, ensure_ascii=True).encode()
