"""The frames of the WebSocket (contract, section 10), as dataclasses; JSON text on the wire."""

import json
import re
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import orjson

CHANNEL = re.compile(r"\A(?:global|metrics|(?:topics|sessions|agents)/.{1,300})\Z")
"""Names of channels."""

AGENT_CHANNEL, SESSION_CHANNEL = "agents/", "sessions/"

MAIL = ("message.", "agent.blocked", "agent.unblocked")
"""Beginnings of the events that are for the agent alone on whose channel they are told, if it has a credential."""

PUBLISHABLE = frozenset(
    {
        "task.created", "task.updated", "task.completed", "task.failed",
        "subtask.created", "subtask.updated", "subtask.completed", "subtask.failed",
        "message.new", "message.read", "message.expired",
        "agent.connected", "agent.disconnected", "agent.heartbeat",
        "metric.update", "system.error", "system.info",
    }
)  # fmt: skip
"""Events a client may publish."""

ACKNOWLEDGED = ("task.", "subtask.", "message.")
"""Beginnings of the events a client acknowledges; they are sent again until it does."""

BAD_FRAME = "PARSE_ERROR"
"""Code: a frame, or the position in an address, that cannot be read."""

BAD_TOKEN, TOKEN_NEEDED, NOBODY = "4001", "4002", "4003"
"""Codes: a token that is not good, no token in production, neither token nor agent."""


NEWEST: Literal["newest"] = "newest"
"""Stands for the event_id of what was told last, whatever it is."""

Position = int | Literal["newest"]
"""After which event a client wants to be told what is kept."""


@dataclass(frozen=True, slots=True)
class Request:
    """A frame of a client. Absent fields are empty; `id` asks for an acknowledgement and is given back as it is.

    `channels` are several instead of the one `channel`; None when they are absent.
    """

    type: str
    id: Any = None
    channel: str = ""
    channels: tuple[str, ...] | None = None
    message_id: str = ""
    event: str = ""
    token: str = ""
    agent_id: str = ""
    session_id: str = ""
    data: Any = None
    last_event_id: Position | None = None


@dataclass(frozen=True, slots=True)
class Connected:
    """The first frame a client gets."""

    client_id: str
    timestamp: int
    type: str = "connected"


@dataclass(frozen=True, slots=True)
class Ack:
    """The answer to a frame that had an id, and to every good auth."""

    id: Any
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
    """What was wrong with a frame. Codes: PARSE_ERROR, UNKNOWN_MESSAGE_TYPE, 4001, 4002, 4003."""

    error: str
    code: str
    timestamp: int
    id: Any = None
    type: str = "error"


@dataclass(frozen=True, slots=True)
class Resumed:
    """What was kept after the event a client saw last was sent; `complete` is False when some is no longer kept."""

    last_event_id: int
    channels: list[str]
    complete: bool
    timestamp: int
    type: str = "resumed"


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


Frame = Connected | Ack | Beat | Error | Resumed | Told

_NAMES = {kind: tuple(each.name for each in fields(kind)) for kind in (Connected, Ack, Beat, Error, Resumed, Told)}

SHOWN = 100
"""Characters of a wrong value that are said back."""

_TEXTS = ("channel", "message_id", "event", "token", "agent_id", "session_id")


class BadFrame(ValueError):
    """A client's frame cannot be read; `id` is the frame's own, when it has one."""

    def __init__(self, message: str, id: Any = None) -> None:  # noqa: A002 - the contract's word
        super().__init__(message)
        self.id = id


class BadPosition(ValueError):
    """What should be the id of an event is none."""


def read(text: str | bytes) -> Request:
    """The frame of a client.

    Raises:
        BadFrame: it is not a JSON object with a type, or its last_event_id is none.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFrame(f"the frame is not JSON: {error}") from None
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        raise BadFrame("the frame is not an object with a type")
    texts = {name: value[name] for name in _TEXTS if isinstance(value.get(name), str)}
    try:
        position = event_position(value.get("last_event_id"))
    except BadPosition as error:
        raise BadFrame(str(error), value.get("id")) from None
    return Request(
        type=value["type"],
        id=value.get("id"),
        channels=_several(value.get("channels")),
        data=value.get("data"),
        last_event_id=position,
        **texts,
    )


def _several(value: object) -> tuple[str, ...] | None:
    """The texts of a list, each once; what is no text is no channel's name either."""
    if not isinstance(value, list):
        return None
    return tuple(dict.fromkeys(each if isinstance(each, str) else "" for each in value))


def event_position(value: object) -> Position | None:
    """The id of an event, as a number or in digits, or `newest`; None when nothing was given.

    Raises:
        BadPosition: it is something else.
    """
    if value is None or value == NEWEST:
        return value
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if re.fullmatch(r"[0-9]{1,18}", text):
        return int(text)
    shown = json.dumps(value)[:SHOWN] if isinstance(value, str | int | float) else "neither number nor text"
    raise BadPosition(
        f'last_event_id is {shown}: give the event_id of an event, a whole number of at most 18 digits, or "{NEWEST}".'
    )


def write(frame: Frame) -> str:
    """The text of a frame, without the fields that are not set; half of a surrogate pair cannot be sent."""
    values = [(name, getattr(frame, name)) for name in _NAMES[type(frame)]]
    body = {name: value for name, value in values if value is not None or name == "data"}
    try:
        return orjson.dumps(body).decode()
    except TypeError:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace").decode()
