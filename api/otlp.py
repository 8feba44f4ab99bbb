"""OTLP over HTTP: bodies in JSON or protobuf, and the answers it wants.

protobuf is imported with the first request: who sends no telemetry does not pay for it.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from dcm.domain.errors import InvalidInput, TooLarge
from dcm.domain.telemetry import Attributes

if TYPE_CHECKING:
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue
    from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, NumberDataPoint

JSON, PROTOBUF = "application/json", "application/x-protobuf"

LIMIT = 1024 * 1024
"""Bytes of the largest body that is taken, unpacked; the exporters send far less at once."""

MOST, MOST_OBJECTS, MOST_ATTRIBUTES = 5000, 60_000, 128
"""Records or points of a body with what they lie in, objects of its JSON, and attributes of one record that are read.

An empty record takes two bytes, and a hundred times that once it is read.
"""

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
        TooLarge: it has more of them than are taken.
    """
    from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as service  # noqa: PLC0415

    found, each = _parsed(raw, content_type, service.ExportLogsServiceRequest()), _Counting().each
    return [
        LogEvent(
            record.event_name or record.body.string_value,
            _attributes(record.attributes),
            _moment(record.time_unix_nano or record.observed_time_unix_nano),
        )
        for resource in each(found.resource_logs)
        for scope in each(resource.scope_logs)
        for record in each(scope.log_records)
    ]


def metrics(raw: bytes, content_type: str) -> list[Point]:
    """The points of the sums of an ExportMetricsServiceRequest.

    Raises:
        InvalidInput: the body is none.
        TooLarge: it has more of them than are taken.
    """
    from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as service  # noqa: PLC0415

    found, each = _parsed(raw, content_type, service.ExportMetricsServiceRequest()), _Counting().each
    return [
        _point(metric, point, shared)
        for resource in each(found.resource_metrics)
        for shared in [_attributes(resource.resource.attributes)]
        for scope in each(resource.scope_metrics)
        for metric in each(scope.metrics)
        for point in each(metric.sum.data_points)
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


class _Counting:
    """Counts what is read of a body, and ends the reading of one that holds too much."""

    def __init__(self) -> None:
        self._read = 0

    def each(self, some: Iterable[Any]) -> Iterator[Any]:
        for one in some:
            self._read += 1
            if self._read > MOST:
                raise TooLarge(f"The body has more than {MOST} records or points: send them in several.")
            yield one


def _parsed(raw: bytes, content_type: str, message: Any) -> Any:
    from google.protobuf import json_format  # noqa: PLC0415
    from google.protobuf.message import DecodeError  # noqa: PLC0415

    try:
        if content_type == PROTOBUF:
            message.ParseFromString(raw)
            return message
        if raw.count(b"{") > MOST_OBJECTS:
            raise TooLarge(f"The body has more than {MOST_OBJECTS} objects: send them in several.")
        found = orjson.loads(raw)
        if not isinstance(found, dict):
            raise InvalidInput("The body is no Export request: send one JSON object.")
        return json_format.ParseDict(found, message, ignore_unknown_fields=True, max_recursion_depth=DEEPEST)
    except (DecodeError, json_format.ParseError, orjson.JSONDecodeError, RecursionError) as error:
        raise InvalidInput(f"The body is no {message.DESCRIPTOR.name} in {content_type}: {error}.") from None


def _point(metric: "Metric", point: "NumberDataPoint", shared: Attributes) -> Point:
    cumulative = {1: False, 2: True}.get(metric.sum.aggregation_temporality)
    value = point.as_double if point.HasField("as_double") else float(point.as_int)
    at, started = point.time_unix_nano, point.start_time_unix_nano
    if not started and not cumulative:
        started = at
    attributes = {**shared, **_attributes(point.attributes)}
    return Point(metric.name, attributes, value, _moment(started), _moment(at), cumulative)


def _attributes(found: "Sequence[KeyValue]") -> dict[str, str | int | float | bool]:
    """The attributes that are text, numbers or truths."""
    return {
        pair.key: getattr(pair.value, kind)
        for pair in found[:MOST_ATTRIBUTES]
        if (kind := pair.value.WhichOneof("value")) in {"string_value", "int_value", "double_value", "bool_value"}
    }


def _moment(nanoseconds: int) -> datetime:
    """A moment; one that no calendar has is the first there is."""
    try:
        return EPOCH + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        return EPOCH
