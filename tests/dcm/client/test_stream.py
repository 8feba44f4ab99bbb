"""The WebSocket's client against a server that loses connections, repeats itself and refuses."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from recorder import Recorder, Said
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from dcm.client import Busy, ClientError, EventStream, Refused, Told, Unreachable


class Bridge:
    """A stand-in of the bridge: what it heard, and what each connection is told in turn before it is closed."""

    def __init__(self, *connections: list[dict[str, Any]]) -> None:
        self.told = list(connections)
        self.heard: list[list[dict[str, Any]]] = []
        self.url = ""

    async def serve(self, link: ServerConnection) -> None:
        mine: list[dict[str, Any]] = []
        self.heard.append(mine)
        frames = self.told.pop(0) if self.told else []
        last = not self.told
        await link.send(json.dumps({"type": "connected", "client_id": "ws_1", "timestamp": 1}))
        while not mine or mine[-1]["type"] != "subscribe":
            mine.append(json.loads(await link.recv()))
            if mine[-1]["type"] == "unsubscribe":
                await link.send(json.dumps({"type": "ack", "id": mine[-1]["id"], "success": True, "timestamp": 1}))
        for frame in frames:
            await link.send(json.dumps(frame))
        if not last:
            await link.close()
        with contextlib.suppress(ConnectionClosed):
            while True:
                mine.append(json.loads(await link.recv()))

    def said(self, kind: str, connection: int = -1) -> list[dict[str, Any]]:
        return [frame for frame in self.heard[connection] if frame["type"] == kind]


@contextlib.asynccontextmanager
async def bridge(*connections: list[dict[str, Any]]) -> AsyncIterator[Bridge]:
    running = Bridge(*connections)
    async with serve(running.serve, "127.0.0.1", 0) as server:
        running.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        yield running


def told(number: int, channel: str = "global", event: str = "task.created", *, kept: bool = True) -> dict[str, Any]:
    frame = {"id": f"msg_{number}", "channel": channel, "event": event, "data": {"n": number}, "timestamp": 5}
    return frame | ({"event_id": number} if kept else {})


async def take(stream: EventStream, count: int) -> list[Told]:
    found = []
    async with asyncio.timeout(10), stream as events:
        async for event in events:
            found.append(event)
            if len(found) == count:
                break
    return found


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in the server
            await asyncio.sleep(0.005)


def test_events_come_in_order_once_each_and_are_acknowledged() -> None:
    async def run() -> None:
        frames = [told(1), told(1, "sessions/s"), told(2, event="metric.update", kept=False), {"type": "ping"}, told(3)]
        async with bridge(frames) as server, EventStream(server.url, channels=["global", "sessions/s"]) as events:
            found = []
            async for event in events:
                found.append(event)
                if len(found) == 3:
                    break
            await until(lambda: len(server.said("ack")) == 4 and server.said("pong"))
            assert [(event.event_id, event.data["n"]) for event in found] == [(1, 1), (None, 2), (3, 3)]
            assert [frame["message_id"] for frame in server.said("ack")] == ["msg_1", "msg_1", "msg_2", "msg_3"]
            assert [frame["channels"] for frame in server.said("subscribe")] == [["global", "sessions/s"]]

    asyncio.run(run())


def test_a_lost_connection_is_made_again_and_resumes_after_the_last_event() -> None:
    async def run() -> None:
        waited: list[float] = []
        async with bridge([told(7), told(8)], [], [told(8), told(9)]) as server:
            stream = EventStream(
                server.url, channels=["global"], first_pause=0.01, on_wait=lambda pause, _: waited.append(pause)
            )
            found = await take(stream, 3)
            assert [event.event_id for event in found] == [7, 8, 9]
            first, again = server.said("subscribe", 0), server.said("subscribe", 2)
            assert [frame.get("last_event_id") for frame in (*first, *again)] == ["newest", 8]
            assert waited == [0.01, 0.01]

    asyncio.run(run())


def test_a_stream_begins_after_the_event_it_is_told() -> None:
    async def run() -> None:
        async with bridge([told(6)]) as server:
            await take(EventStream(server.url, after=5), 1)
            assert server.said("subscribe")[0]["last_event_id"] == 5

    asyncio.run(run())


def test_pauses_double_while_nobody_listens() -> None:
    async def run() -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"ws://127.0.0.1:{free.getsockname()[1]}"
        waited: list[float] = []
        stream = EventStream(url, first_pause=0.001, on_wait=lambda pause, _: waited.append(pause))
        async with stream as events:
            reading = asyncio.ensure_future(anext(aiter(events)))
            await until(lambda: len(waited) >= 4)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        assert waited[:4] == [0.001, 0.002, 0.004, 0.008]

    asyncio.run(run())


def test_a_token_is_fetched_anew_for_each_connection_before_the_channels() -> None:
    tokens = iter(["first", "second"])

    async def fetch() -> str:
        return next(tokens)

    async def run() -> None:
        async with bridge([told(1)], [told(2)]) as server:
            await take(EventStream(server.url, token=fetch, first_pause=0.01), 2)
            assert [frame["type"] for frame in server.heard[1][:3]] == ["auth", "unsubscribe", "subscribe"]
            assert [server.said("auth", at)[0]["token"] for at in (0, 1)] == ["first", "second"]
            assert server.said("auth", 0)[0]["id"]

    asyncio.run(run())


@pytest.mark.parametrize(
    "error",
    [
        Unreachable("DCM does not answer.", sent=False),
        Busy("Postgres is away.", 503),
        Refused("Slower.", 429),
        ConnectionRefusedError(),
        httpx.ConnectError("refused"),
    ],
    ids=repr,
)
def test_a_token_that_cannot_be_fetched_now_is_fetched_later(error: Exception) -> None:
    tries: list[Exception] = [error, error]

    async def fetch() -> str:
        if tries:
            raise tries.pop()
        return "sesame"

    async def run() -> None:
        async with bridge([told(1)]) as server:
            [event] = await take(EventStream(server.url, token=fetch, first_pause=0.01), 1)
            assert (event.event_id, server.said("auth")[0]["token"]) == (1, "sesame")

    asyncio.run(run())


@pytest.mark.parametrize("error", [Refused("No.", 401), Refused("No.", 400), ClientError("No."), KeyError("No.")])
def test_a_token_that_is_refused_ends_the_stream(error: Exception) -> None:
    async def fetch() -> str:
        raise error

    async def run() -> None:
        async with bridge([told(1)]) as server:
            with pytest.raises(type(error), match="No"):
                await take(EventStream(server.url, token=fetch, first_pause=0.01), 1)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        ({"type": "error", "error": "Invalid or expired token", "code": "4001"}, "Invalid or expired token"),
        ({"type": "ack", "id": "subscribe_1", "success": False, "error": "Invalid channel format: x"}, "format: x.$"),
        ({"type": "error", "error": "The token is not good.", "code": "4001"}, "is not good.$"),
        ({"type": "error", "error": "last_event_id is -1.", "code": "PARSE_ERROR"}, "is -1.$"),
    ],
)
def test_a_refused_token_or_channel_ends_the_stream_with_the_bridges_words(
    frame: dict[str, Any], sentence: str
) -> None:
    async def run() -> None:
        async with bridge([frame]) as server:
            with pytest.raises(Refused, match=sentence):
                await take(EventStream(server.url, token="old"), 1)

    asyncio.run(run())


@pytest.mark.parametrize("url", ["http://127.0.0.1:3849", "127.0.0.1:3849", "", "ws://", "ws://127.0.0.1:99999"])
def test_an_address_that_is_no_websocket_is_refused_with_one_that_is(url: str) -> None:
    with pytest.raises(ClientError, match="is not the address of a WebSocket: give one like ws://127"):
        EventStream(url)


@pytest.mark.parametrize("after", [-1, 10**30])
def test_an_event_to_begin_after_that_cannot_be_is_refused(after: int) -> None:
    with pytest.raises(ClientError, match="give the event_id"):
        EventStream(after=after)


@pytest.mark.parametrize("status", [200, 404])
def test_another_server_at_the_address_is_said(recorder: Recorder, status: int) -> None:
    recorder.answer(Said(status, {}))
    with pytest.raises(Refused, match=f"answers HTTP {status}: it is not DCM's WebSocket bridge. Give") as refused:
        asyncio.run(take(EventStream(recorder.url.replace("http", "ws")), 1))
    assert refused.value.status == status


def test_a_bridge_behind_a_gateway_that_is_away_is_waited_for_and_the_log_says_so(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    recorder.answer(Said(502, {}), Said(404, {}))
    with pytest.raises(Refused):
        asyncio.run(take(EventStream(recorder.url.replace("http", "ws"), first_pause=0.01), 1))
    [line] = [record.getMessage() for record in caplog.records if record.name == "dcm.client"]
    assert line.startswith(f"no connection to {recorder.url.replace('http', 'ws')} (")
    assert "HTTP 502" in line


def test_signs_of_life_are_sent() -> None:
    async def run() -> None:
        async with bridge([told(1)]) as server, EventStream(server.url, ping_every=0.01) as events:
            await anext(aiter(events))
            await until(lambda: len(server.said("ping")) >= 2)

    asyncio.run(run())
