"""Resuming: what was kept after the last event a client saw, once and in order, also after a restart."""

import asyncio
from typing import Any

import pytest
from bridge import heard, say, serving, tell
from websockets.asyncio.client import ClientConnection

from db.pool import Conn
from dcm.domain.events import Event
from dcm.settings import Settings


def subtask(number: int, session: str | None = None) -> Event:
    return Event("subtask.updated", {"id": str(number), "number": number}, session_id=session)


async def resumed(client: ClientConnection) -> tuple[list[int], Any]:
    """The numbers heard before the frame that ends the past, and that frame."""
    numbers = []
    while (frame := await heard(client)).get("type") != "resumed":
        if "number" in (frame.get("data") or {}):
            numbers.append(frame["data"]["number"])
    return numbers, frame


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


@pytest.mark.parametrize("last", ["x", "-1", "", "1.5"])
def test_a_last_event_that_is_no_number_is_passed_over(quiet_settings: Settings, last: str) -> None:
    async def scenario() -> None:
        async with serving(quiet_settings) as running, running.client(f"/?last_event_id={last}") as client:
            assert (await say(client, type="ping"))["type"] == "pong"

    asyncio.run(scenario())
