"""Resuming: what was kept after the last event a client saw, once and in order, also after a restart."""

import asyncio
import contextlib
import json

import psycopg
import pytest
from bridge import heard, listeners, reading, resumed, say, serving, subtask, tell, until

from db import publish
from db.pool import Conn
from dcm.client import EventStream
from dcm.domain.errors import StartError
from dcm.domain.events import Event
from dcm.settings import Settings
from wsbridge import resume
from wsbridge.client import QUEUE_LIMIT, Client, Missed
from wsbridge.hub import Hub
from wsbridge.protocol import Told
from wsbridge.relay import Relay


def test_a_client_that_comes_back_hears_what_it_missed_once_and_in_order_also_after_a_restart(
    settings: Settings, conn: Conn
) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client() as client:
            await tell(conn, subtask(1))
            last = (await heard(client))["event_id"]
        await tell(conn, *(subtask(number) for number in range(2, 1502)))
        async with serving(settings) as running, running.client(f"/?last_event_id={last}") as client:
            numbers, end = await resumed(client)
            assert numbers == list(range(2, 1502))
            assert (end["complete"], end["last_event_id"]) == (True, last + 1500)
            await tell(conn, subtask(1502))
            assert (await heard(client))["data"]["number"] == 1502

    asyncio.run(scenario())


def test_what_happens_while_the_past_is_told_follows_it_and_is_not_told_twice(settings: Settings, conn: Conn) -> None:
    async def scenario() -> None:
        await tell(conn, *(subtask(number) for number in range(600)))
        async with serving(settings) as running, running.client("/?last_event_id=0") as client:
            for number in range(600, 640):
                await tell(conn, subtask(number))
            heard_numbers = []
            while not heard_numbers or heard_numbers[-1] != 639:
                frame = await heard(client)
                if "number" in (frame.get("data") or {}):
                    heard_numbers.append(frame["data"]["number"])
            assert heard_numbers == list(range(640))

    asyncio.run(scenario())


def test_a_client_that_reads_is_not_too_slow_for_its_past_and_what_was_held_together() -> None:
    async def scenario() -> Client:
        clients = Hub()
        client, relay = clients.join(), Relay("", clients)
        relay.listening.set()
        for _ in range(QUEUE_LIMIT):
            client.send("past")
        client.held = [(Told(f"msg_{number}", "global", "x", {}, 5, number), "held") for number in range(1, 1000)]
        resuming = asyncio.create_task(resume.resume(relay, client))
        found = []
        while found.count("held") < 999:
            found.append(await asyncio.wait_for(client.queue.get(), 5))
            client.queue.task_done()
        await asyncio.wait_for(resuming, 5)
        assert found == ["past"] * QUEUE_LIMIT + ["held"] * 999
        return client

    client = asyncio.run(scenario())
    assert not client.too_slow.is_set()
    assert client.held is None


def test_a_wish_that_comes_while_what_was_held_is_sent_is_granted_too(settings: Settings) -> None:
    async def scenario() -> None:
        clients = Hub()
        client, relay = clients.join(), Relay(settings.database_url, clients)
        relay.listening.set()
        client.held = [(Told("msg_1", "global", "x", {}, 5), "held")]
        resuming = asyncio.create_task(resume.resume(relay, client))
        assert await asyncio.wait_for(client.queue.get(), 5) == "held"
        client.missed.append(Missed(0, frozenset({"global"})))
        client.queue.task_done()
        assert '"resumed"' in await asyncio.wait_for(client.queue.get(), 5)
        client.queue.task_done()
        await asyncio.wait_for(resuming, 5)
        assert client.held is None

    asyncio.run(scenario())


def test_subscribing_with_the_last_event_tells_the_past_of_that_channel_alone(settings: Settings, conn: Conn) -> None:
    async def scenario() -> None:
        await tell(conn, subtask(1, "s1"), subtask(2, "s2"), subtask(3, "s1"))
        async with serving(settings) as running, running.client() as client:
            await say(client, type="subscribe", channel="sessions/s1", last_event_id=0, id="1")
            numbers, _ = await resumed(client)
            assert numbers == [1, 3]

    asyncio.run(scenario())


def test_a_client_is_told_when_what_it_missed_is_no_longer_kept(settings: Settings, conn: Conn) -> None:
    async def scenario() -> None:
        await tell(conn, *(subtask(number) for number in range(5)))
        conn.execute("DELETE FROM events WHERE id <= 3")
        async with serving(settings) as running:
            async with running.client("/?last_event_id=1") as client:
                numbers, end = await resumed(client)
                assert (numbers, end["complete"]) == ([3, 4], False)
            async with running.client("/?last_event_id=3") as client:
                assert (await resumed(client))[1]["complete"]

    asyncio.run(scenario())


def test_several_subscriptions_at_once_are_each_told_their_past(settings: Settings, conn: Conn) -> None:
    channels = ["sessions/s1", "sessions/s2", "agents/a1", "global"]

    async def scenario() -> None:
        await tell(conn, subtask(1, "s1"), subtask(2, "s2"), subtask(3, "s1"), Event("agent.blocked", {}, "agents/a1"))
        async with serving(settings) as running, running.client("/?agent_id=a1") as client:
            for channel in channels:
                await client.send(json.dumps({"type": "subscribe", "channel": channel, "last_event_id": 0}))
            found: dict[str, list[int]] = {channel: [] for channel in channels}
            while sum(len(ids) for ids in found.values()) < 8:
                frame = await heard(client)
                if "event_id" in frame:
                    found[frame["channel"]].append(frame["event_id"])
            assert found == {"sessions/s1": [1, 3], "sessions/s2": [2], "agents/a1": [4], "global": [1, 2, 3, 4]}
            await tell(conn, subtask(5, "s1"))
            after = [await heard(client) for _ in range(3)]
            assert sorted(frame["channel"] for frame in after if "event_id" in frame) == ["global", "sessions/s1"]

    asyncio.run(scenario())


def test_one_wish_for_several_channels_is_granted_in_the_order_of_the_events(settings: Settings, conn: Conn) -> None:
    async def scenario() -> None:
        await tell(conn, *(subtask(number, f"s{number % 3}") for number in range(1, 10)))
        async with serving(settings) as running, running.client() as client:
            assert (await say(client, type="unsubscribe", channels=["global", "sessions/x"], id="1"))["success"]
            channels = ["sessions/s1", "sessions/s2"]
            assert (await say(client, type="subscribe", channels=channels, id="2", last_event_id=1))["success"]
            numbers, end = await resumed(client)
            assert numbers == [2, 4, 5, 7, 8]
            assert (end["channels"], end["last_event_id"]) == (channels, 9)

    asyncio.run(scenario())


def test_an_auth_with_the_last_event_tells_the_past_of_all_its_channels(settings: Settings, conn: Conn) -> None:
    async def scenario() -> None:
        await tell(conn, Event("message.new", {"number": 1}, "agents/a1"), subtask(2, "s1"))
        async with serving(settings) as running, running.client() as client:
            frame = {"type": "auth", "agent_id": "a1", "session_id": "s1", "last_event_id": 0}
            assert (await say(client, **frame))["success"]
            found = []
            while (frame := await heard(client)).get("type") != "resumed":
                if "event_id" in frame:
                    found.append((frame["event_id"], frame["channel"]))
            assert found == [(1, "agents/a1"), (1, "global"), (2, "global"), (2, "sessions/s1")]
            assert frame["channels"] == ["agents/a1", "global", "sessions/s1"]

    asyncio.run(scenario())


def test_the_channel_of_ones_own_agent_is_told_its_past_though_the_auth_subscribed_it(
    settings: Settings, conn: Conn
) -> None:
    async def scenario() -> None:
        await tell(conn, Event("message.new", {"number": 1}, "agents/a1"))
        async with serving(settings) as running, running.client() as client:
            await say(client, type="auth", agent_id="a1")
            await say(client, type="subscribe", channel="agents/a1", last_event_id=0, id="1")
            assert (await resumed(client))[0] == [1]

    asyncio.run(scenario())


@pytest.mark.parametrize("frame", [
    {"type": "subscribe", "channel": "agents/a9", "id": "1"},
    {"type": "subscribe", "channel": "nonsense", "id": "1"},
    {"type": "auth", "token": "x.y"},
    {"type": "unsubscribe", "channel": "global", "id": "1"},
])  # fmt: skip
def test_what_is_refused_or_asks_for_nothing_is_told_no_past(
    settings: Settings, conn: Conn, frame: dict[str, object]
) -> None:
    async def scenario() -> None:
        await tell(conn, Event("message.new", {}, "agents/a9"))
        async with serving(settings) as running, running.client() as client:
            assert (await say(client, **frame, last_event_id=0))["type"] in {"ack", "error"}
            assert (await say(client, type="ping"))["type"] == "pong"

    asyncio.run(scenario())


def test_a_late_wish_to_resume_is_told_only_what_came_before_what_was_heard(settings: Settings, conn: Conn) -> None:
    async def scenario() -> None:
        await tell(conn, subtask(1), subtask(2))
        async with serving(settings) as running, running.client() as client:
            await tell(conn, subtask(3))
            assert (await heard(client))["data"]["number"] == 3
            for expected in ([2], []):
                await say(client, type="subscribe", channel="global", last_event_id=1, id="1")
                assert (await resumed(client))[0] == expected

    asyncio.run(scenario())


def test_what_is_held_while_a_late_wish_is_granted_is_not_lost(settings: Settings, conn: Conn) -> None:
    async def scenario() -> list[int]:
        await tell(conn, subtask(1), subtask(2))
        clients = Hub()
        client, relay = clients.join(), Relay(settings.database_url, clients)
        relay.listening.set()
        clients.tell(Told("msg_2", "global", "subtask.updated", {}, 5, 2))
        client.held = []
        client.missed.append(Missed(0, frozenset({"global"})))
        await tell(conn, subtask(3))
        clients.tell(Told("msg_3", "global", "subtask.updated", {}, 5, 3))
        resuming = asyncio.create_task(resume.resume(relay, client))
        found = []
        while not resuming.done() or not client.queue.empty():
            with contextlib.suppress(TimeoutError):
                found.append(json.loads(await asyncio.wait_for(client.queue.get(), 0.05)))
                client.queue.task_done()
        return [frame["event_id"] for frame in found if "event_id" in frame]

    assert asyncio.run(scenario()) == [2, 1, 3]


def test_a_notification_that_comes_after_the_past_was_read_is_not_told_again(settings: Settings, conn: Conn) -> None:
    async def scenario() -> None:
        await tell(conn, subtask(1), subtask(2))
        async with serving(settings) as running, running.client("/?last_event_id=0") as client:
            assert (await resumed(client))[0] == [1, 2]
            running.bridge.hub.tell(Told("msg_2", "global", "subtask.updated", {}, 5, 2))
            await tell(conn, subtask(3))
            assert (await heard(client))["data"]["number"] == 3

    asyncio.run(scenario())


def test_a_resume_waits_for_postgres_and_loses_nothing(
    settings: Settings, conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resume, "PAUSE", 0.01)
    name = conn.info.dbname

    async def scenario() -> None:
        async with serving(settings) as running:
            with psycopg.connect(settings.database_url.replace(f"/{name}?", "/postgres?"), autocommit=True) as admin:
                admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
                async with running.client("/?last_event_id=0") as client:
                    assert (await say(client, type="ping"))["type"] == "pong"
                    publish.publish(conn, [subtask(1)])
                    admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
                    assert (await resumed(client))[0] == [1]

    asyncio.run(scenario())


def test_the_bridge_starts_again_when_the_events_of_the_database_begin_anew(settings: Settings, conn: Conn) -> None:
    async def scenario() -> None:
        async with serving(settings) as running:
            async with reading(EventStream(running.url, channels=["global"])) as witness:
                await until(lambda: "global" in running.bridge.hub.channel_stats(), "the witness")
                await tell(conn, subtask(1), subtask(2))
                await until(lambda: witness.numbers[-1:] == [2], "the events of before")
            conn.execute("TRUNCATE events RESTART IDENTITY")
            [pid] = await until(lambda: listeners(conn), "the bridge's LISTEN")
            conn.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
            with pytest.raises(StartError, match="begin anew"):
                await asyncio.wait_for(asyncio.shield(running.serving), 5)

    with pytest.raises(StartError):
        asyncio.run(scenario())
