"""Traces of DCM itself: an accepted event is followed to the batch that stored it, and actors to what sent them."""

import gzip
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from api_server import ApiServer, OwnValkey, serving, wait_for
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

FAST = {"OTEL_BSP_SCHEDULE_DELAY": "50"}
"""Milliseconds between two exports of a process."""


class Collector(ThreadingHTTPServer):
    """Takes traces and keeps their spans, each with the service it is of."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.spans: list[tuple[str, Span]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def named(self, name: str) -> list[Span]:
        return [span for _, span in list(self.spans) if span.name == name]

    def services(self) -> set[str]:
        return {service for service, _ in list(self.spans)}


class _Receiver(BaseHTTPRequestHandler):
    server: Collector

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it overrides
        pass

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        export = ExportTraceServiceRequest.FromString(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
        for resource in export.resource_spans:
            [service] = [a.value.string_value for a in resource.resource.attributes if a.key == "service.name"]
            self.server.spans += [(service, span) for scope in resource.scope_spans for span in scope.spans]
        self.send_response(200 if self.path == "/v1/traces" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector of traces."""
    with Collector() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.05,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@contextmanager
def working(module: str, server: ApiServer) -> Iterator[None]:
    """A worker process on the server's stores, as the Procfile runs it."""
    stores = {"DCM_DATABASE_URL": server.database_url, "DCM_REDIS_URL": server.valkey.url}
    env = dict(os.environ) | stores | {"DCM_HOME": str(server.valkey.home)}
    worker = subprocess.Popen([sys.executable, "-m", "workers.serve", module], env=env, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(15)


def test_an_accepted_event_is_followed_to_the_batch_that_stored_it_and_to_what_that_asked_for(
    collector: Collector, module_valkey: OwnValkey, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"DCM_OTLP_ENDPOINT": collector.url, **FAST}.items():
        monkeypatch.setenv(name, value)
    with serving(module_valkey, database_url) as server:
        answer = server.hook({"session_id": "s1", "hook_event_name": "PreCompact", "trigger": "manual"})
        assert answer.status == 200
        with working("ingest", server), working("general", server):
            spans = ("accept event", "store event", "run drain", "run make_brief")
            wait_for(lambda: all(map(collector.named, spans)), "the spans", 40)
    [accepted] = collector.named("accept event")
    [waited], [stored] = collector.named("wait in queue"), collector.named("store event")
    assert {span.trace_id for span in (waited, stored)} == {accepted.trace_id}
    assert {span.parent_span_id for span in (waited, stored)} == {accepted.span_id}
    assert accepted.start_time_unix_nano // 1000 == waited.start_time_unix_nano // 1000
    assert waited.end_time_unix_nano == stored.start_time_unix_nano < stored.end_time_unix_nano
    assert {a.key: a.value.string_value for a in stored.attributes} == {"hook.event": "PreCompact"}
    drains = {span.span_id: span for span in collector.named("run drain")}
    [link] = stored.links
    [brief] = collector.named("run make_brief")
    assert link.span_id in drains
    assert brief.parent_span_id == link.span_id
    assert collector.services() == {"dcm-api", "dcm-worker"}


def test_while_traces_are_off_and_nothing_is_exported_to_dcm_neither_tracing_nor_protobuf_is_imported() -> None:
    look = (
        "import sys, api.app, workers.ingest, workers.general; from dcm.tracing import traces;"
        "assert traces(workers.ingest.running.settings(), 'worker') is None;"
        "late = ('opentelemetry.sdk.trace', 'opentelemetry.exporter', 'opentelemetry.proto', 'google');"
        "print([name for name in sys.modules if name.startswith(late)])"
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "DCM_OTLP"))}
    done = subprocess.run([sys.executable, "-c", look], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_event_waits_for_a_collector_that_does_not_answer(
    module_valkey: OwnValkey, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(10)
        monkeypatch.setenv("DCM_OTLP_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        for name, value in (FAST | {"OTEL_EXPORTER_OTLP_TIMEOUT": "60000"}).items():
            monkeypatch.setenv(name, value)
        with serving(module_valkey, database_url) as server:
            first = server.hook({"session_id": "s1", "hook_event_name": "Stop", "number": 0})
            asked, _ = silent.accept()
            answers = [server.hook({"session_id": "s1", "hook_event_name": "Stop", "number": n}) for n in range(1, 50)]
            assert asked.recv(4) == b"POST"
            assert {answer.status for answer in (first, *answers)} == {200}
            asked.close()
