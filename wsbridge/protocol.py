"""The frames of the WebSocket (contract, section 10), as dataclasses; JSON text on the wire."""

import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any

CHANNEL = re.compile(r"\A(?:global|metrics|(?:topics|sessions|agents)/.+)\Z")
"""Names of channels."""


@dataclass(frozen=True, slots=True)
class Request:
    """A frame of a client. Absent fields are empty; `id` asks for an acknowledgement."""

    type: str
    id: str | None = None
    channel: str = ""
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Connected:
    """The first frame a client gets."""

    client_id: str
    timestamp: int
    type: str = "connected"


@dataclass(frozen=True, slots=True)
class Ack:
    """The answer to a frame that had an id."""

    id: str
    success: bool
    timestamp: int
    error: str | None = None
    type: str = "ack"


@dataclass(frozen=True, slots=True)
class Beat:
    """`ping` or `pong`."""

    type: str
    timestamp: int


@dataclass(frozen=True, slots=True)
class Error:
    """What was wrong with a frame. Codes: PARSE_ERROR, UNKNOWN_MESSAGE_TYPE."""

    error: str
    code: str
    timestamp: int
    type: str = "error"


@dataclass(frozen=True, slots=True)
class Told:
    """Something that happened. `event_id` is set for what is kept: a client may resume after it."""

    id: str
    channel: str
    event: str
    data: Any
    timestamp: int
    event_id: int | None = None
    session_id: str | None = field(default=None)


Frame = Connected | Ack | Beat | Error | Told


class BadFrame(ValueError):
    """A client's frame cannot be read."""


def read(text: str | bytes) -> Request:
    """The frame of a client.

    Raises:
        BadFrame: it is not a JSON object with a type.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFrame(f"the frame is not JSON: {error}") from None
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        raise BadFrame("the frame is not an object with a type")
    texts = {name: value[name] for name in ("channel", "message_id") if isinstance(value.get(name), str)}
    frame_id = value.get("id")
    return Request(type=value["type"], id=None if frame_id is None else str(frame_id), **texts)


def write(frame: Frame) -> str:
    """The text of a frame, without the fields that are not set; half of a surrogate pair cannot be sent."""
    body = {name: value for name, value in asdict(frame).items() if value is not None or name == "data"}
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()
