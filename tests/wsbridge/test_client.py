"""What one client has heard, and what waits for it."""

import asyncio
import json

from wsbridge.client import QUEUE_LIMIT, Client
from wsbridge.protocol import Told


def told(number: int | None, channel: str = "global", event: str = "agent.connected") -> Told:
    return Told(f"msg_{number}", channel, event, {}, 5, number)


def tell(client: Client, *numbers: int | None, channel: str = "global") -> None:
    for number in numbers:
        client.tell(told(number, channel), json.dumps(number))


def got(client: Client) -> list[int | None]:
    return [json.loads(client.queue.get_nowait()) for _ in range(client.queue.qsize())]


def test_a_kept_event_is_heard_once_on_each_channel_and_others_as_often_as_they_are_told() -> None:
    client = Client("c")
    tell(client, 1, None, 1, None)
    tell(client, 1, channel="topics/x")
    assert got(client) == [1, None, None, 1]


def test_what_happens_while_the_past_is_told_waits_and_what_the_past_had_is_left_out() -> None:
    client = Client("c", channels={"global", "topics/x"})
    client.held = []
    tell(client, 4, 5, None)
    tell(client, 4, channel="topics/x")
    assert got(client) == []
    client.caught_up(["global"], 1, 4)
    asyncio.run(client.release())
    assert got(client) == [5, None, 4]


def test_what_was_held_for_a_channel_that_was_left_is_not_told() -> None:
    client = Client("c", channels={"global"})
    client.held = []
    tell(client, 4, channel="topics/x")
    asyncio.run(client.release())
    assert got(client) == []


def test_only_what_came_before_the_first_or_after_the_last_event_told_is_lacking() -> None:
    client = Client("c")
    assert client.lacks("global", 9)
    tell(client, 7, 8)
    assert [client.lacks("global", number) for number in (6, 7, 8, 9)] == [True, False, False, True]
    client.caught_up(["global"], 3, 6)
    assert [client.lacks("global", number) for number in (3, 4, 8)] == [True, False, False]
    tell(client, 8, 9)
    assert got(client) == [7, 8, 9]


def test_a_channel_that_is_left_and_joined_again_lacks_everything() -> None:
    client = Client("c", channels={"global"})
    tell(client, 7)
    client.left("global")
    assert client.lacks("global", 7)
    assert client.channels == set()


def test_a_client_for_whom_too_much_is_held_is_too_slow() -> None:
    client = Client("c")
    client.held = []
    tell(client, *range(1, QUEUE_LIMIT + 1))
    assert not client.too_slow.is_set()
    tell(client, QUEUE_LIMIT + 1)
    assert client.too_slow.is_set()
