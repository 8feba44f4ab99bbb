"""Dramatiq messages that failed for good: Dramatiq keeps them a week in a dead queue beside each queue."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import redis
from dramatiq import Message, MessageProxy

from dcm.broker import DEFAULT, INGEST, NAMESPACE

QUEUES = (DEFAULT, INGEST)

OF_A_TRY = frozenset({"retries", "max_retries", "traceback", "requeue_timestamp", "error", "eta"})
"""Options that tell of the tries so far: a message that is sent again begins anew."""

SEND_AGAIN = """
if redis.call('zrem', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('hdel', KEYS[2], ARGV[1])
redis.call('hset', KEYS[4], ARGV[1], ARGV[2])
redis.call('rpush', KEYS[3], ARGV[1])
return 1
"""
"""From the dead queue into its queue, as Dramatiq enqueues: at once, so that it is in one of them whatever happens."""


@dataclass(frozen=True, slots=True)
class DeadMessage:
    """A message that is not tried any more. `id` is that of its place in the queue."""

    id: str
    queue: str
    actor: str
    arguments: list[Any]
    message_id: str
    request_id: str | None
    reason: str
    traceback: str | None
    tries: int
    failed_at: datetime


def count(client: redis.Redis) -> dict[str, int]:
    """{queue: dead messages}."""
    return {queue: client.zcard(_queue(queue)) for queue in QUEUES}


def newest(client: redis.Redis, limit: int) -> list[DeadMessage]:
    """The messages that failed last, the newest first."""
    found = [dead for queue in QUEUES for dead in _of_queue(client, queue, limit)]
    return sorted(found, key=lambda dead: dead.failed_at, reverse=True)[:limit]


def one(client: redis.Redis, dead_id: str) -> DeadMessage | None:
    """A dead message, None when there is none of that id."""
    for queue in QUEUES:
        failed_at = client.zscore(_queue(queue), dead_id)
        raw = cast("bytes | None", client.hget(_messages(queue), dead_id))
        if failed_at is not None and raw is not None:
            return _dead(queue, dead_id, raw, failed_at)
    return None


def send_again(client: redis.Redis, dead_id: str) -> bool:
    """Put a dead message into its queue as one that was never tried; False when there is none of that id."""
    for queue in QUEUES:
        raw = cast("bytes | None", client.hget(_messages(queue), dead_id))
        if raw is not None:
            keys = _queue(queue), _messages(queue), f"{NAMESPACE}:{queue}", f"{NAMESPACE}:{queue}.msgs"
            return bool(client.eval(SEND_AGAIN, len(keys), *keys, dead_id, _anew(raw, queue)))
    return False


def drop(client: redis.Redis, dead_id: str) -> bool:
    """Forget a dead message; False when there is none of that id."""
    pipeline = client.pipeline(transaction=True)
    for queue in QUEUES:
        pipeline.zrem(_queue(queue), dead_id)
        pipeline.hdel(_messages(queue), dead_id)
    return any(pipeline.execute())


def ids(client: redis.Redis) -> list[str]:
    """The ids of all dead messages, those of the oldest first in each queue."""
    return [each.decode() for queue in QUEUES for each in cast("list[bytes]", client.zrange(_queue(queue), 0, -1))]


def note(client: redis.Redis, message: MessageProxy) -> None:
    """Keep with a message that has just died what its last try said of why."""
    dead_id = message.options["redis_message_id"]
    key = _messages(message.queue_name.removesuffix(".DQ"))
    if client.hexists(key, dead_id):
        client.hset(key, dead_id, message.encode())


def _queue(queue: str) -> str:
    return f"{NAMESPACE}:{queue}.XQ"


def _messages(queue: str) -> str:
    return f"{NAMESPACE}:{queue}.XQ.msgs"


def _of_queue(client: redis.Redis, queue: str, limit: int) -> Iterator[DeadMessage]:
    listed = cast("list[tuple[bytes, float]]", client.zrevrange(_queue(queue), 0, limit - 1, withscores=True))
    if not listed:
        return
    bodies = cast("list[bytes | None]", client.hmget(_messages(queue), [dead_id for dead_id, _ in listed]))
    for (dead_id, failed_at), raw in zip(listed, bodies, strict=True):
        if raw is not None:
            yield _dead(queue, dead_id.decode(), raw, failed_at)


def _dead(queue: str, dead_id: str, raw: bytes, failed_at: float) -> DeadMessage:
    message: Message[Any] = Message.decode(raw)
    options = message.options
    traceback = options.get("traceback")
    last_line = (traceback or "").strip().rpartition("\n")[2]
    return DeadMessage(
        dead_id,
        queue,
        message.actor_name,
        list(message.args),
        message.message_id,
        options.get("request_id"),
        options.get("error") or last_line or "It is not known why.",
        traceback,
        max(1, options.get("retries", 0)),
        datetime.fromtimestamp(failed_at / 1000, UTC),
    )


def _anew(raw: bytes, queue: str) -> bytes:
    message: Message[Any] = Message.decode(raw)
    options = {name: value for name, value in message.options.items() if name not in OF_A_TRY}
    kept: Message[Any] = Message(
        queue, message.actor_name, message.args, message.kwargs, options, message.message_id, message.message_timestamp
    )
    return kept.encode()
