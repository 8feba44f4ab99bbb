"""The Dramatiq broker, and how to send to an actor by name: api/ never imports workers/."""

from typing import Any

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import CurrentMessage, Retries, ShutdownNotifications
from redis.backoff import NoBackoff
from redis.retry import Retry

from dcm import logs
from dcm.redelivery import Redelivery
from dcm.settings import Settings

INGEST, DEFAULT = "ingest", "default"
"""Queues: hook events come by the thousand and have a worker of their own."""

NAMESPACE = "dcm:dramatiq"
"""How the keys of Dramatiq's queues begin."""

CONNECT_TIMEOUT = 1.0
"""Seconds until a Valkey that does not answer counts as away."""

MAIL_SECONDS = 24 * 3600
"""Seconds an undelivered letter is kept."""


def stream_key(shard: int) -> str:
    """The stream of accepted events of a shard."""
    return f"dcm:events:{shard}"


def urgent_key(shard: int) -> str:
    """The sessions of a shard whose events go before those of all others, for somebody waits for them."""
    return f"dcm:urgent:{shard}"


def nudge_key(shard: int) -> str:
    """Set while a `drain` of a shard is on its way and has not begun to read."""
    return f"dcm:nudge:{shard}"


NUDGE_MS = 1000
"""Milliseconds after which a nudge that nobody took up is forgotten."""


def recorded_key(shard: int) -> str:
    """Set for a moment after a program reported a tool call itself: who reads then waits for it."""
    return f"dcm:recorded:{shard}"


def compaction_key(session_id: str) -> str:
    """Holds when a session's newest compaction began, as a stream's time field."""
    return f"dcm:compaction:{session_id}"


def compacted_key(session_id: str) -> str:
    """Holds when a session's newest compaction ended, as a stream's time field."""
    return f"dcm:compacted:{session_id}"


FORGOTTEN_S = 60
"""Seconds after which a reading, or a look, that was lost on its way is asked for again."""


def reading_key(session_id: str) -> str:
    """Set while a reading of a session's transcripts is on its way and has not begun."""
    return f"dcm:reading:{session_id}"


def watch_key(session_id: str) -> str:
    """Set while a look at the size of a session's context is on its way and has not begun."""
    return f"dcm:watch:{session_id}"


def mailbox_key(session_id: str, agent_id: str = "") -> str:
    """Holds letters for the main conversation of a session, or for a subagent of it."""
    return f"dcm:mail:{session_id}:{agent_id}" if agent_id else f"dcm:mail:{session_id}"


def proved_mailbox_key(proof: bytes, mailbox: str) -> str:
    """Holds of a mailbox's letters those to the agent whose credential has this hash: who does not show it finds none.

    It begins as no mailbox does, so that no name of a session or agent leads to it.
    """
    return f"dcm:proved:{proof.hex()}:{mailbox}"


TELEMETRY_STREAM, TELEMETRY_NUDGE = "dcm:telemetry", "dcm:telemetry:nudge"
"""The stream of what telemetry told, and the key that is set while its actor is on its way."""


def accepted_streams(settings: Settings) -> list[str]:
    """All streams in which something waits that was accepted and is not stored."""
    return [*(stream_key(shard) for shard in range(settings.shards)), TELEMETRY_STREAM]


def connection_options(timeout: float) -> dict[str, Any]:
    """How a client connects: `timeout` in seconds of one command, one more try on a connection that died."""
    return {"socket_connect_timeout": min(timeout, CONNECT_TIMEOUT), "socket_timeout": timeout}


def redis_client(settings: Settings, timeout: float = 5.0) -> redis.Redis:
    """A synchronous client; `timeout` in seconds of one command."""
    return redis.Redis.from_url(settings.redis_url, retry=Retry(NoBackoff(), 1), **connection_options(timeout))


def open_broker(settings: Settings) -> RedisBroker:
    """A broker of its own: it does not become Dramatiq's global one, actors name theirs."""
    return Redelivery(
        client=redis_client(settings, timeout=15.0),
        middleware=[CurrentMessage(), ShutdownNotifications(), Retries(max_retries=3, max_backoff=60_000)],
        namespace=NAMESPACE,
    )


def enqueue(broker: dramatiq.Broker, queue: str, actor: str, *arguments: object) -> None:
    """Send to an actor by the name of its queue and its own."""
    broker.enqueue(dramatiq.Message(queue, actor, arguments, {}, _cause()))


def enqueue_later(broker: dramatiq.Broker, delay_ms: int, queue: str, actor: str, *arguments: object) -> None:
    """The same, to be begun after so many milliseconds."""
    broker.enqueue(dramatiq.Message(queue, actor, arguments, {}, _cause()), delay=delay_ms)


def _cause() -> dict[str, str]:
    """The request that a message is sent for, which its actor's line names too."""
    request_id = logs.trace.get().get("request_id")
    return {"request_id": request_id} if request_id else {}
