"""Notifications: what Postgres is told to tell."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcm.domain.events import NOTIFY_LIMIT, Event, notification

TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.integers(1, 9000).flatmap(
    lambda length: st.sampled_from("aé中🚀\x01\\").map(lambda letter: letter * length)
)
DATA = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=10), TEXTS, max_size=5)


@given(DATA, st.text(max_size=40), st.integers(1, 2**62) | st.none())
def test_a_notification_never_exceeds_the_limit_in_bytes(data: dict[str, Any], id_: str, event_id: int | None) -> None:
    event = Event("message.new", data | {"id": id_.encode("utf-8", "replace").decode()}, session_id="s" * 36)
    text = notification(event, 1_795_000_000_000, event_id)
    assert len(text.encode()) <= NOTIFY_LIMIT
    frame = json.loads(text)
    if frame["data"] != event.data:
        assert frame["data"].pop("truncated") is True
        assert frame["data"].keys() == event.data.keys()
        for name, value in event.data.items():
            told = frame["data"][name]
            assert told == value or (len(value.encode()) > 100 and value.startswith(told.removesuffix("…")))
    assert frame.get("event_id") == event_id


@pytest.mark.parametrize("letter", ["a", "é", "中", "🚀"])
def test_the_limit_counts_bytes_and_not_characters(letter: str) -> None:
    room = NOTIFY_LIMIT - len(notification(Event("x", {"id": "1", "t": ""}), 1, None).encode())
    fits = Event("x", {"id": "1", "t": letter * (room // len(letter.encode()))})
    assert json.loads(notification(fits, 1, None))["data"] == fits.data
    over = Event("x", {"id": "1", "t": letter * (room // len(letter.encode()) + 1)})
    told = notification(over, 1, None)
    cut = json.loads(told)["data"]
    assert (cut["id"], cut["truncated"]) == ("1", True)
    assert cut["t"] == letter * (len(cut["t"]) - 1) + "…"
    assert NOTIFY_LIMIT - 2 * len(letter.encode()) < len(told.encode()) <= NOTIFY_LIMIT


def test_only_long_fields_are_cut_and_lists_by_their_items() -> None:
    short = {"id": "7", "session_id": "s" * 36, "agent_id": None, "status": "running", "agent_type": "Explore"}
    paths = [f"/w/{number}/{'d' * 200}" for number in range(100)]
    cut = json.loads(notification(Event("x", short | {"description": "é" * 6000, "paths": paths}), 1, None))["data"]
    assert short.items() <= cut.items()
    assert len(cut["description"]) > 1500
    assert 10 < len(cut["paths"]) < 100
    assert cut["paths"] == paths[: len(cut["paths"])]
    nothing = json.loads(notification(Event("x", {"id": "7", "facts": {"a": "b" * 9000}}), 1, None))["data"]
    assert nothing == {"id": "7", "facts": None, "truncated": True}


@pytest.mark.parametrize(
    ("name", "kept"),
    [("task.created", True), ("subtask.running", True), ("message.new", True), ("agent.connected", True),
     ("action.created", False), ("session.created", False), ("request.created", False)],
)  # fmt: skip
def test_what_a_client_must_not_miss_is_kept(name: str, kept: bool) -> None:
    assert Event(name, {}).kept is kept
