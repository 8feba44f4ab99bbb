"""A Redis broker for Dramatiq that delivers again whatever a dead worker or a lost connection had taken.

Dramatiq's own forgets what it had taken when a connection breaks, lets its consumer end for good when Valkey refuses
a command, and gives the messages of a dead worker to others after minutes.
"""

import contextlib
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, cast

import redis
from dramatiq import MessageProxy
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.common import current_millis
from dramatiq.errors import ConnectionClosed

DEAD_AFTER_MS = 10_000
"""Milliseconds without a sign of life after which others get the messages of a worker."""

LOOK_EVERY = 5.0
"""Seconds between two looks for messages that nobody has in hand."""

LONGEST_DELAY_MS = 120_000
"""Milliseconds by which a message is put off at most: more means that the clock went back since."""

WENT_BACK = 5.0
"""Seconds that the wall clock loses against the other one when it was set back."""

DELAYED = ".DQ"
"""How the names of queues end whose messages wait for their time."""

DELAYED_IDLE = 5
"""How many times longer an idle consumer of such a queue sleeps: what waits for seconds may wait half of one more."""


class Redelivery(RedisBroker):
    """Remembers by queue which messages this process has in hand."""

    def __init__(self, **options: Any) -> None:
        super().__init__(heartbeat_timeout=DEAD_AFTER_MS, maintenance_chance=0, **options)  # type: ignore[no-untyped-call]
        self.in_hand: defaultdict[str, set[str]] = defaultdict(set)

    @property
    def consumer_class(self) -> "type[Consumer]":
        """What takes the messages of a queue."""
        return Consumer

    def reclaim(self, queue_name: str) -> None:
        """Put back into a queue what dead workers had taken, and what this one took without getting it."""
        heartbeats, now = f"{self.namespace}:__heartbeats__", current_millis()
        ahead = cast("list[bytes]", self.client.zrangebyscore(heartbeats, now + DEAD_AFTER_MS, "+inf"))
        if ahead:  # from before the clock went back
            self.client.zadd(heartbeats, dict.fromkeys(ahead, now), xx=True)
        self._dispatch_with_maintenance(queue_name, now)
        taken = cast("set[bytes]", self.client.smembers(f"{self.namespace}:__acks__.{self.broker_id}.{queue_name}"))
        if lost := {message_id.decode() for message_id in taken} - self.in_hand[queue_name]:
            self.do_requeue(queue_name, *lost)

    def _dispatch_with_maintenance(self, queue_name: str, now: int) -> None:
        command = ["requeue", now, queue_name, self.broker_id, self.heartbeat_timeout, self.dead_message_ttl, 1]
        self.scripts["dispatch"](args=[*command, self._max_unpack_size()], keys=[self.namespace])  # type: ignore[no-untyped-call]


class Consumer(_RedisConsumer):
    """Takes the messages of one queue, in one thread."""

    def __init__(self, broker: Redelivery, queue_name: str, prefetch: int, timeout: int) -> None:
        idle = timeout * DELAYED_IDLE if queue_name.endswith(DELAYED) else timeout
        super().__init__(broker, queue_name, prefetch, idle)  # type: ignore[no-untyped-call]
        self._hand, self._queue = broker.in_hand[queue_name], broker
        self._next_look, self._offset = 0.0, _offset()
        if queue_name.endswith(DELAYED):
            self._hand.clear()  # what waited was forgotten with the consumer before this one

    def __next__(self) -> MessageProxy | None:
        """The next message, None when there is none."""
        with _lost_connection():
            if time.monotonic() >= self._next_look and not self.message_cache:
                self._look()
            message = cast("MessageProxy | None", super().__next__())  # type: ignore[no-untyped-call]
        if message is not None:
            self._hand.add(message.options["redis_message_id"])
            if message.options.get("eta", 0) > current_millis() + LONGEST_DELAY_MS:
                message.options["eta"] = current_millis()
        return message

    def ack(self, message: MessageProxy) -> None:
        """A message is done."""
        with _lost_connection():
            super().ack(message)  # type: ignore[no-untyped-call]
        self._hand.discard(message.options["redis_message_id"])

    def nack(self, message: MessageProxy) -> None:
        """A message has failed for good."""
        with _lost_connection():
            super().nack(message)  # type: ignore[no-untyped-call]
        self._hand.discard(message.options["redis_message_id"])

    def requeue(self, messages: Any) -> None:
        """Give messages back."""
        given = list(messages)
        with _lost_connection():
            super().requeue(given)  # type: ignore[no-untyped-call]
        self._hand.difference_update(message.options["redis_message_id"] for message in given)

    def _look(self) -> None:
        self._next_look = time.monotonic() + LOOK_EVERY
        before, self._offset = self._offset, _offset()
        if self._offset < before - WENT_BACK:
            raise ConnectionClosed("The clock was set back: what waits for its time is taken anew.")  # type: ignore[no-untyped-call]
        self._queue.reclaim(self.queue_name)


def _offset() -> float:
    return time.time() - time.monotonic()


@contextlib.contextmanager
def _lost_connection() -> Iterator[None]:
    """Whatever Valkey refuses counts as a lost connection: Dramatiq tries again, and ends for anything else."""
    try:
        yield
    except redis.RedisError as error:
        raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]
