"""Who gets what, and how often."""

import json
from typing import Any

from wsbridge.client import QUEUE_LIMIT, Client
from wsbridge.hub import MOST_CHANNELS, REMEMBERED_AGENTS, Hub
from wsbridge.protocol import Told


def told(channel: str = "global", session: str | None = None, number: int = 1) -> Told:
    return Told(f"msg_{number}", channel, "task.created", {"number": number}, 5, number, session)


def got(client: Client) -> list[Any]:
    """The frames that wait for a client."""
    return [json.loads(client.queue.get_nowait()) for _ in range(client.queue.qsize())]


def channels(client: Client) -> list[str]:
    return [frame["channel"] for frame in got(client)]


def test_a_client_that_joins_is_on_global_alone_and_hears_each_event_once() -> None:
    hub = Hub()
    client = hub.join()
    assert client.channels == {"global"}
    hub.tell(told("agents/a1", session="s1"))
    assert channels(client) == ["global"]
    hub.tell(told(number=2))
    assert channels(client) == ["global"]


def test_an_event_is_told_on_its_channel_on_global_and_on_its_sessions() -> None:
    hub = Hub()
    client = hub.join()
    for channel in ("agents/a1", "sessions/s1", "sessions/s2", "topics/x"):
        hub.subscribe(client, channel)
    hub.tell(told("agents/a1", session="s1"))
    assert channels(client) == ["agents/a1", "global", "sessions/s1"]


def test_an_event_of_a_sessions_own_channel_is_told_there_once() -> None:
    hub = Hub()
    client = hub.join()
    hub.subscribe(client, "sessions/s1")
    hub.subscribe(client, "sessions/s1")
    hub.tell(told("sessions/s1", session="s1"))
    assert channels(client) == ["sessions/s1", "global"]


def test_all_copies_of_an_event_have_one_id_and_say_nothing_of_routing() -> None:
    hub = Hub()
    client = hub.join()
    hub.subscribe(client, "sessions/s1")
    hub.tell(told(session="s1"))
    first, second = got(client)
    assert first["id"] == second["id"] == "msg_1"
    assert set(first) == {"id", "channel", "event", "data", "timestamp", "event_id"}


def test_who_unsubscribed_or_left_hears_no_more_and_leaves_no_trace() -> None:
    hub = Hub()
    staying, leaving = hub.join(), hub.join()
    hub.subscribe(leaving, "topics/x")
    hub.unsubscribe(staying, "global")
    hub.unsubscribe(staying, "never/subscribed")
    hub.leave(leaving)
    hub.leave(leaving)
    hub.tell(told("topics/x"))
    assert (got(staying), got(leaving)) == ([], [])
    assert hub.clients == {staying}
    assert hub.channel_stats() == {}


def test_channel_stats_count_clients() -> None:
    hub = Hub()
    first, _ = hub.join(), hub.join()
    hub.subscribe(first, "topics/x")
    assert hub.channel_stats() == {"global": 2, "topics/x": 1}


def test_a_client_whose_queue_is_full_is_marked_and_gets_no_more_while_others_get_all() -> None:
    hub = Hub()
    slow, quick = hub.join(), hub.join()
    seen = []
    for number in range(QUEUE_LIMIT + 5):
        hub.tell(told(number=number))
        seen += got(quick)
    assert [frame["data"]["number"] for frame in seen] == list(range(QUEUE_LIMIT + 5))
    assert slow.too_slow.is_set()
    assert slow.queue.qsize() == QUEUE_LIMIT
    assert not quick.too_slow.is_set()


def test_ids_of_kept_events_are_the_same_in_every_run_and_others_are_not() -> None:
    one, other = Hub(), Hub()
    assert one.next_id(7) == other.next_id(7) == "msg_7"
    assert len({one.next_id(None), one.next_id(None), other.next_id(None)}) == 3


def test_every_client_has_an_id_of_its_own() -> None:
    hub = Hub()
    ids = {hub.join().id for _ in range(50)}
    assert len(ids) == 50
    assert all(each.startswith("ws_") for each in ids)


def test_a_kept_event_that_is_told_again_is_heard_once() -> None:
    hub = Hub()
    client = hub.join()
    for number in (1, 2, 2, 1):
        hub.tell(told(number=number))
    assert [frame["id"] for frame in got(client)] == ["msg_1", "msg_2"]


def test_a_client_has_a_bounded_number_of_channels() -> None:
    hub = Hub()
    client = hub.join()
    taken = [hub.subscribe(client, f"topics/{number}") for number in range(MOST_CHANNELS)]
    assert (taken.count(True), taken[-1]) == (MOST_CHANNELS - 1, False)
    assert hub.subscribe(client, "topics/0")
    hub.unsubscribe(client, "global")
    assert hub.subscribe(client, "topics/more")


def test_channels_of_a_bounded_number_of_agents_are_remembered_the_latest_seen() -> None:
    hub = Hub()
    for number in range(REMEMBERED_AGENTS + 1):
        client = hub.join()
        client.agent_id = f"a{number}"
        hub.subscribe(client, "topics/x")
        hub.leave(client)
    assert hub.remembered("a0") == []
    assert hub.remembered("a1") == hub.remembered(f"a{REMEMBERED_AGENTS}") == ["topics/x"]


def test_two_connections_of_an_agent_are_remembered_together() -> None:
    hub = Hub()
    for channel in ("topics/x", "topics/y"):
        client = hub.join()
        client.agent_id = "a1"
        hub.subscribe(client, channel)
    assert hub.remembered("a1") == ["topics/x", "topics/y"]
