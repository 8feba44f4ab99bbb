"""The frames of the WebSocket."""

import json

import pytest

from wsbridge.protocol import (
    CHANNEL,
    Ack,
    BadFrame,
    BadPosition,
    Beat,
    Connected,
    Error,
    Frame,
    Request,
    Resumed,
    Told,
    event_position,
    read,
    write,
)


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ('{"type": "ping", "timestamp": 1}', Request("ping")),
        ('{"type": "subscribe", "channel": "global", "id": "a"}', Request("subscribe", "a", "global")),
        ('{"type": "subscribe", "channel": 7, "id": 3}', Request("subscribe", 3)),
        ('{"type": "auth", "last_event_id": 7}', Request("auth", last_event_id=7)),
        ('{"type": "auth", "last_event_id": "7"}', Request("auth", last_event_id=7)),
        ('{"type": "auth", "last_event_id": "newest"}', Request("auth", last_event_id="newest")),
        ('{"type": "subscribe", "channels": ["a", "b", "a", 7]}', Request("subscribe", channels=("a", "b", ""))),
        ('{"type": "subscribe", "channels": "a"}', Request("subscribe")),
        ('{"type": "ack", "message_id": "msg_1", "more": {}}', Request("ack", message_id="msg_1")),
        (b'{"type": "pong", "id": null}', Request("pong")),
    ],
)
def test_a_frame_is_read_with_what_it_has(text: str | bytes, request_: Request) -> None:
    assert read(text) == request_


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "[]", "null", "7", '"ping"', "{}", '{"type": 7}', '{"type": null}', b"\xff\x00", "[" * 60_000],
    ids=lambda text: repr(text)[:12],
)
def test_what_is_no_object_with_a_type_is_a_bad_frame(text: str | bytes) -> None:
    with pytest.raises(BadFrame, match="the frame is not"):
        read(text)


@pytest.mark.parametrize(
    ("frame", "body"),
    [
        (Connected("ws_1", 5), {"type": "connected", "client_id": "ws_1", "timestamp": 5}),
        (Ack("a", True, 5), {"type": "ack", "id": "a", "success": True, "timestamp": 5}),
        (Ack("a", False, 5, "no"), {"type": "ack", "id": "a", "success": False, "error": "no", "timestamp": 5}),
        (Beat("pong", 5), {"type": "pong", "timestamp": 5}),
        (Error("no", "PARSE_ERROR", 5), {"type": "error", "error": "no", "code": "PARSE_ERROR", "timestamp": 5}),
        (
            Resumed(9, ["global"], False, 5),
            {"type": "resumed", "last_event_id": 9, "channels": ["global"], "complete": False, "timestamp": 5},
        ),
        (
            Told("msg_1", "global", "task.created", {"a": None}, 5, 1),
            {"id": "msg_1", "channel": "global", "event": "task.created", "data": {"a": None}, "timestamp": 5,
             "event_id": 1},
        ),
        (
            Told("msg_1", "global", "x", None, 5),
            {"id": "msg_1", "channel": "global", "event": "x", "data": None, "timestamp": 5},
        ),
    ],
)  # fmt: skip
def test_a_frame_is_written_without_the_fields_that_are_not_set(frame: Frame, body: dict[str, object]) -> None:
    assert json.loads(write(frame)) == body


def test_a_written_frame_can_always_be_sent_also_with_half_of_a_surrogate_pair() -> None:
    assert json.loads(write(Error("Unknown: \ud800é", "X", 1)).encode())["error"].endswith("é")


@pytest.mark.parametrize("name", ["global", "metrics", "topics/a", "sessions/0-1", "agents/a/b", "topics/ "])
def test_channels_of_the_contract_are_valid(name: str) -> None:
    assert CHANNEL.match(name)


@pytest.mark.parametrize("value", [-1, 1.0, 1.5, True, "", "x", "-1", "٣", "9" * 19, 10**30, [1]], ids=repr)
def test_what_is_no_id_of_an_event_is_refused_with_what_to_give(value: object) -> None:
    with pytest.raises(BadPosition, match="give the event_id of an event"):
        event_position(value)
    with pytest.raises(BadFrame, match="last_event_id is ") as refused:
        read(json.dumps({"type": "subscribe", "id": 7, "last_event_id": value}))
    assert refused.value.id == 7


def test_a_position_that_is_not_given_is_none() -> None:
    assert event_position(None) is None
    assert read('{"type": "auth", "last_event_id": null}').last_event_id is None


@pytest.mark.parametrize(
    "name", ["topics/" + "x" * 301, "", "Global", "global/x", "topics/", "topics", "session/1", " global", "x\nglobal"]
)
def test_other_channel_names_are_not(name: str) -> None:
    assert not CHANNEL.match(name)
