"""Traces of DCM itself, over OTLP: where an accepted event spent its time. Off, they cost one look at a None.

Only where an endpoint is set is anything of OpenTelemetry imported; it is the optional part `dcm[otel]`.
"""

import functools
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dcm.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Link, Span, SpanKind, Tracer

logger = logging.getLogger("dcm.tracing")

HERE = frozenset({"127.0.0.1", "localhost", "::1"})

TRACEPARENT = "traceparent"


class Traces:
    """Makes the spans of one process."""

    def __init__(self, tracer: "Tracer") -> None:
        self._tracer = tracer

    def accept(self, session_id: str, at_ns: int) -> "tuple[Span, bytes]":
        """The span of an event that is being accepted, to be ended by the caller, and what carries it on."""
        span = self._tracer.start_span(
            "accept event", start_time=at_ns, attributes={"session.id": session_id}, kind=_kinds().PRODUCER
        )
        return span, self.carried(span).encode()

    def stored(self, carried: bytes, name: str, accepted_ns: int, began_ns: int, ended_ns: int) -> None:
        """Tell of an event that was stored: how long it waited, and how long its batch took to write.

        `carried`: what the entry carries. `accepted_ns`: when it was accepted, `began_ns` and `ended_ns` the batch.
        """
        within, attributes = self.context(carried.decode("ascii", "replace")), {"hook.event": name}
        for step, start, end in (("wait in queue", accepted_ns, began_ns), ("store event", began_ns, ended_ns)):
            span = self._tracer.start_span(
                step, within, start_time=start, attributes=attributes, links=_current(), kind=_kinds().CONSUMER
            )
            span.end(max(start, end))

    @contextmanager
    def run(self, name: str, carried: str, attributes: Mapping[str, str | int]) -> "Iterator[Span]":
        """Work that another part asked for, carried on from there."""
        with self._tracer.start_as_current_span(
            name, self.context(carried) if carried else None, attributes=attributes, kind=_kinds().CONSUMER
        ) as span:
            yield span

    def carried(self, span: "Span | None" = None) -> str:
        """What carries a span on, or that which is under way; empty when there is none."""
        from opentelemetry.trace import set_span_in_context  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier, set_span_in_context(span) if span else None)
        return carrier.get(TRACEPARENT, "")

    def context(self, carried: str) -> "Context":
        """The context of a span that was carried on."""
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        return TraceContextTextMapPropagator().extract({TRACEPARENT: carried})


@functools.cache
def traces(settings: Settings, part: str) -> Traces | None:
    """What makes the spans of this process; None when traces are off, or the optional part is not installed."""
    endpoint = settings.otlp_endpoint
    if not endpoint or _is_own(settings):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        logger.warning("No traces are sent to %s: install dcm[otel].", urlsplit(endpoint).hostname)
        return None
    provider = TracerProvider(resource=Resource.create({"service.name": f"dcm-{part}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")))
    return Traces(provider.get_tracer("dcm"))


def _is_own(settings: Settings) -> bool:
    """Whether the endpoint is DCM itself: that of Claude Code, inherited from a session that started DCM."""
    found = urlsplit(settings.otlp_endpoint)
    return found.hostname in HERE | {settings.host} and found.port in {settings.port, settings.dashboard_port}


def _kinds() -> "type[SpanKind]":
    from opentelemetry.trace import SpanKind  # noqa: PLC0415

    return SpanKind


def _current() -> "list[Link]":
    from opentelemetry.trace import Link, get_current_span  # noqa: PLC0415

    context = get_current_span().get_span_context()
    return [Link(context)] if context.is_valid else []
