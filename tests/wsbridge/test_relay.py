"""From a commit in Postgres to a frame: in order, once, and none that is kept is lost."""

import asyncio
import json
import re
import threading
import time
from typing import Any

import psycopg
import pytest
from bridge import events_until, heard, listeners, say, serving, tell, until

from db import listen, publish
from db.pool import Conn
from dcm.domain.events import Event
from dcm.settings import Settings
from wsbridge import hub
from wsbridge.client import QUEUE_LIMIT
from wsbridge.relay import Relay

END = Event("end", {})


def kept(number: int, **place: Any) -> Event:
    return Event("task.created", {"id": f"t{number}", "number": number}, **place)


def numbers(events: list[tuple[str, str, Any]], channel: str = "global") -> list[int]:
    return [data["number"] for where, _, data in events if where == channel and "number" in data]


@pytest.mark.contract("WS event")
def test_what_is_published_is_heard_as_a_frame_of_the_contract(settings: Settings, conn: Conn) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client() as client:
            await tell(conn, Event("action.created", {"id": "a1", "tool_name": "é"}, session_id="s1"))
            frame = await heard(client)
            assert isinstance(frame.pop("timestamp"), int)
            assert frame.pop("id").startswith("msg_")
            assert frame == {"channel": "global", "event": "action.created", "data": {"id": "a1", "tool_name": "é"}}
            await tell(conn, kept(1))
            frame = await heard(client)
            assert frame["id"] == f"msg_{frame['event_id']}"

    asyncio.run(scenario())


@pytest.mark.contract("WS channel sessions/*", "WS channel global")
def test_an_event_reaches_its_channel_global_and_its_session(settings: Settings, conn: Conn) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client("/?agent_id=a1") as client, running.client() as other:
            for channel in ("agents/a1", "sessions/s1"):
                assert (await say(client, type="subscribe", channel=channel, id="1"))["success"]
            await tell(conn, kept(1, channel="agents/a1", session_id="s1"), kept(2, session_id="s2"), END)
            events = await events_until(client, "end")
            assert [(where, data.get("number")) for where, _, data in events] == [
                ("agents/a1", 1), ("global", 1), ("sessions/s1", 1), ("global", 2), ("global", None),
            ]  # fmt: skip
            assert numbers(await events_until(other, "end")) == [1, 2]

    asyncio.run(scenario())


def test_nothing_is_told_of_a_transaction_that_was_rolled_back(settings: Settings, conn: Conn) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client() as client:
            with conn.transaction(force_rollback=True):
                publish.publish(conn, [kept(1), Event("action.created", {})])
            await tell(conn, END)
            assert len(await events_until(client, "end")) == 1

    asyncio.run(scenario())


def test_an_event_too_long_to_notify_is_told_with_its_long_fields_cut(settings: Settings, conn: Conn) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client() as client:
            await tell(conn, Event("action.created", {"id": "a1", "text": "é" * 5000}))
            told = (await heard(client))["data"]
            assert (told["id"], told["truncated"]) == ("a1", True)
            assert re.fullmatch("é{1000,}…", told["text"])

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "[]",
        "{}",
        '{"channel": [1], "event": "x", "data": 1, "timestamp": 1}',
        '{"channel": "global", "event": "x", "data": 1, "timestamp": 1, "event_id": "9"}',
    ],
)
def test_a_notification_that_cannot_be_read_is_passed_over(settings: Settings, conn: Conn, text: str) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client() as client:
            await tell(conn, kept(1))
            conn.execute("SELECT pg_notify(%s, %s)", [publish.CHANNEL, text])
            await tell(conn, kept(2), END)
            assert numbers(await events_until(client, "end")) == [1, 2]

    asyncio.run(scenario())


def test_what_was_kept_before_the_bridge_started_is_not_told(settings: Settings, conn: Conn) -> None:
    async def scenario() -> None:
        await tell(conn, kept(1), kept(2))
        async with serving(settings) as running, running.client() as client:
            await tell(conn, kept(3), END)
            assert numbers(await events_until(client, "end")) == [3]

    asyncio.run(scenario())


def test_what_is_kept_while_the_bridge_begins_to_listen_is_told(settings: Settings, conn: Conn) -> None:
    clients = hub.Hub()
    client, relay = clients.join(), Relay(settings.database_url, clients)
    with psycopg.connect(settings.database_url, autocommit=True) as listening:
        listening.execute(f"LISTEN {publish.CHANNEL}")
        publish.publish(conn, [kept(1)])
        asyncio.run(relay._catch_up())
        [notification] = listening.notifies(timeout=5, stop_after=1)
        asyncio.run(relay._tell(notification.payload))
        asyncio.run(relay._tell(notification.payload))
    assert [json.loads(client.queue.get_nowait())["data"]["number"] for _ in range(client.queue.qsize())] == [1]


def cut(conn: Conn) -> None:
    """End the bridge's LISTEN from the side of Postgres."""
    [pid] = listeners(conn)
    conn.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


@pytest.mark.parametrize("missed", [5, 2500])
def test_kept_events_missed_while_the_connection_was_cut_are_told_once_and_in_order(
    settings: Settings, conn: Conn, missed: int
) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client() as client:
            await tell(conn, kept(0))
            assert (await heard(client))["data"]["number"] == 0
            cut(conn)
            publish.publish(conn, [kept(number) for number in range(1, missed + 1)])
            await until(lambda: listeners(conn), "listening again")
            await tell(conn, kept(missed + 1), END)
            assert numbers(await events_until(client, "end")) == list(range(missed + 2))[1:]

    asyncio.run(scenario())


def test_no_kept_event_is_lost_or_told_twice_while_two_writers_write_and_the_connection_is_cut(
    settings: Settings, conn: Conn
) -> None:
    over = threading.Event()

    def write(writer: int) -> int:
        number = 0
        with psycopg.connect(settings.database_url, autocommit=True) as own:
            while not over.is_set() or number % 3:
                number += 1
                with own.transaction():
                    publish.publish(own, [kept(writer * 1_000_000 + number)])
                time.sleep(0.002)  # the relay, which reads all of it once more, must be able to keep up
        return number

    async def scenario() -> None:
        async with serving(settings) as running, running.client() as client:
            writers = [asyncio.create_task(asyncio.to_thread(write, writer)) for writer in (1, 2)]
            reading = asyncio.create_task(events_until(client, "end"))
            try:
                for _ in range(3):
                    cut(conn)
                    await until(lambda: len(listeners(conn)) == 1, "listening again", seconds=30)
            finally:
                over.set()
                written = [await writer for writer in writers]
            await tell(conn, kept(0), END)
            found = numbers(await reading)
            expected = [
                w * 1_000_000 + n for w, count in zip((1, 2), written, strict=True) for n in range(1, count + 1)
            ]
            assert sorted(found) == [0, *expected]
            ids = [row[0] for row in conn.execute("SELECT (data->>'number')::int FROM events ORDER BY id").fetchall()]
            assert found == ids

    asyncio.run(scenario())


def test_a_burst_larger_than_a_clients_queue_reaches_a_client_that_reads(settings: Settings, conn: Conn) -> None:
    many = QUEUE_LIMIT * 2

    async def scenario() -> None:
        async with serving(settings) as running, running.client("/?agent_id=a1") as client:
            for channel in ("agents/a1", "sessions/s1"):
                await say(client, type="subscribe", channel=channel, id="1")
            await tell(conn, *(kept(number, channel="agents/a1", session_id="s1") for number in range(many)), END)
            events = await events_until(client, "end")
            for channel in ("global", "agents/a1", "sessions/s1"):
                assert numbers(events, channel) == list(range(many))

    asyncio.run(scenario())


def test_notifications_that_arrive_while_the_connection_is_checked_are_heard(
    settings: Settings, conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, "QUIET_CHECK", 0.001)

    async def scenario() -> None:
        async with serving(settings) as running, running.client() as client:
            for number in range(300):
                await tell(conn, Event("action.created", {"number": number}))
            await tell(conn, END)
            assert numbers(await events_until(client, "end")) == list(range(300))

    asyncio.run(scenario())


def test_the_bridge_serves_and_waits_while_postgres_is_away(settings: Settings, conn: Conn) -> None:
    name = conn.info.dbname

    async def scenario() -> None:
        async with serving(settings) as running, running.client() as client:
            with psycopg.connect(settings.database_url.replace(f"/{name}?", "/postgres?"), autocommit=True) as admin:
                publish.publish(conn, [kept(1)])
                assert (await heard(client))["data"]["number"] == 1
                conn.execute("INSERT INTO events (channel, event, data) VALUES ('global', 'task.x', '{\"number\": 2}')")
                admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
                cut(conn)
                assert json.loads((await running.page("/health"))[2])["status"] == "healthy"
                assert (await say(client, type="ping"))["type"] == "pong"
                admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            assert (await heard(client))["data"]["number"] == 2

    asyncio.run(scenario())
