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
    assert frame["data"] in (dict(event.data), {"id": event.data["id"], "truncated": True})
    assert frame.get("event_id") == event_id


@pytest.mark.parametrize("letter", ["a", "é", "中", "🚀"])
def test_the_limit_counts_bytes_and_not_characters(letter: str) -> None:
    room = NOTIFY_LIMIT - len(notification(Event("x", {"id": "1", "t": ""}), 1, None).encode())
    fits = Event("x", {"id": "1", "t": letter * (room // len(letter.encode()))})
    assert json.loads(notification(fits, 1, None))["data"] == fits.data
    over = Event("x", {"id": "1", "t": letter * (room // len(letter.encode()) + 1)})
    assert json.loads(notification(over, 1, None))["data"] == {"id": "1", "truncated": True}


@pytest.mark.parametrize(
    ("name", "kept"),
    [("task.created", True), ("subtask.running", True), ("message.new", True), ("agent.connected", True),
     ("action.created", False), ("session.created", False), ("request.created", False)],
)  # fmt: skip
def test_what_a_client_must_not_miss_is_kept(name: str, kept: bool) -> None:
    assert Event(name, {}).kept is kept
