"""Reading what a request carries, and writing what an answer does."""

import json
from collections.abc import Mapping
from typing import Any

import orjson
from falcon.asgi import Request

from dcm.domain.cuts import BODY_LIMIT, FIELD_LIMIT, cut_fields
from dcm.domain.errors import InvalidInput, TooLarge

PLACES = frozenset({"transcript_path", "agent_transcript_path"})
"""Fields of a hook that name a file which DCM opens."""

TOO_DEEP = "The JSON of the body is nested too deep: send it with fewer objects and lists inside one another."
"""Why a body is refused that parsers give up on."""

HEARD_OUT = 16 * BODY_LIMIT
"""Bytes of a refused body that are read and dropped: a client that is still sending does not read the answer."""


async def read_body(req: Request, limit: int = BODY_LIMIT) -> bytes:
    """The body of a request.

    Raises:
        TooLarge: it has more bytes than the limit, 1 MiB where none is given.
    """
    if (req.content_length or 0) > limit:
        await _hear_out(req)
        raise TooLarge(f"The body has {req.content_length} bytes: {limit} are taken at most.")
    raw: bytes = await req.stream.read(limit + 1)
    if len(raw) > limit:
        await _hear_out(req)
        raise TooLarge(f"The body has more than the {limit} bytes that are taken.")
    return raw


async def _hear_out(req: Request) -> None:
    left = HEARD_OUT
    while left > 0 and (dropped := await req.stream.read(65_536)):
        left -= len(dropped)


def parse_json(raw: bytes) -> Any:
    """The JSON value of a body. A client may send halves of surrogate pairs, which strict parsers refuse.

    Raises:
        InvalidInput: it is not JSON, or nested too deep.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        try:
            return json.loads(raw, parse_constant=_refuse_constant)
        except RecursionError:
            raise InvalidInput(TOO_DEEP) from None
        except ValueError as error:
            raise InvalidInput(f"The body is not JSON ({error}): send one JSON object.") from None


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def kept_bytes(raw: bytes, payload: Any) -> bytes:
    """The bytes of a payload that are queued: as it came, or with the fields cut that are too big to keep."""
    if len(raw) <= FIELD_LIMIT:
        return raw
    try:
        cut = cut_fields(payload)
        return raw if cut == payload else json.dumps(cut, ensure_ascii=True, separators=(",", ":")).encode()
    except RecursionError:
        return raw


def of_elsewhere(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A hook's payload without what names files of the machine it comes from: here that would be another's."""
    return {name: value for name, value in payload.items() if name not in PLACES}


def storable(text: str) -> str:
    """The text as the workers store it: Postgres takes neither NUL nor half of a surrogate pair."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


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


def text(req: Request, name: str) -> str | None:
    """A text of the query, None when it is not given.

    Raises:
        InvalidInput: no stored text can be like it.
    """
    value: str | None = req.get_param(name)
    if value is not None and value != storable(value):
        raise InvalidInput("Invalid query parameters", {name: ["give text without NUL"]})
    return value
