"""What every worker process shares: settings, the broker, a pool, and one log line a run."""

import functools
import logging
import time
from typing import Any

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker

from db.pool import Pool, open_pool
from dcm import logs, redaction
from dcm import settings as settings_module
from dcm.broker import open_broker, redis_client
from dcm.domain.redaction import Redactor
from dcm.figures import watch_pool
from dcm.logs import log_to_stderr
from dcm.prices import Prices
from dcm.settings import Settings
from dcm.tracing import traces
from workers import figures
from workers.failures import Failures, Outages
from workers.tracing import PART, RunTraces

logger = logging.getLogger("dcm.worker")


@functools.cache
def settings() -> Settings:
    """The settings of this process."""
    return settings_module.load()


def redactor() -> Redactor:
    """What takes the secrets out of all that this process stores."""
    return redaction.redactor(settings())


@functools.cache
def broker() -> RedisBroker:
    """The broker of this process, with a log line for each run of an actor."""
    log_to_stderr(settings().log_level, redaction.of_logs(settings()))
    opened = open_broker(settings())
    opened.add_middleware(Outages())
    opened.add_middleware(Failures(redactor()))
    opened.add_middleware(RunLog())
    if made := traces(settings(), PART):
        opened.add_middleware(RunTraces(made))
    return opened


@functools.cache
def pool() -> Pool:
    """The connections of this process."""
    opened = open_pool(settings().database_url, most=settings().db_max_connections, name="worker", timeout=3.0)
    watch_pool("worker", opened.get_stats)
    return opened


@functools.cache
def valkey() -> redis.Redis:
    """Valkey, over connections that this process keeps; a command may take 15 seconds."""
    return redis_client(settings(), timeout=15.0)


@functools.cache
def prices() -> Prices:
    """The price table of this process."""
    return Prices(settings().home / "prices.toml")


class RunLog(dramatiq.Middleware):
    """One JSON line a run: actor, message, milliseconds, error."""

    def __init__(self) -> None:
        self.started: dict[str, float] = {}

    def before_process_message(self, broker: dramatiq.Broker, message: dramatiq.MessageProxy) -> None:  # noqa: ARG002
        """Remember when the run began; every line until it ends names the message and the request that caused it."""
        self.started[message.message_id] = time.monotonic()
        caused = {"request_id": message.options["request_id"]} if "request_id" in message.options else {}
        logs.trace.set({"message_id": message.message_id, **caused})

    def after_process_message(
        self,
        broker: dramatiq.Broker,  # noqa: ARG002
        message: dramatiq.MessageProxy,
        *,
        result: Any = None,  # noqa: ARG002
        exception: BaseException | None = None,
    ) -> None:
        """Say what ran, for how long and how it ended; a drain that went well says so only when debugging."""
        seconds = time.monotonic() - self.started.pop(message.message_id, time.monotonic())
        figures.ran(message.actor_name, seconds, failed=exception is not None)
        quiet = message.actor_name == "drain" and exception is None
        logger.log(
            logging.DEBUG if quiet else logging.INFO,
            "ran",
            extra={
                "actor": message.actor_name,
                "arguments": list(message.args),
                "ms": round(seconds * 1000, 1),
                "error": repr(exception) if exception else None,
            },
        )
        logs.trace.set(logs.NOTHING)
