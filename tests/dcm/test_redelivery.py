"""What a worker took and did not finish is delivered again, whatever broke."""

import time
from collections.abc import Callable, Iterator

import dramatiq
import pytest
import redis
from dramatiq import Message, MessageProxy
from dramatiq.common import current_millis
from dramatiq.errors import ConnectionClosed

from dcm import redelivery
from dcm.redelivery import Consumer, Redelivery

QUEUE, DELAYED = "default", "default.DQ"


@pytest.fixture
def make(valkey_url: str) -> Iterator[Callable[[], Redelivery]]:
    """Makes brokers, each as of a process of its own."""
    made: list[Redelivery] = []

    def broker() -> Redelivery:
        made.append(Redelivery(client=redis.Redis.from_url(valkey_url), namespace="test"))
        made[-1].declare_queue(QUEUE)
        return made[-1]

    yield broker
    for one in made:
        one.close()


def send(broker: dramatiq.Broker, delay: int | None = None) -> None:
    broker.enqueue(Message(QUEUE, "work", (), {}, {}), delay=delay)


def consumer(broker: Redelivery, queue: str = QUEUE) -> Consumer:
    found = broker.consume(queue, prefetch=2, timeout=1)
    assert isinstance(found, Consumer)
    return found


def next_of(taking: Consumer) -> MessageProxy | None:
    """The next message, of some looks into the queue."""
    return next((message for message in (next(taking) for _ in range(20)) if message), None)


def test_the_message_of_a_dead_worker_is_done_by_another_within_seconds(make: Callable[[], Redelivery]) -> None:
    dead, other = make(), make()
    send(dead)
    assert next_of(consumer(dead))
    assert next_of(consumer(other)) is None, "its worker may still live"
    dead.client.zincrby("test:__heartbeats__", -redelivery.DEAD_AFTER_MS, dead.broker_id)
    assert next_of(consumer(other))


def test_a_worker_that_died_before_the_clock_went_back_is_found_dead_all_the_same(
    make: Callable[[], Redelivery],
) -> None:
    dead, other = make(), make()
    send(dead)
    assert next_of(consumer(dead))
    dead.client.zincrby("test:__heartbeats__", 86_400_000, dead.broker_id)
    assert next_of(consumer(other)) is None
    dead.client.zincrby("test:__heartbeats__", -redelivery.DEAD_AFTER_MS, dead.broker_id)
    assert next_of(consumer(other))


def test_a_message_whose_delivery_was_lost_on_the_way_is_delivered_again(make: Callable[[], Redelivery]) -> None:
    broker = make()
    send(broker)
    assert broker.do_fetch(QUEUE, 1), "taken, and the answer did not arrive"
    assert next_of(consumer(broker))


def test_a_message_that_is_being_worked_on_is_not_delivered_again(make: Callable[[], Redelivery]) -> None:
    broker = make()
    send(broker)
    first = consumer(broker)
    message = next_of(first)
    assert message
    assert next_of(consumer(broker)) is None
    first.ack(message)
    assert broker.client.hlen("test:default.msgs") == 0


def test_a_message_that_waited_for_its_time_when_the_connection_broke_is_taken_anew(
    make: Callable[[], Redelivery],
) -> None:
    broker = make()
    send(broker, delay=60_000)
    assert next_of(consumer(broker, DELAYED))
    assert next_of(consumer(broker, DELAYED))


def test_a_message_put_off_before_the_clock_went_back_is_due_at_once(make: Callable[[], Redelivery]) -> None:
    broker = make()
    send(broker, delay=86_400_000)
    message = next_of(consumer(broker, DELAYED))
    assert message
    assert message.options["eta"] <= current_millis()


def test_a_clock_that_went_back_has_what_waits_taken_anew(
    make: Callable[[], Redelivery], monkeypatch: pytest.MonkeyPatch
) -> None:
    taking = consumer(make(), DELAYED)
    assert next_of(taking) is None
    earlier = time.time() - 3600
    monkeypatch.setattr(time, "time", lambda: earlier)
    monkeypatch.setattr(redelivery, "LOOK_EVERY", 0.0)
    taking._next_look = 0.0
    with pytest.raises(ConnectionClosed, match="set back"):
        next_of(taking)


def test_a_valkey_that_refuses_commands_counts_as_away_and_ends_no_consumer(make: Callable[[], Redelivery]) -> None:
    broker = make()
    send(broker)
    taking = consumer(broker)
    message = next_of(taking)
    assert message
    broker.client.config_set("maxmemory", "1")
    try:
        for refused in (lambda: next_of(consumer(broker)), lambda: taking.requeue([message])):
            with pytest.raises(ConnectionClosed):
                refused()
    finally:
        broker.client.config_set("maxmemory", "0")
    taking.requeue([message])
    assert next_of(consumer(broker))
