"""The WebSocket server: its frames, its channels, its pages, its limits."""

import asyncio
import contextlib
import dataclasses
import json
import socket
from collections.abc import AsyncIterator

import pytest
from bridge import Running, heard, say, serving, until
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from dcm.settings import Settings
from wsbridge import server
from wsbridge.protocol import Told


@pytest.fixture
def settings(quiet_settings: Settings) -> Settings:
    """These tests write nothing."""
    return quiet_settings


@pytest.mark.contract("WS connected", "WS channel global", "WS upgrade on / and /ws")
def test_the_first_frame_says_who_the_client_is_and_global_is_automatic(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, connect(running.url) as one, connect(f"{running.url}/ws?x=1") as two:
            welcome, other = await heard(one), await heard(two)
            assert set(welcome) == {"type", "client_id", "timestamp"}
            assert welcome["type"] == "connected"
            assert welcome["client_id"].startswith("ws_") != other["client_id"]
            assert running.bridge.hub.channel_stats() == {"global": 2}

    asyncio.run(scenario())


@pytest.mark.contract("WS subscribe", "WS unsubscribe", "WS ack of a frame with an id")
def test_subscribing_and_unsubscribing_is_acknowledged_when_it_has_an_id(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client() as client:
            for kind in ("subscribe", "unsubscribe"):
                ack = await say(client, type=kind, channel="topics/a", id=f"n {kind}", timestamp=1)
                assert ack.pop("timestamp")
                assert ack == {"type": "ack", "id": f"n {kind}", "success": True}
                stats = running.bridge.hub.channel_stats()
                assert ("topics/a" in stats) == (kind == "subscribe")
            await client.send(json.dumps({"type": "subscribe", "channel": "topics/b"}))
            assert (await say(client, type="ping"))["type"] == "pong"
            assert running.bridge.hub.channel_stats()["topics/b"] == 1

    asyncio.run(scenario())


@pytest.mark.contract("WS other channels are refused", "WS unsubscribe")
def test_an_invalid_channel_is_refused_by_name_and_unsubscribing_always_succeeds(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client() as client:
            ack = await say(client, type="subscribe", channel="nonsense", id="1")
            assert (ack["type"], ack["success"], ack["error"]) == ("ack", False, "Invalid channel format: nonsense")
            assert (await say(client, type="subscribe", id="2"))["success"] is False
            assert (await say(client, type="unsubscribe", channel="nonsense", id="3"))["success"] is True
            assert running.bridge.hub.channel_stats() == {"global": 1}

    asyncio.run(scenario())


def test_of_several_channels_all_are_subscribed_or_none(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client() as client:
            for channels in (["topics/a", "nonsense"], ["topics/a", 7], [f"topics/{number}" for number in range(500)]):
                ack = await say(client, type="subscribe", channels=channels, id="1")
                assert (ack["success"], bool(ack["error"])) == (False, True)
                assert set(running.bridge.hub.channel_stats()) == {"global"}
            assert (await say(client, type="subscribe", channels=["topics/a", "topics/b"], id="2"))["success"]
            assert set(running.bridge.hub.channel_stats()) == {"global", "topics/a", "topics/b"}
            assert (await say(client, type="unsubscribe", channels=["topics/a", "global"], id="3"))["success"]
            assert set(running.bridge.hub.channel_stats()) == {"topics/b"}

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "text", ["nonsense", "[1]", "{}", b"\xff\xfe", '{"type": 1}', "[" * 60_000], ids=lambda t: repr(t)[:9]
)
@pytest.mark.contract("WS error")
def test_a_frame_that_cannot_be_read_is_answered_with_an_error_and_the_connection_stays(
    settings: Settings, text: str | bytes
) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client() as client:
            await client.send(text)
            error = await heard(client)
            assert (error["type"], error["code"]) == ("error", "PARSE_ERROR")
            assert error["error"]
            assert (await say(client, type="ping"))["type"] == "pong"

    asyncio.run(scenario())


@pytest.mark.parametrize("name", ["dance", "publish\ud800", ""])
@pytest.mark.contract("WS error")
def test_an_unknown_type_is_answered_with_an_error_and_the_connection_stays(settings: Settings, name: str) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client() as client:
            error = await say(client, type=name)
            assert (error["type"], error["code"]) == ("error", "UNKNOWN_MESSAGE_TYPE")
            assert error["error"].startswith("Unknown message type")
            assert (await say(client, type="ping"))["type"] == "pong"

    asyncio.run(scenario())


def test_a_frame_over_the_limit_ends_that_connection_alone(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client() as client, running.client() as other:
            await client.send("x" * (server.FRAME_LIMIT + 1))
            with pytest.raises(ConnectionClosed):
                await heard(client)
            assert (await say(other, type="ping"))["type"] == "pong"

    asyncio.run(scenario())


def test_own_pages_and_programs_may_connect_and_foreign_pages_may_not(settings: Settings) -> None:
    own = [f"http://{name}:{port}" for name in ("localhost", "127.0.0.1", "[::1]") for port in (3847, 3848)]
    foreign = ["http://evil.example", "http://localhost:9", "https://localhost:3847", "null", "http://localhost:3847.x"]

    async def scenario() -> None:
        async with serving(settings) as running:
            for origin in (None, *own):
                async with running.client(origin=origin):
                    pass
            for origin in foreign:
                with pytest.raises(InvalidStatus) as refused:
                    await connect(running.url, origin=origin)
                assert refused.value.response.status_code == 403

    asyncio.run(scenario())


def test_a_page_of_an_origin_that_was_allowed_may_connect(settings: Settings) -> None:
    told = dataclasses.replace(settings, allowed_origins=("https://dash.example",))

    async def scenario() -> None:
        async with serving(told) as running, running.client(origin="https://dash.example") as client:
            assert (await say(client, type="ping"))["type"] == "pong"

    asyncio.run(scenario())


def test_a_client_that_stops_reading_is_dropped_and_the_others_do_not_notice(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client() as reading:
            with socket.create_connection(("127.0.0.1", running.settings.ws_port)) as stuck:
                await _upgrade(stuck, running)
                numbers = []
                for number in range(0, 5000, 100):
                    for each in range(number, number + 100):
                        running.bridge.hub.tell(_told(each))
                    numbers += [(await heard(reading))["data"]["number"] for _ in range(100)]
                assert numbers == list(range(5000))
                await until(lambda: len(running.bridge.hub.clients) == 1, "dropping the stuck client")
            assert (await say(reading, type="ping"))["type"] == "pong"

    asyncio.run(scenario())


def _told(number: int) -> Told:
    return Told(f"msg_{number}", "global", "action.created", {"number": number, "text": "x" * 8000}, 5)


def test_a_client_that_was_too_slow_finds_the_reason_when_it_reads_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "CLOSE_TIMEOUT", 0)

    async def scenario() -> bytes:
        async with serving(settings) as running:
            with socket.create_connection(("127.0.0.1", running.settings.ws_port)) as slow:
                slow.settimeout(10)
                await _upgrade(slow, running, clients=1)
                [client] = running.bridge.hub.clients
                for number in range(5000):
                    running.bridge.hub.tell(_told(number))
                    await asyncio.sleep(0)
                assert client.too_slow.is_set()
                await until(lambda: not running.bridge.hub.clients, "telling it nothing more")
                return await asyncio.to_thread(_all_of, slow)

    read = asyncio.run(scenario())
    begin = read.rindex(b"\x88")
    assert int.from_bytes(read[begin + 2 : begin + 4]) == 1013
    assert read[begin + 4 :].decode() == server.TOO_SLOW


def _all_of(client: socket.socket) -> bytes:
    """All that comes until the close frame is whole."""
    read = b""
    while not read.endswith(server.TOO_SLOW.encode()):
        got = client.recv(65536)
        assert got, "the connection ended without a reason"
        read += got
    return read


async def _upgrade(client: socket.socket, running: Running, clients: int = 2) -> None:
    """Become a WebSocket client that never reads a frame."""
    client.sendall(
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    await until(lambda: len(running.bridge.hub.clients) == clients, "the stuck client")


def test_the_bridge_stops_in_time_although_a_client_does_not_read(settings: Settings) -> None:
    async def scenario() -> float:
        async with serving(settings) as running:
            stuck = socket.create_connection(("127.0.0.1", running.settings.ws_port))
            await _upgrade(stuck, running, clients=1)
            for number in range(1500):
                running.bridge.hub.tell(_told(number))
            began = asyncio.get_running_loop().time()
        stuck.close()
        return asyncio.get_running_loop().time() - began

    assert asyncio.run(scenario()) < 3


@pytest.mark.contract("WS ping", "WS pong")
@pytest.mark.contract("WS silent clients are closed", "WS ping and pong from the server")
def test_a_client_is_pinged_and_one_that_stays_silent_is_closed_with_4000(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "PING_EVERY", 0.05)
    monkeypatch.setattr(server, "SILENT_FOR", 0.4)

    async def scenario() -> None:
        async with serving(settings) as running, running.client() as silent, running.client() as lively:
            pings = []
            async for text in _frames(silent):
                pings.append(json.loads(text)["type"])
                await lively.send('{"type": "pong"}')
            assert (silent.close_code, silent.close_reason) == (4000, "Ping timeout")
            assert len(pings) >= 3
            assert set(pings) == {"ping"}
            await until(lambda: len(running.bridge.hub.clients) == 1, "forgetting the silent client")
            assert (await heard(lively))["type"] == "ping"

    asyncio.run(scenario())


async def _frames(client: ClientConnection) -> AsyncIterator[str | bytes]:
    """All that is heard until the connection is closed, however that ends."""
    with contextlib.suppress(ConnectionClosed):
        async for text in client:
            yield text


def test_a_client_that_goes_is_forgotten(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as running:
            async with running.client() as polite:
                await say(polite, type="subscribe", channel="topics/a", id="1")
            async with running.client() as rude:
                rude.transport.abort()
            await until(lambda: not running.bridge.hub.clients, "forgetting both")
            assert running.bridge.hub.channel_stats() == {}

    asyncio.run(scenario())


def test_the_bridge_ends_when_its_relay_does_so_that_it_is_started_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: object) -> None:
        raise RuntimeError("the relay broke")

    monkeypatch.setattr("wsbridge.relay.Relay.run", broken)
    bridge = server.Bridge(settings)
    with pytest.raises(RuntimeError, match="the relay broke"):
        asyncio.run(asyncio.wait_for(bridge.run(asyncio.Event()), 5))
