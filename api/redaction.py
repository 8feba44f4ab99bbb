"""What a caller sends to be stored loses its secrets before any route sees it."""

import json

from falcon.asgi import Request, Response

from api.bodies import TOO_DEEP, parse_json
from dcm.domain.errors import InvalidInput
from dcm.domain.redaction import Redactor


class Redaction:
    """Gives each request the redactor of the process."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    async def process_request(self, req: Request, resp: Response) -> None:  # noqa: ARG002 - falcon's signature
        """Lay the redactor ready."""
        req.context.redactor = self._redactor


def without_secrets(req: Request, raw: bytes) -> bytes:
    """A body without its secrets; as it came when it has none, or is refused anyway.

    Raises:
        InvalidInput: it is nested too deep to be looked through.
    """
    try:
        body = parse_json(raw)
    except InvalidInput:
        return raw
    redactor: Redactor = req.context.redactor
    try:
        redacted = redactor.payload(body) if isinstance(body, dict) else redactor.value(body)
    except (RecursionError, ValueError):  # redacted as one text, what is deep may be JSON no more
        raise InvalidInput(TOO_DEEP) from None
    return raw if redacted is body else json.dumps(redacted, ensure_ascii=True).encode()
