"""OTLP over HTTP at the door: what is taken, how it is answered, and that it is queued and not written."""

import asyncio
import gzip
import json
import threading
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest
from api_server import Answer, ApiServer, wait_for
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from otlp_bodies import attribute, export_logs, export_metrics, log, point

from api import otlp
from api.ingest import Door
from api.routes.telemetry import MOST_WAITING, Reader, Told
from dcm.broker import TELEMETRY_NUDGE, TELEMETRY_STREAM
from dcm.domain.errors import Unavailable

JSON, PROTOBUF = "application/json", "application/x-protobuf"


@pytest.fixture
def server(server: ApiServer) -> Iterator[ApiServer]:
    """The module's server; its Valkey is back when the test is over."""
    yield server
    server.valkey.resume()
    if server.valkey.process.poll() is not None:
        server.valkey.start()


def send(server: ApiServer, path: str, body: Any, kind: str = JSON, **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return server.ask("POST", path, raw, {"Content-Type": kind, **headers})


def queued(server: ApiServer) -> list[dict[str, Any]]:
    return [json.loads(fields[b"p"]) for _, fields in server.valkey.client.xrange(TELEMETRY_STREAM)]


def in_protobuf(body: Any, message: Any) -> bytes:
    from google.protobuf import json_format

    return bytes(json_format.ParseDict(body, message).SerializeToString())


@pytest.mark.contract("POST /v1/logs")
def test_log_events_are_queued_and_answered_in_json(server: ApiServer) -> None:
    answer = send(server, "/v1/logs", export_logs(log("api_request", request_id="req_1", input_tokens=7)))
    assert (answer.status, answer.type, answer.json) == (200, JSON, {})
    [[request]] = [entry["requests"] for entry in queued(server)]
    assert (request["session_id"], request["key"], request["input_tokens"]) == ("s1", "req_1", 7)


def test_log_events_in_protobuf_are_the_same_and_answered_in_protobuf(server: ApiServer) -> None:
    body = export_logs(log("api_request", request_id="req_1", cost_usd=0.5), log("compaction", pre_tokens="9"))
    send(server, "/v1/logs", body)
    answer = send(server, "/v1/logs", in_protobuf(body, ExportLogsServiceRequest()), PROTOBUF)
    assert (answer.status, answer.type, answer.body) == (200, PROTOBUF, b"")
    one, other = queued(server)
    assert one == other
    assert set(one) == {"requests", "compactions"}


@pytest.mark.contract("POST /v1/metrics")
@pytest.mark.parametrize("kind", [JSON, PROTOBUF])
def test_metrics_are_taken_packed_with_gzip(server: ApiServer, kind: str) -> None:
    body = export_metrics(point("token.usage", 10, type="input"), point("cost.usage", 0.5))
    raw = json.dumps(body).encode() if kind == JSON else in_protobuf(body, ExportMetricsServiceRequest())
    answer = send(server, "/v1/metrics", gzip.compress(raw), kind, **{"Content-Encoding": "gzip"})
    assert (answer.status, answer.type) == (200, kind)
    [entry] = queued(server)
    assert [(row["part"], row["value"]) for row in entry["sums"]] == [("input", 10), ("cost", 0.5)]


@pytest.mark.contract("POST /v1/traces")
@pytest.mark.parametrize("path", ["/v1/logs", "/v1/metrics", "/v1/traces"])
def test_what_others_export_is_accepted_and_left_alone(server: ApiServer, path: str) -> None:
    body = export_logs(log("user_prompt", prompt="my secret plan")) | export_metrics(point("session.count", 1))
    body |= {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "0af7651916cd43dd8448eb211c80319c"}]}]}]}
    assert (send(server, path, body).status, send(server, path, body).json) == (200, {})
    assert queued(server) == []


def test_what_cannot_be_used_is_counted_and_the_rest_is_taken(server: ApiServer) -> None:
    good, nobodys = point("token.usage", 10, type="input"), point("token.usage", 10, session="", type="input")
    answer = send(server, "/v1/metrics", export_metrics(good, nobodys, point("cost.usage", -1)))
    assert answer.status == 200
    assert answer.json["partialSuccess"]["rejectedDataPoints"] == "2"
    assert len(queued(server)[0]["sums"]) == 1
    body = in_protobuf(export_logs(log("compaction", session="")), ExportLogsServiceRequest())
    said = ExportLogsServiceResponse.FromString(send(server, "/v1/logs", body, PROTOBUF).body)
    assert said.partial_success.rejected_log_records == 1
    assert "session.id" in said.partial_success.error_message


def test_a_sum_that_does_not_say_since_when_is_counted_as_unusable(server: ApiServer) -> None:
    answer = send(server, "/v1/metrics", export_metrics(point("cost.usage", 1), temporality=0))
    assert "aggregationTemporality" in answer.json["partialSuccess"]["errorMessage"]


@pytest.mark.parametrize("path", ["/v1/logs", "/v1/metrics", "/v1/traces"])
@pytest.mark.parametrize(
    "raw", [b"{", b"[]", b'"text"', b'{"resourceLogs":7,"resourceMetrics":7,"resourceSpans":7}', b"\xff"]
)
def test_garbage_is_answered_with_400_and_a_status(server: ApiServer, path: str, raw: bytes) -> None:
    answer = send(server, path, raw)
    assert (answer.status, answer.type, answer.json["code"]) == (400, JSON, 3)
    assert "The body is no Export" in answer.json["message"]


def test_json_that_is_nested_too_deep_is_garbage(server: ApiServer) -> None:
    assert send(server, "/v1/logs", b'{"a":' * 50_000 + b"1" + b"}" * 50_000).status == 400
    deep: dict[str, Any] = {"stringValue": "x"}
    for _ in range(200):
        deep = {"arrayValue": {"values": [deep]}}
    record = {"body": deep}
    assert send(server, "/v1/logs", {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).status == 400


def test_garbage_in_protobuf_is_answered_in_protobuf(server: ApiServer) -> None:
    answer = send(server, "/v1/metrics", b"\xff\xff\xff", PROTOBUF)
    assert (answer.status, answer.type) == (400, PROTOBUF)
    assert Status.FromString(answer.body).code == 3


def test_gzip_that_is_none_or_ends_too_early_and_other_encodings_are_refused(server: ApiServer) -> None:
    packed = gzip.compress(json.dumps(export_logs(log("api_request"))).encode())
    for raw, encoding in ((b"{}", "gzip"), (packed[:-9], "gzip"), (b"{}", "br")):
        assert send(server, "/v1/logs", raw, **{"Content-Encoding": encoding}).status == 400
    assert queued(server) == []


def test_another_content_type_is_refused(server: ApiServer) -> None:
    answer = send(server, "/v1/logs", b"{}", "text/plain")
    assert (answer.status, answer.json["code"]) == (415, 3)


def test_a_body_that_is_too_large_is_refused_also_when_it_is_packed(server: ApiServer) -> None:
    assert send(server, "/v1/logs", b" " * (1024 * 1024 + 1)).status == 413
    packed = gzip.compress(b" " * 50_000_000)
    answer = send(server, "/v1/logs", packed, **{"Content-Encoding": "gzip"})
    assert (answer.status, answer.json["code"]) == (413, 8)


def in_fields(number: int, *fields: int, content: bytes) -> bytes:
    """Messages of protobuf that lie in one another, the innermost many times."""
    body = content * number
    for field in fields:
        length = b"".join(bytes([len(body) >> shift & 127 | (128 if len(body) >> shift + 7 else 0)])
                          for shift in range(0, 28, 7) if len(body) >> shift or not shift)  # fmt: skip
        body = bytes([field << 3 | 2]) + length + body
    return body


RECORDS = in_fields(otlp.MOST, 2, 1, content=b"\x12\0")
POINTS = in_fields(otlp.MOST, 7, 2, 2, 1, content=b"\x0a\0")
ATTRIBUTES = in_fields(500_000, 2, 2, 1, content=b"\x32\0")


def in_json(outer: str, middle: str, inner: str) -> bytes:
    many = b"{}," * otlp.MOST_OBJECTS
    return f'{{"{outer}":[{{"{middle}":[{{"{inner}":['.encode() + many + b"{}]}]}]}"


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        ("/v1/logs", PROTOBUF, RECORDS),
        ("/v1/metrics", PROTOBUF, POINTS),
        ("/v1/logs", PROTOBUF, b"\x0a\0" * 500_000),
        ("/v1/logs", JSON, in_json("resourceLogs", "scopeLogs", "logRecords")),
        ("/v1/logs", JSON, json.dumps(export_logs(*[{}] * otlp.MOST)).encode()),
        ("/v1/metrics", JSON, in_json("resource_metrics", "scope_metrics", "metrics")),
        ("/v1/traces", JSON, in_json("resourceSpans", "scopeSpans", "spans")),
    ],
    ids=["records", "points", "resources", "objects", "records in JSON", "metrics in JSON", "spans in JSON"],
)
def test_a_small_body_of_many_records_is_refused_before_they_are_read(
    server: ApiServer, path: str, kind: str, body: bytes
) -> None:
    answer = send(server, path, gzip.compress(body), kind, **{"Content-Encoding": "gzip"})
    assert (answer.status, answer.type) == (413, kind)
    assert b"send them in several" in answer.body


def test_of_a_record_with_many_attributes_the_first_are_read(server: ApiServer) -> None:
    assert send(server, "/v1/logs", ATTRIBUTES, PROTOBUF).status == 200
    record = log("api_request", request_id="req_1")
    record["attributes"] += [attribute(f"a{number}", number) for number in range(1000)] + [attribute("model", "late")]
    assert send(server, "/v1/logs", export_logs(record)).status == 200
    [[request]] = [entry["requests"] for entry in queued(server)]
    assert (request["key"], request["model"]) == ("req_1", "")


def test_a_record_of_a_time_that_was_not_is_counted_as_unusable(server: ApiServer) -> None:
    late, early = (log("api_request", request_id=name) for name in ("late", "early"))
    late["timeUnixNano"], early["timeUnixNano"] = str((1 << 63) - 1), "1"
    answer = send(server, "/v1/logs", export_logs(late, early, log("api_request", request_id="now")))
    assert answer.json["partialSuccess"]["rejectedLogRecords"] == "2"
    assert [request["key"] for entry in queued(server) for request in entry["requests"]] == ["now"]
    (name, timeless), whole = point("token.usage", 10, type="input"), point("cost.usage", 1)
    timeless["startTimeUnixNano"] = "0"
    assert send(server, "/v1/metrics", export_metrics((name, timeless), whole)).json == {}
    answer = send(server, "/v1/metrics", export_metrics((name, timeless), whole, temporality=2))
    assert answer.json["partialSuccess"]["rejectedDataPoints"] == "1"


def test_bodies_are_read_one_at_a_time_and_past_sixteen_are_told_to_come_again() -> None:
    running: list[int] = []
    most, go_on = [0], threading.Event()

    def work() -> Told:
        running.append(1)
        most[0] = max(most[0], len(running))
        assert go_on.wait(10)
        running.pop()
        return Told()

    async def scenario() -> None:
        reader = Reader(cast("Door", None))
        waiting = [asyncio.create_task(reader.read(work)) for _ in range(MOST_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="Try again"):
            await reader.read(work)
        go_on.set()
        assert len(await asyncio.gather(*waiting)) == MOST_WAITING
        assert await reader.read(work) == Told()

    asyncio.run(scenario())
    assert most == [1]


def test_while_valkey_is_away_an_exporter_is_told_when_to_try_again(server: ApiServer) -> None:
    server.valkey.stop()
    answer = send(server, "/v1/logs", export_logs(log("api_request")))
    assert (answer.status, answer.headers["Retry-After"], answer.json["code"]) == (503, "2", 14)
    assert send(server, "/v1/logs", export_logs(log("user_prompt"))).status == 200
    server.valkey.start()
    assert send(server, "/v1/logs", export_logs(log("api_request"))).status == 200


def test_one_message_a_second_wakes_the_worker_for_many_exports(server: ApiServer) -> None:
    def woken() -> tuple[int, float]:
        server.valkey.client.delete("dcm:dramatiq:default", TELEMETRY_NUDGE)
        began = time.monotonic()
        for _ in range(5):
            send(server, "/v1/logs", export_logs(log("api_request")))
        wait_for(lambda: server.valkey.client.llen("dcm:dramatiq:default"), "a message to the worker")
        return server.valkey.client.llen("dcm:dramatiq:default"), time.monotonic() - began

    woken()  # the message of an earlier test may come as late as this
    messages, seconds = woken()
    assert messages <= 1 + seconds // 1.0
