"""Who a client is: tokens and names, what they open, what is remembered, what may be published."""

import asyncio
import dataclasses
from typing import Any

import pytest
from bridge import Running, heard, say, serving, until
from websockets.asyncio.client import ClientConnection

from dcm import secret
from dcm.domain.tokens import Identity, make
from dcm.settings import Settings
from wsbridge import hub
from wsbridge.hub import now_ms
from wsbridge.protocol import PUBLISHABLE


@pytest.fixture
def settings(quiet_settings: Settings) -> Settings:
    """These tests write nothing."""
    return dataclasses.replace(quiet_settings, ws_auth_secret="of the test")


def token(settings: Settings, agent: str, session: str | None = None, now: int | None = None) -> str:
    return make(secret.load(settings), Identity(agent, session), now or now_ms())


async def channels(running: Running) -> set[str]:
    return set(running.bridge.hub.channel_stats())


async def heard_until(client: ClientConnection, kind: str) -> Any:
    """The next frame of a type or event of that name."""
    while (frame := await heard(client)).get("type", frame.get("event")) != kind:
        pass
    return frame


@pytest.mark.contract(
    "WS auth",
    "WS agent_id, session_id and token of the URL are read",
    "WS channel agents/*",
    "WS agent.connected and agent.disconnected",
)
def test_a_token_in_a_frame_or_in_the_address_opens_its_channels_and_is_told_to_all(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client() as watching, running.client() as client:
            ack = await say(client, type="auth", token=token(settings, "a1", "s1"), id="7")
            assert (ack["type"], ack["id"], ack["success"]) == ("ack", "7", True)
            assert {"agents/a1", "sessions/s1"} <= await channels(running)
            told = await heard(watching)
            assert (told["channel"], told["event"]) == ("global", "agent.connected")
            assert (told["data"]["agent_id"], told["data"]["session_id"]) == ("a1", "s1")
            async with running.client(f"/?token={token(settings, 'a2')}"):
                assert "agents/a2" in await channels(running)
            assert (await heard_until(watching, "agent.disconnected"))["data"]["agent_id"] == "a2"

    asyncio.run(scenario())


def test_a_good_auth_is_acknowledged_also_without_an_id(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client() as client:
            ack = await say(client, type="auth", agent_id="a1")
            assert (ack["type"], ack["success"], "id" in ack) == ("ack", True, False)

    asyncio.run(scenario())


@pytest.mark.parametrize("production", [False, True])
def test_a_bad_or_old_token_is_4001_and_the_connection_stays(settings: Settings, production: bool) -> None:
    async def scenario() -> None:
        told = dataclasses.replace(settings, production=production)
        async with serving(told) as running, running.client("/?token=x.y") as client:
            assert (await heard(client))["code"] == "4001"
            old = token(settings, "a1", now=now_ms() - 3_600_001)
            error = await say(client, type="auth", token=old, id="9")
            assert (error["type"], error["code"], error["id"]) == ("error", "4001", "9")
            assert (await say(client, type="ping"))["type"] == "pong"
            assert await channels(running) == {"global"}

    asyncio.run(scenario())


def test_in_production_a_name_alone_is_4002_and_opens_nothing(settings: Settings) -> None:
    async def scenario() -> None:
        told = dataclasses.replace(settings, production=True)
        async with serving(told) as running, running.client("/?agent_id=a1") as client:
            assert (await say(client, type="auth", agent_id="a1"))["code"] == "4002"
            ack = await say(client, type="subscribe", channel="agents/a1", id="1")
            assert not ack["success"]
            publish = {"type": "publish", "channel": "global", "event": "system.info", "data": {}, "id": "2"}
            assert not (await say(client, **publish))["success"]

    asyncio.run(scenario())


def test_in_development_a_name_is_believed_and_none_at_all_is_4003(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client() as client, running.client("/?agent_id=a2") as named:
            assert (await say(client, type="auth"))["code"] == "4003"
            assert (await say(client, type="auth", agent_id="a1", session_id="s1", id="1"))["success"]
            assert {"agents/a1", "sessions/s1"} <= await channels(running)
            await heard_until(named, "agent.connected")
            assert (await say(named, type="subscribe", channel="agents/a2", id="2"))["success"]
            assert not (await say(named, type="subscribe", channel="agents/a1", id="3"))["success"]

    asyncio.run(scenario())


def test_who_is_authenticated_may_hear_any_agent(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client() as client:
            await say(client, type="auth", agent_id="a1")
            await heard_until(client, "agent.connected")
            assert (await say(client, type="subscribe", channel="agents/a9", id="1"))["success"]

    asyncio.run(scenario())


@pytest.mark.contract("WS channels are restored on authentication")
def test_an_agent_that_comes_back_has_its_channels_again_but_those_it_left(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as running:
            async with running.client() as client:
                await say(client, type="auth", agent_id="a1")
                await heard_until(client, "agent.connected")
                for channel in ("topics/one", "topics/two"):
                    await say(client, type="subscribe", channel=channel, id="1")
                await say(client, type="unsubscribe", channel="topics/one", id="2")
            async with running.client() as client:
                await say(client, type="auth", agent_id="a1")
                assert await channels(running) == {"global", "agents/a1", "topics/two"}

    asyncio.run(scenario())


def test_a_token_without_a_session_has_that_of_the_address_also_in_production(settings: Settings) -> None:
    async def scenario() -> None:
        told = dataclasses.replace(settings, production=True)
        async with serving(told) as running, running.client("/?session_id=s7") as client:
            assert await channels(running) == {"global"}
            assert (await say(client, type="auth", token=token(settings, "a1")))["success"]
            assert await channels(running) == {"global", "agents/a1", "sessions/s7"}

    asyncio.run(scenario())


def test_in_production_a_token_opens_any_agents_channel_and_lets_publish(settings: Settings) -> None:
    async def scenario() -> None:
        told = dataclasses.replace(settings, production=True)
        async with serving(told) as running, running.client(f"/?token={token(settings, 'a1')}") as client:
            assert (await heard(client))["event"] == "agent.connected"
            assert (await say(client, type="subscribe", channel="agents/a9", id="1"))["success"]
            publish = {"type": "publish", "channel": "agents/a9", "event": "system.info", "data": {"n": 1}, "id": "2"}
            assert (await say(client, **publish))["data"] == {"n": 1}
            assert (await heard(client))["success"]

    asyncio.run(scenario())


@pytest.mark.contract("WS channel global", "WS channel metrics", "WS channel topics/*", "WS channel sessions/*")
@pytest.mark.parametrize("channel", ["global", "metrics", "topics/x", "sessions/s1"])
@pytest.mark.parametrize("production", [False, True])
def test_channels_of_nobody_in_particular_are_open_to_anyone(
    settings: Settings, channel: str, production: bool
) -> None:
    async def scenario() -> None:
        told = dataclasses.replace(settings, production=production)
        async with serving(told) as running, running.client() as client:
            assert (await say(client, type="subscribe", channel=channel, id="1"))["success"]

    asyncio.run(scenario())


@pytest.mark.contract("WS channel agents/*")
def test_a_channel_of_an_agent_is_closed_to_who_is_nobody_or_somebody_else(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as running:
            for address in ("/", "/?agent_id=a2"):
                async with running.client(address) as client:
                    ack = await say(client, type="subscribe", channel="agents/a1", id="1")
                    assert (ack["success"], ack["error"][:25]) == (False, "Not authorized for agents")
            assert await channels(running) <= {"global"}

    asyncio.run(scenario())


def test_who_becomes_another_agent_has_left_as_the_first(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client() as watching, running.client() as client:
            for agent in ("a1", "a2"):
                await say(client, type="auth", token=token(settings, agent))
            told = [await heard(watching) for _ in range(3)]
            assert [(frame["event"], frame["data"]["agent_id"]) for frame in told] == [
                ("agent.connected", "a1"), ("agent.disconnected", "a1"), ("agent.connected", "a2"),
            ]  # fmt: skip

    asyncio.run(scenario())


@pytest.mark.contract(
    "WS agent_id, session_id and token of the URL are read", "WS agent.connected and agent.disconnected"
)
def test_an_agent_named_by_its_address_alone_is_told_of_when_it_goes(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client() as watching:
            async with running.client("/?agent_id=a1&session_id=s1"):
                pass
            told = await heard(watching)
            assert (told["channel"], told["event"]) == ("global", "agent.disconnected")
            assert set(told["data"]) == {"agent_id", "client_id", "session_id"}
            assert (told["data"]["agent_id"], told["data"]["session_id"]) == ("a1", "s1")

    asyncio.run(scenario())


def test_who_was_nobody_leaves_without_a_word(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client() as watching:
            async with running.client():
                pass
            await until(lambda: len(running.bridge.hub.clients) == 1, "forgetting the one that went")
            assert (await say(watching, type="ping"))["type"] == "pong"

    asyncio.run(scenario())


def test_channels_are_remembered_until_the_bridge_ends(settings: Settings) -> None:
    async def scenario() -> None:
        for expected in ({"global", "agents/a1"}, {"global", "agents/a1"}):
            async with serving(settings) as running, running.client() as client:
                await say(client, type="auth", agent_id="a1")
                await heard_until(client, "agent.connected")
                assert await channels(running) == expected
                await say(client, type="subscribe", channel="topics/x", id="1")

    asyncio.run(scenario())


def test_more_channels_than_a_client_may_have_are_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "MOST_CHANNELS", 1)

    async def scenario() -> None:
        async with serving(settings) as running, running.client() as client:
            ack = await say(client, type="subscribe", channel="topics/x", id="1")
            assert not ack["success"]
            assert "unsubscribe from one first" in ack["error"]

    asyncio.run(scenario())


@pytest.mark.contract("WS publish", "WS channel topics/*")
@pytest.mark.parametrize("event", sorted(PUBLISHABLE))
def test_what_is_published_reaches_its_channel_and_no_other(settings: Settings, event: str) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client() as client, running.client() as other:
            await say(client, type="subscribe", channel="topics/x", id="1")
            frame = {"type": "publish", "channel": "topics/x", "event": event, "data": {"n": 1}, "id": "2"}
            told = await say(client, **frame)
            assert (told["channel"], told["event"], told["data"]) == ("topics/x", event, {"n": 1})
            assert (await heard(client))["success"]
            assert (await say(other, type="ping"))["type"] == "pong"

    asyncio.run(scenario())


@pytest.mark.parametrize(("channel", "event", "error"), [
    ("global", "subtask.running", "Invalid event type: subtask.running"),
    ("global", "", "Invalid event type: "),
    ("nowhere", "system.info", "Invalid channel format: nowhere"),
])  # fmt: skip
def test_what_may_not_be_published_is_refused(settings: Settings, channel: str, event: str, error: str) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client() as client:
            ack = await say(client, type="publish", channel=channel, event=event, data={}, id="1")
            assert (ack["success"], ack["error"]) == (False, error)

    asyncio.run(scenario())
