"""The workers' part of traces: runs of actors, and the events that a batch stored."""

import re
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import dramatiq

from dcm.domain.streams import PAYLOAD_FIELD, TIME_FIELD, TRACE_FIELD
from dcm.settings import Settings
from dcm.tracing import TRACEPARENT, Traces, traces

if TYPE_CHECKING:
    from opentelemetry.trace import Span

PART = "worker"

_NAME = re.compile(rb'"hook_event_name"\s*:\s*"(\w{1,100})"')


def stored(settings: Settings, entries: Iterable[tuple[bytes, dict[bytes, bytes]]], began_ns: int) -> None:
    """Tell how long the events of a batch waited and were written, those that carry a trace."""
    made = traces(settings, PART)
    if made is None:
        return
    ended = time.time_ns()
    for _, fields in entries:
        if carried := fields.get(TRACE_FIELD):
            name = _NAME.search(fields[PAYLOAD_FIELD])
            accepted = int(fields[TIME_FIELD]) * 1000
            made.stored(carried, name[1].decode() if name else "", accepted, began_ns, ended)


class RunTraces(dramatiq.Middleware):
    """A span for each run of an actor, carried on from the run that sent its message."""

    def __init__(self, made: Traces) -> None:
        self._traces = made
        self._running: dict[str, AbstractContextManager[Span]] = {}

    def before_enqueue(self, broker: dramatiq.Broker, message: dramatiq.Message[Any], delay: int | None) -> None:  # noqa: ARG002
        """Let the message carry what is under way."""
        if carried := self._traces.carried():
            message.options[TRACEPARENT] = carried

    def before_process_message(self, broker: dramatiq.Broker, message: dramatiq.MessageProxy) -> None:  # noqa: ARG002
        """Begin the span."""
        attributes = {"messaging.message.id": message.message_id, "messaging.destination.name": message.queue_name}
        run = self._traces.run(f"run {message.actor_name}", message.options.get(TRACEPARENT, ""), attributes)
        run.__enter__()
        self._running[message.message_id] = run

    def after_process_message(
        self,
        broker: dramatiq.Broker,  # noqa: ARG002
        message: dramatiq.MessageProxy,
        *,
        result: Any = None,  # noqa: ARG002
        exception: BaseException | None = None,
    ) -> None:
        """End the span, with the error where the run had one."""
        if run := self._running.pop(message.message_id, None):
            kind = type(exception) if exception else None
            try:
                run.__exit__(kind, exception, exception.__traceback__ if exception else None)
            except BaseException as error:
                if error is not exception:
                    raise
