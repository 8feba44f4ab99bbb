"""The client's EventStream on the real bridge: what it is told, in which order, over lost connections too."""

import asyncio

from bridge import reading, serving, subtask, tell, until

from db.pool import Conn
from dcm.client import MISSED, EventStream, Told
from dcm.domain.events import Event
from dcm.settings import Settings


def test_a_stream_yields_the_events_of_its_channels_alone(settings: Settings, conn: Conn) -> None:
    async def scenario() -> None:
        async with serving(settings) as running:
            stats = running.bridge.hub.channel_stats
            async with reading(EventStream(running.url, channels=["sessions/s1"])) as reader:
                await until(lambda: set(stats()) == {"sessions/s1"}, "leaving global")
                await tell(conn, subtask(1, "s2"), subtask(2), subtask(3, "s1"))
                await until(lambda: reader.numbers, "the event")
                assert [(told.channel, told.data["number"]) for told in reader.found] == [("sessions/s1", 3)]

    asyncio.run(scenario())


def test_a_stream_that_heard_nothing_yet_loses_nothing_while_the_bridge_is_away(settings: Settings, conn: Conn) -> None:
    async def scenario() -> None:
        async with serving(settings) as running:
            stream = EventStream(running.url, first_pause=0.01)
            async with reading(stream) as reader:
                await until(lambda: stream.last_event_id is not None, "learning where it stands")
                await tell(conn, Event("action.created", {"number": 0}))
                await until(lambda: reader.numbers, "an event that is not kept")
                port = running.settings.ws_port
                running.stop.set()
                await running.serving
                await tell(conn, subtask(1))
                async with serving(settings, port):
                    await until(lambda: reader.numbers == [0, 1], "the event of the time between")

    asyncio.run(scenario())


def test_a_stream_that_saw_more_than_there_ever_was_says_so_and_goes_on(settings: Settings, conn: Conn) -> None:
    async def scenario() -> None:
        await tell(conn, subtask(1), subtask(2))
        async with serving(settings) as running:
            stream = EventStream(running.url, after=1_000_000)
            async with reading(stream) as reader:
                await until(lambda: reader.found, "the mark")
                [mark] = reader.found
                assert (mark.event, mark.data, mark.event_id) == (MISSED, {"channels": ["global"]}, None)
                assert stream.last_event_id == 2
                await tell(conn, subtask(3))
                await until(lambda: reader.numbers == [3], "what happens then")
                assert stream.last_event_id == 3

    asyncio.run(scenario())


def test_what_is_kept_comes_once_and_in_order_over_several_channels_and_connections(
    settings: Settings, conn: Conn
) -> None:
    channels = ["sessions/s0", "sessions/s1", "agents/a1", "global"]

    async def scenario() -> None:
        await tell(conn, *(subtask(number, f"s{number % 3}") for number in range(1, 400)))
        async with serving(settings) as running:
            stream = EventStream(f"{running.url}/?agent_id=a1", channels=channels, after=0, first_pause=0.01)
            async with reading(stream) as reader:
                reader.breaks = {1: running.break_all, 150: running.break_all, 399: running.break_all}
                await until(lambda: len(reader.found) >= 399, "the past")
                await tell(conn, *(subtask(number, "s1") for number in range(400, 405)))
                await until(lambda: len(reader.found) >= 404, "all of them")
                assert reader.numbers == list(range(1, 405))

    asyncio.run(scenario())


def test_a_connection_that_breaks_within_the_past_of_two_channels_loses_nothing(settings: Settings, conn: Conn) -> None:
    async def scenario() -> None:
        await tell(conn, *(subtask(number, f"s{number % 2}") for number in range(1, 7)))
        async with serving(settings) as running:
            found: list[Told] = []
            after = 0
            for _ in range(6):
                async with EventStream(running.url, channels=["sessions/s0", "sessions/s1"], after=after) as stream:
                    found.append(await anext(aiter(stream)))
                    assert stream.last_event_id is not None
                    after = stream.last_event_id
            assert [told.data["number"] for told in found] == [1, 2, 3, 4, 5, 6]

    asyncio.run(scenario())
