"""What is kept of a message that failed for good, what is counted, and which ids its lines have."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import dramatiq
import pytest
import redis
from dramatiq.brokers.redis import RedisBroker
from prometheus_client import generate_latest
from psycopg.errors import QueryCanceled
from psycopg_pool import PoolTimeout
from stories import event, queue

from dcm import dead_messages, logs
from dcm.broker import DEFAULT, enqueue, open_broker, redis_client, stream_key
from dcm.domain.redaction import plain
from dcm.figures import REGISTRY
from dcm.settings import Settings
from workers import ingest, running
from workers.failures import Failures, Outages
from workers.running import RunLog

TOKEN = "ghp_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z56"


class Away(Exception):
    """What an actor throws on purpose."""


@pytest.fixture
def at_work(worker: Settings) -> Iterator[tuple[RedisBroker, dramatiq.Worker]]:
    """A broker with actors that fail, and a worker for them."""
    opened, worker_valkey = open_broker(worker), redis_client(worker)
    opened.add_middleware(Outages())
    opened.add_middleware(Failures(plain))
    opened.add_middleware(RunLog())

    @dramatiq.actor(broker=opened, queue_name=DEFAULT, max_retries=1, min_backoff=1, max_backoff=1)
    def fail(text: str) -> None:
        raise ValueError(f"no entry for {text}")

    @dramatiq.actor(broker=opened, queue_name=DEFAULT, max_retries=1, min_backoff=1, max_backoff=1)
    def wait_for_stores(key: str) -> None:
        if (left := worker_valkey.decr(key)) >= 0:
            raise PoolTimeout("no connection in time") if left % 2 else redis.ConnectionError("reset by peer")

    @dramatiq.actor(broker=opened, queue_name=DEFAULT, max_retries=1, min_backoff=1, max_backoff=1)
    def ask_too_much() -> None:
        raise QueryCanceled("canceling statement due to statement timeout")

    @dramatiq.actor(broker=opened, queue_name=DEFAULT, throws=Away)
    def give_up() -> None:
        raise Away("not today")

    @dramatiq.actor(broker=opened, queue_name=DEFAULT, max_retries=0, asked_again=True)
    def fail_until_asked_again() -> None:
        raise ValueError

    @dramatiq.actor(broker=opened, queue_name=DEFAULT)
    def pass_on() -> None:
        enqueue(opened, "elsewhere", "anything")

    hands = dramatiq.Worker(opened, worker_timeout=20, worker_threads=1)
    hands.start()
    yield opened, hands
    hands.stop()
    opened.close()
    worker_valkey.close()


@pytest.fixture
def broker(at_work: tuple[RedisBroker, dramatiq.Worker]) -> RedisBroker:
    """The broker that has such a worker."""
    return at_work[0]


@pytest.fixture
def finish(at_work: tuple[RedisBroker, dramatiq.Worker]) -> Callable[[], None]:
    """Waits until nothing is worked on any more."""

    def wait() -> None:
        broker, hands = at_work
        broker.join(DEFAULT, interval=5, timeout=10_000)
        hands.join()

    return wait


@pytest.fixture
def told() -> Iterator[io.StringIO]:
    """The lines of the log."""
    stream, logger = io.StringIO(), logging.getLogger("dcm.worker")
    listener = logging.StreamHandler(stream)
    listener.setFormatter(logs.JsonLines(plain.value))
    logger.addHandler(listener)
    logger.setLevel(logging.INFO)
    yield stream
    logger.removeHandler(listener)


def lines(told: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in told.getvalue().splitlines()]


def counted(name: str) -> float:
    for line in generate_latest(REGISTRY).decode().splitlines():
        if line.startswith(f"{name} "):
            return float(line.rpartition(" ")[2])
    return 0.0


def test_a_message_that_failed_at_every_try_is_kept_with_its_error_its_tries_and_no_secret(
    broker: RedisBroker, valkey: redis.Redis, finish: Callable[[], None]
) -> None:
    died = counted('dcm_messages_dead_total{actor="fail"}')
    failed = counted('dcm_actor_duration_seconds_count{actor="fail",result="failed"}')
    enqueue(broker, DEFAULT, "fail", TOKEN)
    finish()
    (dead,) = dead_messages.newest(valkey, 10)
    assert (dead.actor, dead.queue, dead.tries) == ("fail", DEFAULT, 2)
    assert dead.reason.startswith("ValueError: no entry for [redacted:")
    assert TOKEN not in (dead.traceback or "")
    assert "in fail" in (dead.traceback or "")
    assert counted('dcm_messages_dead_total{actor="fail"}') == died + 1
    assert counted('dcm_actor_duration_seconds_count{actor="fail",result="failed"}') == failed + 2


def test_what_an_actor_throws_on_purpose_is_kept_after_one_try(
    broker: RedisBroker, valkey: redis.Redis, finish: Callable[[], None]
) -> None:
    enqueue(broker, DEFAULT, "give_up")
    finish()
    (dead,) = dead_messages.newest(valkey, 10)
    assert (dead.reason, dead.tries) == ("Away: not today", 1)


def test_a_dead_message_that_is_sent_again_is_tried_as_often_as_a_new_one(
    broker: RedisBroker, valkey: redis.Redis, finish: Callable[[], None]
) -> None:
    enqueue(broker, DEFAULT, "fail", "x")
    finish()
    (dead,) = dead_messages.newest(valkey, 10)
    before = counted('dcm_actor_duration_seconds_count{actor="fail",result="failed"}')
    assert dead_messages.send_again(valkey, dead.id)
    finish()
    (again,) = dead_messages.newest(valkey, 10)
    assert (again.message_id, again.tries) == (dead.message_id, 2)
    assert counted('dcm_actor_duration_seconds_count{actor="fail",result="failed"}') == before + 2


def test_a_message_is_tried_for_as_long_as_a_store_is_away(
    broker: RedisBroker, valkey: redis.Redis, finish: Callable[[], None]
) -> None:
    valkey.set("away for so many tries", 5)
    enqueue(broker, DEFAULT, "wait_for_stores", "away for so many tries")
    finish()
    assert valkey.get("away for so many tries") == b"-1"
    assert dead_messages.newest(valkey, 10) == []


def test_a_message_whose_question_always_takes_too_long_is_not_tried_for_ever(
    broker: RedisBroker, valkey: redis.Redis, finish: Callable[[], None]
) -> None:
    enqueue(broker, DEFAULT, "ask_too_much")
    finish()
    (dead,) = dead_messages.newest(valkey, 10)
    assert (dead.actor, dead.tries) == ("ask_too_much", 2)


def test_a_message_for_an_actor_that_is_not_known_is_kept_and_says_so(
    broker: RedisBroker, valkey: redis.Redis, finish: Callable[[], None]
) -> None:
    died = counted('dcm_messages_dead_total{actor="of_another_version"}')
    enqueue(broker, DEFAULT, "of_another_version", TOKEN)
    finish()
    (dead,) = dead_messages.newest(valkey, 10)
    assert (dead.actor, dead.reason) == ("of_another_version", "This version of DCM knows no of_another_version.")
    assert counted('dcm_messages_dead_total{actor="of_another_version"}') == died + 1


def test_no_dead_message_is_kept_of_work_that_is_asked_for_again_anyway(
    broker: RedisBroker, valkey: redis.Redis, finish: Callable[[], None]
) -> None:
    enqueue(broker, DEFAULT, "fail_until_asked_again")
    finish()
    assert dead_messages.count(valkey) == {"default": 0, "ingest": 0}
    assert ingest.drain.options["asked_again"]


def test_the_request_that_caused_a_run_is_in_its_line_and_goes_on_to_what_it_sends(
    broker: RedisBroker, valkey: redis.Redis, told: io.StringIO, finish: Callable[[], None]
) -> None:
    token = logs.trace.set({"request_id": "r-1"})
    enqueue(broker, DEFAULT, "pass_on")
    logs.trace.reset(token)
    finish()
    (line,) = lines(told)
    assert (line["actor"], line["request_id"]) == ("pass_on", "r-1")
    assert "error" not in line
    assert line["message_id"]
    (passed_on,) = valkey.hvals("dcm:dramatiq:elsewhere.msgs")
    assert json.loads(passed_on)["options"]["request_id"] == "r-1"


def test_a_batch_is_counted_and_told_when_debugging(valkey: redis.Redis, caplog: pytest.LogCaptureFixture) -> None:
    stored, batches = counted("dcm_events_stored_total"), counted("dcm_batch_duration_seconds_count")
    queue(valkey, [event(1, "Notification"), event(1, "Notification"), event(2, "Stop", session="s2")])
    first, *_, last = [entry_id.decode() for entry_id, _ in valkey.xrange(stream_key(0))]
    with caplog.at_level(logging.DEBUG, "dcm.ingest"):
        ingest.drain.fn(0)
    (line,) = [record for record in caplog.records if record.message == "a batch was stored"]
    said = vars(line)
    assert (said["entries"], said["stored"], said["sessions"]) == (3, 2, ["s1", "s2"])
    assert (said["first_entry"], said["last_entry"]) == (first, last)
    assert counted("dcm_events_stored_total") == stored + 2
    assert counted("dcm_batch_duration_seconds_count") == batches + 1
    assert running.pool().get_stats()["pool_size"] >= 1
