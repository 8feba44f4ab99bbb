"""Reading what a request carries, and writing what an answer does."""

import json
from typing import Any

import orjson
from falcon.asgi import Request

from dcm.domain.cuts import FIELD_LIMIT, cut_fields
from dcm.domain.errors import InvalidInput, TooLarge

BODY_LIMIT = 1024 * 1024
"""Bytes of the largest body that is taken."""


async def read_body(req: Request) -> bytes:
    """The body of a request.

    Raises:
        TooLarge: it has more than 1 MiB.
    """
    if (req.content_length or 0) > BODY_LIMIT:
        raise TooLarge(f"The body has {req.content_length} bytes: {BODY_LIMIT} are taken at most.")
    raw: bytes = await req.stream.read(BODY_LIMIT + 1)
    if len(raw) > BODY_LIMIT:
        raise TooLarge(f"The body has more than the {BODY_LIMIT} bytes that are taken.")
    return raw


def parse_json(raw: bytes) -> Any:
    """The JSON value of a body. A client may send halves of surrogate pairs, which strict parsers refuse.

    Raises:
        InvalidInput: it is not JSON.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        try:
            return json.loads(raw, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"The body is not JSON ({error}): send one JSON object.") from None


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def kept_bytes(raw: bytes, payload: Any) -> bytes:
    """The bytes of a payload that are queued: as it came, or with the fields cut that are too big to keep."""
    if len(raw) <= FIELD_LIMIT:
        return raw
    cut = cut_fields(payload)
    return raw if cut == payload else json.dumps(cut, ensure_ascii=True, separators=(",", ":")).encode()


def integer(req: Request, name: str, default: int, low: int, high: int) -> int:
    """A whole number of the query, kept between its bounds.

    Raises:
        InvalidInput: it is not a whole number.
    """
    text = req.get_param(name)
    if text is None:
        return default
    try:
        value = int(text)
    except ValueError:
        raise InvalidInput("Invalid query parameters", {name: [f"give a whole number from {low} to {high}"]}) from None
    return max(low, min(value, high))
