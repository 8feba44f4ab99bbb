"""What the client's EventStream can be asked while it is iterated, on the real bridge."""

import asyncio
import dataclasses
from typing import get_args

import pytest
from bridge import heard, reading, say, serving, subtask, tell, until

from db.pool import Conn
from dcm import secret
from dcm.client import ClientError, EventStream, Refused, Unreachable, frames
from dcm.domain.events import Event
from dcm.domain.tokens import Identity, make
from dcm.settings import Settings
from wsbridge import protocol, server
from wsbridge.hub import now_ms


def test_the_client_knows_what_the_bridge_takes() -> None:
    assert set(get_args(frames.Publishable)) == protocol.PUBLISHABLE
    assert (frames.FRAME_LIMIT, frames.NEWEST) == (server.FRAME_LIMIT, protocol.NEWEST)
    assert {protocol.BAD_TOKEN, protocol.TOKEN_NEEDED, protocol.NOBODY} == frames.AUTH_ERRORS


def test_channels_can_be_added_and_left_while_a_stream_is_iterated(settings: Settings, conn: Conn) -> None:
    async def scenario() -> None:
        await tell(conn, subtask(1, "s2"))
        async with serving(settings) as running:
            stream = EventStream(running.url, channels=["sessions/s1"], first_pause=0.01)
            other = EventStream(running.url, channels=["sessions/s2"])
            async with reading(stream) as reader, reading(other) as witness:
                await until(lambda: stream.last_event_id is not None, "the first channel")
                await until(lambda: "sessions/s2" in running.bridge.hub.channel_stats(), "the witness")
                await tell(conn, subtask(2, "s2"))
                await until(lambda: witness.numbers[-1:] == [2], "what was told before the second channel")
                await stream.subscribe("sessions/s2", "topics/x")
                await until(lambda: running.bridge.hub.channel_stats()["sessions/s2"] == 2, "the second channel")
                await tell(conn, subtask(3, "s2"), subtask(4, "s1"))
                await until(lambda: reader.numbers[-2:] == [3, 4], "events of both")
                running.break_all()
                await tell(conn, subtask(5, "s2"))
                await until(lambda: reader.numbers[-1] == 5, "the past of the channel that was added")
                await stream.unsubscribe("sessions/s1")
                assert stream.channels == ("sessions/s2", "topics/x")
                await until(lambda: "sessions/s1" not in running.bridge.hub.channel_stats(), "leaving")
                await tell(conn, subtask(6, "s1"), subtask(7, "s2"))
                await until(lambda: reader.numbers[-1] == 7, "the other's event")
                assert reader.numbers == [3, 4, 5, 7]

    asyncio.run(scenario())


def test_channels_can_be_added_before_there_is_a_connection(settings: Settings, conn: Conn) -> None:
    async def scenario() -> None:
        async with serving(settings) as running:
            stream = EventStream(running.url, channels=[])
            await stream.subscribe("sessions/s1", "sessions/s2")
            await stream.unsubscribe("sessions/s2")
            async with reading(stream):
                await until(lambda: set(running.bridge.hub.channel_stats()) == {"sessions/s1"}, "the channel")

    asyncio.run(scenario())


def test_a_stream_says_how_it_stands(settings: Settings, conn: Conn) -> None:
    settings = dataclasses.replace(settings, ws_auth_secret="of the test")
    token = make(secret.load(settings), Identity("a1", "s1"), now_ms())

    async def scenario() -> None:
        async with serving(settings) as running:
            for options, state in (
                ({}, "connected"),
                ({"agent_id": "a1"}, "authenticated"),
                ({"token": token}, "authenticated"),
            ):
                stream = EventStream(running.url, channels=["topics/x"], **options)  # type: ignore[arg-type]
                assert stream.state == "disconnected"
                async with reading(stream):
                    await until(lambda stream=stream, state=state: stream.state == state, "the connection")
                assert stream.state == "disconnected"

    asyncio.run(scenario())


def test_an_agent_is_believed_without_a_token_in_development_alone(settings: Settings, conn: Conn) -> None:
    async def scenario() -> None:
        async with serving(settings) as running:
            stream = EventStream(running.url, channels=["agents/a1"], agent_id="a1", session_id="s1")
            async with reading(stream) as reader:
                await until(lambda: stream.last_event_id is not None, "the channel of the agent")
                await tell(conn, Event("message.new", {"number": 1}, "agents/a1"))
                await until(lambda: reader.numbers == [1], "its message")
        async with serving(dataclasses.replace(settings, production=True)) as running:
            with pytest.raises(Refused, match="A token is required"):
                await anext(aiter(EventStream(running.url, agent_id="a1")))

    asyncio.run(scenario())


def test_a_stream_publishes_also_from_within_its_loop(settings: Settings, conn: Conn) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client() as other:
            await say(other, type="subscribe", channel="topics/x", id="1")
            async with EventStream(running.url) as stream:
                with pytest.raises(Unreachable, match="while it is iterated") as refused:
                    await stream.publish("topics/x", "system.info", {"n": 1})
                assert not refused.value.sent
                first = asyncio.ensure_future(anext(aiter(stream)))
                await until(lambda: stream.last_event_id is not None, "the connection")
                await tell(conn, subtask(1, "s"))
                await first
                await stream.publish("topics/x", "system.info", {"n": 1})
            while (frame := await heard(other))["channel"] != "topics/x":
                pass
            assert (frame["event"], frame["data"]) == ("system.info", {"n": 1})

    asyncio.run(scenario())


def test_what_cannot_be_published_is_said_before_it_is_sent(settings: Settings, conn: Conn) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, reading(EventStream(running.url)) as reader:
            await until(lambda: reader.stream.state == "connected", "the connection")
            with pytest.raises(ClientError, match="'dance' cannot be published: give one of "):
                await reader.stream.publish("topics/x", "dance")  # type: ignore[arg-type]
            with pytest.raises(ClientError, match="more than the bridge takes"):
                await reader.stream.publish("topics/x", "system.info", "x" * frames.FRAME_LIMIT)
            assert reader.stream.state == "connected"

    asyncio.run(scenario())
