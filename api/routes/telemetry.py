"""OTLP over HTTP: what OpenTelemetry of Claude Code exports. See docs/telemetry.md."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from falcon.asgi import Request, Response
from pydantic import ConfigDict, Field

from api import otlp
from api.bodies import read_body
from api.fields import Answer, Body
from api.ingest import Door
from api.operations import documented
from dcm.broker import DEFAULT, TELEMETRY_NUDGE, TELEMETRY_STREAM
from dcm.domain import telemetry
from dcm.domain.errors import DcmError, InvalidInput, TooLarge, Unavailable

CODES = {InvalidInput: (400, 3), TooLarge: (413, 8), Unavailable: (503, 14)}
"""The HTTP status of each refusal, and its code as google.rpc has them."""

RETRY_AFTER = "2"
"""Seconds after which an exporter should try again when the queue is away or many read."""

MOST_WAITING = 16
"""Bodies that wait to be read."""


class PartialSuccess(Answer):
    """What was not taken, and why; absent when all was."""

    rejectedDataPoints: str | None = None  # noqa: N815 - OTLP's word
    rejectedLogRecords: str | None = None  # noqa: N815 - OTLP's word
    errorMessage: str | None = None  # noqa: N815 - OTLP's word


class Exported(Answer):
    """OTLP's answer; in protobuf when the request was."""

    partialSuccess: PartialSuccess | None = None  # noqa: N815 - OTLP's word


class RefusedExport(Answer):
    """A google.rpc.Status: why an export was refused; in protobuf when the request was."""

    code: int
    message: str


REFUSALS = dict.fromkeys((400, 413, 415, 503), RefusedExport)


class MetricsExport(Body):
    """An ExportMetricsServiceRequest."""

    model_config = ConfigDict(extra="allow", frozen=True)
    resource_metrics: list[dict[str, Any]] = Field(default=[], alias="resourceMetrics")


class LogsExport(Body):
    """An ExportLogsServiceRequest."""

    model_config = ConfigDict(extra="allow", frozen=True)
    resource_logs: list[dict[str, Any]] = Field(default=[], alias="resourceLogs")


class TracesExport(Body):
    """An ExportTraceServiceRequest."""

    model_config = ConfigDict(extra="allow", frozen=True)
    resource_spans: list[dict[str, Any]] = Field(default=[], alias="resourceSpans")


@dataclass(slots=True)
class Told:
    """What an export tells that is kept, by what it is; and how much of it could not be used, with the last reason."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    rejected: int = 0
    why: str = ""

    def keep(self, kind: str, work: Callable[[], Any]) -> None:
        """Take what the work gives; count it where it cannot be used."""
        try:
            row = work()
        except InvalidInput as error:
            self.rejected, self.why = self.rejected + 1, str(error)
            return
        if row is not None:
            self.rows.setdefault(kind, []).append(asdict(row))


class Reader:
    """Reads one body at a time, in a thread: hooks wait for no more than that."""

    def __init__(self, door: Door) -> None:
        self.door, self._turn, self._waiting = door, asyncio.Lock(), 0

    async def read(self, work: Callable[[], Told]) -> Told:
        """What the work gives.

        Raises:
            Unavailable: too many wait.
        """
        if self._waiting >= MOST_WAITING:
            raise Unavailable("Many exports wait to be read. Try again in a moment.")
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1


class Metrics:
    """/v1/metrics"""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @documented(body=MetricsExport, answer=Exported, others=REFUSALS, scope="ingest")
    async def on_post(self, req: Request, resp: Response) -> None:
        """Take metrics that OpenTelemetry of Claude Code exports, as JSON or protobuf, gzip or not.

        Tokens and cost of sessions are kept; all others are accepted and left alone.
        """
        await _take(req, resp, self._reader, "rejected_data_points", _told_by_metrics)


class Logs:
    """/v1/logs"""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @documented(body=LogsExport, answer=Exported, others=REFUSALS, scope="ingest")
    async def on_post(self, req: Request, resp: Response) -> None:
        """Take log events that OpenTelemetry of Claude Code exports, as JSON or protobuf, gzip or not.

        Requests to the model and compactions are kept; all others, and every text in them, are left alone.
        """
        await _take(req, resp, self._reader, "rejected_log_records", _told_by_logs)


class Traces:
    """/v1/traces"""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @documented(body=TracesExport, answer=Exported, others=REFUSALS, scope="ingest")
    async def on_post(self, req: Request, resp: Response) -> None:
        """Take traces and keep nothing of them, so that one endpoint does for all three signals."""
        await _take(req, resp, self._reader, "rejected_spans", _told_by_traces)


async def _take(
    req: Request, resp: Response, reader: Reader, counted: str, reading: Callable[[bytes, str], Told]
) -> None:
    content_type = (req.content_type or "").partition(";")[0].strip().lower()
    if content_type not in {otlp.JSON, otlp.PROTOBUF}:
        _refuse(resp, otlp.JSON, 415, 3, f"Send {otlp.JSON} or {otlp.PROTOBUF}: {content_type or 'nothing'} was named.")
        return
    try:
        raw = await read_body(req, otlp.LIMIT)
        encoding = (req.get_header("Content-Encoding") or "").strip().lower()
        told = await reader.read(lambda: reading(otlp.unpacked(raw, encoding), content_type))
        if told.rows:
            raw = json.dumps(told.rows).encode()
            await reader.door.append(TELEMETRY_STREAM, raw, TELEMETRY_NUDGE, DEFAULT, "telemetry")
    except (InvalidInput, TooLarge, Unavailable) as error:
        status, code = CODES[type(error)]
        _refuse(resp, content_type, status, code, _reason(error))
        return
    resp.content_type = content_type
    resp.data = otlp.answer(content_type, counted, told.rejected, told.why)


def _refuse(resp: Response, content_type: str, status: int, code: int, message: str) -> None:
    resp.status, resp.content_type = status, content_type
    resp.data = otlp.refusal(content_type, code, message)
    if status == 503:
        resp.set_header("Retry-After", RETRY_AFTER)


def _reason(error: DcmError) -> str:
    return str(error)[:1000]


def _told_by_metrics(raw: bytes, content_type: str) -> Told:
    told, now = Told(), datetime.now(UTC)
    points = [point for point in otlp.metrics(raw, content_type) if point.name.startswith(telemetry.OURS)]
    for point in points:
        told.keep("sums", lambda point=point: _sum(point, now))  # type: ignore[misc]
    return told


def _sum(point: otlp.Point, now: datetime) -> telemetry.UsageSum | None:
    since = bool(point.cumulative)
    found = telemetry.of_point(
        point.name, point.attributes, point.value, point.started, point.at, now=now, cumulative=since
    )
    if found and point.cumulative is None:
        raise InvalidInput(f"{point.name} has no aggregationTemporality: send 1 (delta) or 2 (cumulative).")
    return found


def _told_by_logs(raw: bytes, content_type: str) -> Told:
    told, now = Told(), datetime.now(UTC)
    for event in otlp.logs(raw, content_type):
        kind = "compactions" if event.name == telemetry.OURS + "compaction" else "requests"
        told.keep(kind, lambda event=event: telemetry.of_event(event.name, event.attributes, event.at, now))  # type: ignore[misc]
    return told


def _told_by_traces(raw: bytes, content_type: str) -> Told:
    otlp.traces(raw, content_type)
    return Told()
