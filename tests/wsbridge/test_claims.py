"""Agents with a credential on the WebSocket: who proves to be one, and what nobody else hears or says."""

import asyncio
import dataclasses
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from bridge import events_until, heard, say, serving, tell

from db import agent_credentials
from db.pool import Conn
from dcm import secret
from dcm.domain import access
from dcm.domain.events import Event
from dcm.domain.tokens import Identity, make
from dcm.settings import Settings
from wsbridge.hub import now_ms


@pytest.fixture
def settings(quiet_settings: Settings) -> Settings:
    """A bridge whose tokens the test can sign."""
    return dataclasses.replace(quiet_settings, ws_auth_secret="of the test")


@pytest.fixture
def conn(settings: Settings) -> Iterator[Conn]:
    """A connection to the bridge's database, which is left as it was."""
    with psycopg.connect(settings.database_url, autocommit=True) as conn:
        yield conn
        conn.execute("DELETE FROM agent_credentials")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def credential(conn: Conn, agent_id: str) -> str:
    made = access.make_token(access.CREDENTIAL)
    agent_credentials.save(conn, agent_id, access.digest(made))
    return made


def test_nobody_is_an_agent_with_a_credential_who_does_not_prove_it(settings: Settings, conn: Conn) -> None:
    before = make(secret.load(settings), Identity("a1"), now_ms() - 1000)
    own, others = credential(conn, "a1"), credential(conn, "a2")

    async def scenario() -> None:
        async with serving(settings) as running:
            async with running.client("/?agent_id=a1") as client:
                assert (await heard(client))["code"] == "4001"
                for frame in ({"agent_id": "a1"}, {"token": before}):
                    error = await say(client, type="auth", id="1", **frame)
                    assert (error["code"], error["id"]) == ("4001", "1")
                assert (await say(client, type="subscribe", channel="agents/a1", id="2"))["success"] is False
                after = make(secret.load(settings), Identity("a1"), now_ms())
                assert (await say(client, type="auth", token=after))["success"] is True
            for shown in ({"X-DCM-Agent-Token": own}, bearer(own)):
                async with running.client("/?agent_id=a1", additional_headers=shown) as client:
                    assert (await say(client, type="auth", agent_id="a1"))["success"] is True
            async with running.client(additional_headers={"X-DCM-Agent-Token": others}) as client:
                assert (await say(client, type="auth", agent_id="a1"))["code"] == "4001"

    asyncio.run(scenario())


def test_who_was_on_the_channel_of_an_agent_before_it_had_a_credential_is_not_again(
    settings: Settings, conn: Conn
) -> None:
    async def scenario() -> None:
        async with serving(settings) as running:
            async with running.client() as client:
                await say(client, type="auth", agent_id="other")
                await heard(client)  # agent.connected
                for channel in ("agents/a1", "agents/third"):
                    assert (await say(client, type="subscribe", channel=channel, id="1"))["success"] is True
            credential(conn, "a1")
            running.bridge._claims._read_at = None  # what was known some seconds ago is read anew
            async with running.client() as client:
                await say(client, type="auth", agent_id="other")
                await heard(client)
                assert set(running.bridge.hub.channel_stats()) == {"global", "agents/other", "agents/third"}

    asyncio.run(scenario())


def test_who_was_an_agent_before_it_had_a_credential_hears_its_mail_and_speaks_as_it_no_more(
    settings: Settings, conn: Conn
) -> None:
    mail = Event("message.new", {"to": "a1"}, channel="agents/a1")

    async def scenario() -> None:
        async with serving(settings) as running, running.client("/?agent_id=a1") as impostor:
            assert (await say(impostor, type="subscribe", channel="agents/a1", id="1"))["success"] is True
            own = credential(conn, "a1")
            running.bridge._claims._read_at = None  # what was known some seconds ago is read anew
            frame = {"type": "publish", "channel": "agents/a1", "event": "message.new", "data": {}}
            assert (await say(impostor, **frame, id="2"))["success"] is False
            async with running.client("/?agent_id=a1", additional_headers=bearer(own)) as agent:
                assert (await say(agent, type="subscribe", channel="agents/a1", id="1"))["success"] is True
                await tell(conn, mail, Event("end", {}))
                assert [event for _, event, _ in await events_until(agent, "end")] == ["message.new", "end"]
                assert [event for _, event, _ in await events_until(impostor, "end")] == ["end"]
                past = {"type": "subscribe", "channel": "agents/a1", "last_event_id": 0}
                assert (await say(impostor, **past, id="3"))["success"] is False

    asyncio.run(scenario())


def test_another_agent_does_not_hear_what_is_for_one_with_a_credential(settings: Settings, conn: Conn) -> None:
    credential(conn, "a1")

    async def scenario() -> None:
        async with serving(settings) as running, running.client() as client:
            assert (await say(client, type="auth", agent_id="other", id="1"))["success"] is True
            await heard(client)  # agent.connected
            refusal = await say(client, type="subscribe", channel="agents/a1", id="2")
            assert (refusal["success"], refusal["error"]) == (False, "agents/a1 is that agent's alone.")
            assert (await say(client, type="subscribe", channel="agents/third", id="3"))["success"] is True

    asyncio.run(scenario())


@pytest.mark.contract("WS event")
def test_mail_of_an_agent_with_a_credential_is_told_on_its_channel_alone_live_and_of_the_past(
    settings: Settings, conn: Conn
) -> None:
    own = credential(conn, "a1")
    mail = [Event(name, {"to": to}, channel=f"agents/{to}") for to in ("a1", "b")
            for name in ("message.new", "agent.blocked", "subtask.updated")]  # fmt: skip
    shared = [("subtask.updated", "a1"), *((event.name, "b") for event in mail[3:])]

    async def scenario() -> None:
        async with serving(settings) as running, running.client() as stranger:
            async with running.client("/?agent_id=a1", additional_headers=bearer(own)) as agent:
                assert (await say(agent, type="subscribe", channel="agents/a1", id="1"))["success"]
                await tell(conn, *mail, Event("end", {}))
                heard_by = [await events_until(client, "end") for client in (stranger, agent)]
            for events in heard_by:
                told = [(event, data["to"]) for where, event, data in events if where == "global" and data]
                assert told == shared
            assert [event for where, event, _ in heard_by[1] if where == "agents/a1"] == [e.name for e in mail[:3]]
            async with running.client("/?last_event_id=0") as late:
                past = []
                while (frame := await heard(late)).get("type") != "resumed":
                    past.append((frame["event"], frame["data"]["to"]))
                assert ("message.new", "b") in past
                assert ("message.new", "a1") not in past

    asyncio.run(scenario())


@pytest.mark.parametrize(("channel", "data"), [
    ("agents/a1", {}), ("global", {"from": "a1"}), ("global", {"from_agent": "a1"}), ("topics/x", {"agent_id": "a1"}),
    ("global", {"from_agent_id": "a1"}), ("global", [{"from": "a1"}]), ("global", {"from": ["b", "a1"]}),
    ("global", {"from": {"id": "a1"}}), ("global", {"message": {"from_agent": "a1"}}),
])  # fmt: skip
def test_only_an_agent_with_a_credential_publishes_on_its_channel_and_in_its_name(
    settings: Settings, conn: Conn, channel: str, data: Any
) -> None:
    own = credential(conn, "a1")
    frame = {"type": "publish", "channel": channel, "event": "message.new", "data": data}

    async def scenario() -> None:
        async with serving(settings) as running:
            async with running.client() as client:
                refusal = await say(client, **frame, id="1")
                assert (refusal["success"], refusal["error"][:24]) == (False, "a1 must prove who it is:")
                await say(client, type="auth", agent_id="other")
                await heard(client)  # agent.connected
                assert (await say(client, **frame, id="2"))["success"] is False
            async with running.client(additional_headers=bearer(own)) as client:
                answer = await say(client, **frame, id="3")
                while answer.get("type") != "ack":
                    answer = await heard(client)
                assert answer["success"] is True

    asyncio.run(scenario())
