"""From which event on a client resumes: one it names, the newest, and what is said to one that cannot be."""

import asyncio
import json

import pytest
from bridge import heard, resumed, say, serving, subtask, tell

from db.pool import Conn
from dcm.settings import Settings
from wsbridge import resume
from wsbridge.client import Missed
from wsbridge.hub import Hub
from wsbridge.protocol import Told
from wsbridge.relay import Relay


def test_a_client_learns_where_it_stands_though_nothing_happens_and_resumes_there(
    settings: Settings, conn: Conn
) -> None:
    async def scenario() -> None:
        await tell(conn, subtask(1, "s1"), subtask(2))
        async with serving(settings) as running, running.client() as client:
            await say(client, type="subscribe", channel="sessions/s1", last_event_id="newest", id="1")
            numbers, end = await resumed(client)
            assert (numbers, end["last_event_id"], end["complete"]) == ([], 2, True)
            assert end["channels"] == ["sessions/s1"]
        await tell(conn, subtask(3, "s1"))
        async with serving(settings) as running, running.client(f"/?last_event_id={end['last_event_id']}") as client:
            assert (await resumed(client))[0] == [3]
        async with serving(settings) as running, running.client("/?last_event_id=newest") as client:
            assert (await resumed(client))[1]["last_event_id"] == 3
            await tell(conn, subtask(4))
            assert (await heard(client))["data"]["number"] == 4

    asyncio.run(scenario())


def test_nothing_was_missed_by_who_begins_with_the_newest_though_nothing_is_kept_any_more(
    settings: Settings, conn: Conn
) -> None:
    async def scenario() -> None:
        await tell(conn, *(subtask(number) for number in range(5)))
        conn.execute("DELETE FROM events")
        async with serving(settings) as running, running.client("/?last_event_id=newest") as client:
            end = (await resumed(client))[1]
            assert (end["complete"], end["last_event_id"]) == (True, 5)

    asyncio.run(scenario())


def test_what_happens_between_asking_where_one_stands_and_the_answer_is_told(settings: Settings, conn: Conn) -> None:
    async def scenario() -> None:
        async with serving(settings) as running, running.client() as client:
            await tell(conn, subtask(1))
            assert (await heard(client))["data"]["number"] == 1
            for number in range(2, 30):
                await client.send(json.dumps({"type": "subscribe", "channel": "global", "last_event_id": "newest"}))
                await tell(conn, subtask(number))
            found = []
            while not found or found[-1] != 29:
                frame = await heard(client)
                if "event" in frame:
                    found.append(frame["data"]["number"])
            assert found == list(range(2, 30))

    asyncio.run(scenario())


@pytest.mark.parametrize("told_before", [False, True])
def test_a_wish_for_the_newest_that_waits_for_another_begins_where_holding_began(
    settings: Settings, conn: Conn, told_before: bool
) -> None:
    async def scenario() -> None:
        await tell(conn, subtask(1), subtask(2))
        clients = Hub()
        client, relay = clients.join(), Relay(settings.database_url, clients)
        relay.listening.set()
        relay.began, client.held_after = 2, 2 if told_before else None
        client.held = []
        client.missed.append(Missed("newest", frozenset({"global"})))
        for number in (3, 4):
            await tell(conn, subtask(number))
            clients.tell(Told(f"msg_{number}", "global", "subtask.updated", {}, 5, number))
        resuming = asyncio.create_task(resume.resume(relay, client))
        found = []
        while len(found) < 3:
            found.append(json.loads(await asyncio.wait_for(client.queue.get(), 5)))
            client.queue.task_done()
        await asyncio.wait_for(resuming, 5)
        assert [frame.get("event_id") for frame in found] == [3, 4, None]
        assert client.queue.empty()

    asyncio.run(scenario())


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "99999999999999999999"])
def test_a_last_event_in_the_address_that_is_no_number_is_said_and_the_connection_stays(
    quiet_settings: Settings, last: str
) -> None:
    async def scenario() -> None:
        async with serving(quiet_settings) as running, running.client(f"/?last_event_id={last}") as client:
            error = await heard(client)
            assert (error["type"], error["code"]) == ("error", "PARSE_ERROR")
            assert error["error"].startswith(f'last_event_id is "{last}": give ')
            assert (await say(client, type="ping"))["type"] == "pong"

    asyncio.run(scenario())


@pytest.mark.parametrize("last", [-1, 1.0, 10**30, "x", True])
def test_a_frame_whose_last_event_is_no_number_is_refused_whole(quiet_settings: Settings, last: object) -> None:
    async def scenario() -> None:
        async with serving(quiet_settings) as running, running.client() as client:
            error = await say(client, type="subscribe", channel="topics/x", id="7", last_event_id=last)
            assert (error["type"], error["code"], error["id"]) == ("error", "PARSE_ERROR", "7")
            assert "give the event_id" in error["error"]
            assert (await say(client, type="ping"))["type"] == "pong"
            assert "topics/x" not in running.bridge.hub.channel_stats()

    asyncio.run(scenario())


def test_an_address_with_an_empty_last_event_says_nothing(quiet_settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(quiet_settings) as running, running.client("/?last_event_id=") as client:
            assert (await say(client, type="ping"))["type"] == "pong"

    asyncio.run(scenario())


def test_a_client_is_told_that_it_missed_some_when_nothing_is_kept_any_more(settings: Settings, conn: Conn) -> None:
    async def scenario() -> None:
        await tell(conn, *(subtask(number) for number in range(5)))
        conn.execute("DELETE FROM events")
        async with serving(settings) as running:
            for last, complete in ((4, False), (5, True)):
                async with running.client(f"/?last_event_id={last}") as client:
                    assert (await resumed(client))[1]["complete"] is complete

    asyncio.run(scenario())


def test_a_client_that_saw_more_than_there_ever_was_is_told_so_and_hears_what_happens(
    settings: Settings, conn: Conn
) -> None:
    async def scenario() -> None:
        await tell(conn, subtask(1))
        async with serving(settings) as running, running.client("/?last_event_id=5000") as client:
            numbers, end = await resumed(client)
            assert (numbers, end["complete"], end["last_event_id"]) == ([], False, 1)
            await tell(conn, subtask(2))
            assert (await heard(client))["data"]["number"] == 2

    asyncio.run(scenario())
