"""What is said to the WebSocket bridge and heard from it."""

import json
import time
from dataclasses import dataclass
from typing import Any, Literal, get_args

from websockets.exceptions import InvalidURI
from websockets.uri import parse_uri

from dcm.client.errors import ClientError, Refused

URL = "ws://127.0.0.1:3849"
"""Where the bridge listens when nobody chose otherwise."""

GLOBAL = "global"
"""The channel the bridge puts everyone on."""

NEWEST = "newest"
"""Stands for the event told last, whatever it is: after it begins a stream that was not told where to begin."""

MISSED = "events.missed"
"""Name of what a stream tells of itself: events before this are not kept any more, and were not told."""

AUTH_ERRORS = frozenset({"4001", "4002", "4003"})
"""Codes of the error frames after which a connection will never be authenticated."""

FRAME_LIMIT = 64 * 1024
"""Bytes of the largest frame the bridge takes."""

Publishable = Literal[
    "task.created", "task.updated", "task.completed", "task.failed",
    "subtask.created", "subtask.updated", "subtask.completed", "subtask.failed",
    "message.new", "message.read", "message.expired",
    "agent.connected", "agent.disconnected", "agent.heartbeat",
    "metric.update", "system.error", "system.info",
]  # fmt: skip
"""Events the bridge lets a client publish."""


@dataclass(frozen=True, slots=True)
class Told:
    """Something that happened. `event_id` is set for what is kept: a later stream can begin after it.

    One whose `event` is MISSED was told by nobody: it stands where events are missing. Its data has the `channels`.
    """

    id: str
    channel: str
    event: str
    data: Any
    timestamp: int
    event_id: int | None


def check_address(url: str) -> None:
    """Refuse what is no address of a WebSocket."""
    try:
        parse_uri(url)
    except (InvalidURI, ValueError):
        raise ClientError(f"{url!r} is not the address of a WebSocket: give one like {URL}.") from None


def check_position(after: int | None) -> None:
    """Refuse what is no id of an event."""
    if after is not None and not 0 <= after < 10**18:
        raise ClientError(f"after is {after}: give the event_id of an event, a whole number of at most 18 digits.")


def check_publishable(event: str) -> None:
    """Refuse an event the bridge would not let pass."""
    if event not in get_args(Publishable):
        raise ClientError(f"{event!r} cannot be published: give one of {', '.join(get_args(Publishable))}.")


def written(kind: str, **fields: object) -> str:
    """The text of a frame.

    Raises:
        ClientError: it is larger than the bridge takes.
    """
    text = json.dumps({"type": kind, **fields, "timestamp": time.time_ns() // 1_000_000})
    if len(text) > FRAME_LIMIT:
        raise ClientError(f"A frame of {len(text):,} bytes is more than the bridge takes ({FRAME_LIMIT:,}): say less.")
    return text


def parsed(text: str | bytes) -> dict[str, Any]:
    """The object of a frame; what is none says nothing."""
    try:
        frame = json.loads(text)
    except ValueError:
        return {}
    return frame if isinstance(frame, dict) else {}


def is_event(frame: dict[str, Any]) -> bool:
    """Whether a frame tells what happened."""
    return "event" in frame and "channel" in frame


def told(frame: dict[str, Any]) -> Told:
    """The event of a frame."""
    return Told(
        id=str(frame.get("id", "")),
        channel=frame["channel"],
        event=frame["event"],
        data=frame.get("data"),
        timestamp=frame.get("timestamp", 0),
        event_id=frame.get("event_id"),
    )


def missed(frame: dict[str, Any]) -> Told:
    """The mark that some was missed, of the frame that says so."""
    return Told("", "", MISSED, {"channels": frame.get("channels", [])}, frame.get("timestamp", 0), None)


def check_accepted(frame: dict[str, Any]) -> None:
    """Raise Refused for a frame that refuses ours, with the bridge's words."""
    sentence = f"{str(frame.get('error')).rstrip('.')}."
    if str(frame.get("code")) in AUTH_ERRORS:
        raise Refused(f"The WebSocket bridge refused who you are: {sentence}", 401)
    if frame.get("type") == "error":
        raise Refused(f"The WebSocket bridge refused a frame: {sentence}", 400)
    if frame.get("type") == "ack" and not frame.get("success", True):
        what = str(frame.get("id")).partition("_")[0]
        raise Refused(f"The WebSocket bridge refused to {what}: {sentence}", 400)


def other_server(url: str, status: int) -> Refused:
    """The error for an HTTP answer where a WebSocket should be."""
    if status in {401, 403}:
        return Refused(f"{url} asks for an access token that may read: give one, or set DCM_TOKEN.", status)
    hint = f"it is not DCM's WebSocket bridge. Give its address, like {URL}, not that of the API."
    return Refused(f"{url} answers HTTP {status}: {hint}", status)
