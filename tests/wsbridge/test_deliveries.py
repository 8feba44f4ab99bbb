"""Acknowledgements: what is sent again, how often, and what ends it."""

import asyncio
import json

import pytest
from bridge import heard, say, serving, until

from dcm.settings import Settings
from wsbridge import deliveries
from wsbridge.deliveries import MOST, SENDS, Deliveries
from wsbridge.protocol import Told


def test_a_frame_is_due_after_five_seconds_and_given_up_after_three_sends() -> None:
    waiting = Deliveries()
    waiting.sent("m1", "global", "text")
    began = waiting.waiting["m1"].at
    assert waiting.due(began + 5.0) == []
    assert waiting.due(began + 5.1) == ["text"]
    assert waiting.due(began + 10.0) == []
    assert waiting.due(began + 10.3) == ["text"]
    assert waiting.due(began + 15.5) == []
    assert (waiting.waiting, SENDS) == ({}, 3)


def test_an_acknowledgement_ends_it_on_every_channel() -> None:
    waiting = Deliveries()
    for channel in ("global", "agents/a"):
        waiting.sent("m1", channel, channel)
    waiting.sent("m2", "global", "other")
    waiting.acknowledged("m1")
    waiting.acknowledged("unknown")
    assert list(waiting.waiting) == ["m2"]


def test_a_message_on_two_channels_waits_as_one_and_is_sent_again_on_both_but_not_on_one_that_was_left() -> None:
    waiting = Deliveries()
    for channel in ("global", "topics/x", "agents/a"):
        waiting.sent("m1", channel, channel)
    waiting.sent("m2", "topics/x", "x")
    waiting.left("topics/x")
    assert list(waiting.waiting) == ["m1"]
    assert waiting.due(waiting.waiting["m1"].at + 6) == ["global", "agents/a"]


def test_what_was_sent_again_waits_behind_what_was_not() -> None:
    waiting = Deliveries()
    waiting.sent("m1", "global", "one")
    began = waiting.waiting["m1"].at
    assert waiting.due(began + 6) == ["one"]
    waiting.sent("m2", "global", "two")
    waiting.waiting["m2"].at = began + 7
    assert waiting.due(began + 11.5) == ["one"]
    assert waiting.due(began + 12.5) == ["two"]


def test_no_more_than_a_bound_is_waited_for() -> None:
    waiting = Deliveries()
    for number in range(MOST + 5):
        waiting.sent(f"m{number}", "global", "text")
    assert len(waiting.waiting) == MOST
    assert "m0" not in waiting.waiting


@pytest.mark.contract("WS ack", "WS unacknowledged events are sent again")
@pytest.mark.parametrize("event", ["task.created", "subtask.completed", "message.new"])
def test_what_is_not_acknowledged_is_sent_again_with_its_id(
    quiet_settings: Settings, monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    monkeypatch.setattr(deliveries, "LOOK_EVERY", 0.02)
    monkeypatch.setattr(deliveries, "AGAIN_AFTER", 0.05)

    async def scenario() -> None:
        async with serving(quiet_settings) as running, running.client() as silent, running.client() as polite:
            running.bridge.hub.tell(Told("m1", "global", event, {}, 5))
            first = await heard(polite)
            await polite.send(json.dumps({"type": "ack", "message_id": first["id"]}))
            assert [(await heard(silent))["id"] for _ in range(3)] == ["m1"] * 3
            assert (await say(polite, type="ping"))["type"] == "pong"
            running.bridge.hub.tell(Told("m2", "global", "action.created", {}, 5))
            assert (await heard(silent))["id"] == "m2"
            await until(lambda: running.bridge.hub.pending_deliveries() == 0, "giving up what is not acknowledged")

    asyncio.run(scenario())
