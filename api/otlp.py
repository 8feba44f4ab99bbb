"""OTLP over HTTP: bodies in JSON or protobuf, and the answers it wants.

protobuf is imported with the first request: who sends no telemetry does not pay for it.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from dcm.domain.errors import InvalidInput, TooLarge
from dcm.domain.telemetry import Attributes

if TYPE_CHECKING:
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue
    from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

JSON, PROTOBUF = "application/json", "application/x-protobuf"

LIMIT = 4 * 1024 * 1024
"""Bytes of the largest body that is taken, unpacked; the exporters send far less at once."""

DEEPEST = 50
"""Levels of JSON; OTLP's own have about fifteen."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LogEvent:
    """A log record: the event's name, its attributes, and when it happened."""

    name: str
    attributes: Attributes
    at: datetime


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a sum. `cumulative` is None where its sender does not say what it is since."""

    name: str
    attributes: Attributes
    value: float
    started: datetime
    at: datetime
    cumulative: bool | None


def unpacked(raw: bytes, encoding: str) -> bytes:
    """A body without its compression.

    Raises:
        InvalidInput: it is not what its Content-Encoding says.
        TooLarge: it has more bytes than are taken.
    """
    if encoding not in {"gzip", "", "identity"}:
        raise InvalidInput(f"Content-Encoding {encoding} is not taken: send gzip or none.")
    if encoding != "gzip":
        return raw
    unpacking = zlib.decompressobj(31)
    try:
        body = unpacking.decompress(raw, LIMIT + 1)
    except zlib.error as error:
        raise InvalidInput(f"The body is not gzip ({error}).") from None
    if len(body) > LIMIT:
        raise TooLarge(f"The body has more than the {LIMIT} bytes that are taken, unpacked.")
    if not unpacking.eof:
        raise InvalidInput("The body is gzip that ends too early.")
    return body


def logs(raw: bytes, content_type: str) -> list[LogEvent]:
    """The log records of an ExportLogsServiceRequest.

    Raises:
        InvalidInput: the body is none.
    """
    from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as service  # noqa: PLC0415

    found = _parsed(raw, content_type, service.ExportLogsServiceRequest())
    return [
        LogEvent(
            record.event_name or record.body.string_value,
            _attributes(record.attributes),
            _moment(record.time_unix_nano or record.observed_time_unix_nano),
        )
        for resource in found.resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]


def metrics(raw: bytes, content_type: str) -> list[Point]:
    """The points of the sums of an ExportMetricsServiceRequest.

    Raises:
        InvalidInput: the body is none.
    """
    from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as service  # noqa: PLC0415

    found = _parsed(raw, content_type, service.ExportMetricsServiceRequest())
    return [
        point
        for resource in found.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in _points(metric, _attributes(resource.resource.attributes))
    ]


def traces(raw: bytes, content_type: str) -> None:
    """Look whether a body is an ExportTraceServiceRequest.

    Raises:
        InvalidInput: it is none.
    """
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service  # noqa: PLC0415

    _parsed(raw, content_type, service.ExportTraceServiceRequest())


def answer(content_type: str, counted: str, rejected: int, why: str) -> bytes:
    """The answer to an export; `counted` is what its signal calls those that were rejected."""
    from google.protobuf import json_format  # noqa: PLC0415
    from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as of_metrics  # noqa: PLC0415

    if counted == "rejected_log_records":
        from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as of_logs  # noqa: PLC0415

        said: Any = of_logs.ExportLogsServiceResponse()
    else:
        said = of_metrics.ExportMetricsServiceResponse()
    if rejected:
        setattr(said.partial_success, counted, rejected)
        said.partial_success.error_message = why
    if content_type == PROTOBUF:
        return bytes(said.SerializeToString())
    return str(json_format.MessageToJson(said, indent=None)).encode()


def refusal(content_type: str, code: int, message: str) -> bytes:
    """A google.rpc.Status."""
    from google.protobuf import json_format  # noqa: PLC0415
    from google.rpc.status_pb2 import Status  # noqa: PLC0415

    said = Status(code=code, message=message)
    if content_type == PROTOBUF:
        return bytes(said.SerializeToString())
    return str(json_format.MessageToJson(said, indent=None)).encode()


def _parsed(raw: bytes, content_type: str, message: Any) -> Any:
    from google.protobuf import json_format  # noqa: PLC0415
    from google.protobuf.message import DecodeError  # noqa: PLC0415

    try:
        if content_type == PROTOBUF:
            message.ParseFromString(raw)
            return message
        found = orjson.loads(raw)
        if not isinstance(found, dict):
            raise InvalidInput("The body is no Export request: send one JSON object.")
        return json_format.ParseDict(found, message, ignore_unknown_fields=True, max_recursion_depth=DEEPEST)
    except (DecodeError, json_format.ParseError, orjson.JSONDecodeError, RecursionError) as error:
        raise InvalidInput(f"The body is no {message.DESCRIPTOR.name} in {content_type}: {error}.") from None


def _points(metric: "Metric", resource: Attributes) -> Iterator[Point]:
    temporality = metric.sum.aggregation_temporality
    cumulative = {1: False, 2: True}.get(temporality)
    for point in metric.sum.data_points:
        value = point.as_double if point.HasField("as_double") else float(point.as_int)
        at, started = _moment(point.time_unix_nano), _moment(point.start_time_unix_nano)
        yield Point(metric.name, {**resource, **_attributes(point.attributes)}, value, started, at, cumulative)


def _attributes(found: "Iterable[KeyValue]") -> dict[str, str | int | float | bool]:
    """The attributes that are text, numbers or truths."""
    return {
        pair.key: getattr(pair.value, kind)
        for pair in found
        if (kind := pair.value.WhichOneof("value")) in {"string_value", "int_value", "double_value", "bool_value"}
    }


def _moment(nanoseconds: int) -> datetime:
    """A moment; one that no calendar has is the first there is."""
    try:
        return EPOCH + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        return EPOCH
