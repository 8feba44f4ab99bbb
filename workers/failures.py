"""Messages that failed for good: why they did is kept with them."""

from typing import Any

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker

from db.pool import is_outage
from dcm import dead_messages
from dcm.domain.redaction import Redactor
from workers import figures

SELF_HEALING = "asked_again"
"""The option of an actor whose work is asked for anew whatever became of a message: no dead one is kept."""


class Failures(dramatiq.Middleware):
    """Notes with a message what went wrong, so that a person who finds it dead can tell why."""

    def __init__(self, redactor: Redactor) -> None:
        self._redact = redactor.text

    @property
    def actor_options(self) -> set[str]:
        """What actors may say of themselves."""
        return {SELF_HEALING}

    def after_process_message(
        self,
        broker: dramatiq.Broker,  # noqa: ARG002 - dramatiq's signature
        message: dramatiq.MessageProxy,
        *,
        result: Any = None,  # noqa: ARG002
        exception: BaseException | None = None,
    ) -> None:
        """Remember the error of this try."""
        if exception is not None:
            message.options["error"] = self._redact(f"{type(exception).__name__}: {exception}")

    def after_nack(self, broker: dramatiq.Broker, message: dramatiq.MessageProxy) -> None:
        """Keep the error with what is dead now; drop a message whose work is asked for again anyway."""
        assert isinstance(broker, RedisBroker)
        actor = broker.actors.get(message.actor_name)
        if actor is None:
            message.options.setdefault("error", f"This version of DCM knows no {message.actor_name}.")
        elif actor.options.get(SELF_HEALING):
            dead_messages.drop(broker.client, message.options["redis_message_id"])
            return
        figures.DIED.labels(message.actor_name).inc()
        if traceback := message.options.get("traceback"):
            message.options["traceback"] = self._redact(traceback)
        dead_messages.note(broker.client, message)


class Outages(dramatiq.Middleware):
    """Has a message tried again for as long as Postgres or Valkey is away, where it is tried again at all.

    It stands behind Dramatiq's retries in the order of middleware, which makes it the first to hear of an error.
    """

    def after_process_message(
        self,
        broker: dramatiq.Broker,
        message: dramatiq.MessageProxy,
        *,
        result: Any = None,  # noqa: ARG002
        exception: BaseException | None = None,
    ) -> None:
        """Count no try against a message that a store did not hear of."""
        tried_again = broker.get_actor(message.actor_name).options.get("max_retries") != 0
        if tried_again and isinstance(exception, Exception) and _is_outage(exception):
            message.options["max_retries"] = message.options.get("retries", 0) + 1
        else:
            message.options.pop("max_retries", None)


def _is_outage(error: Exception) -> bool:
    return is_outage(error) or isinstance(error, redis.ConnectionError | redis.TimeoutError)
