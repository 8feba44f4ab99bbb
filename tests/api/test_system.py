"""How the system is, for people at /api/system and for Prometheus at /metrics."""

import json
import time
from typing import Any

import pytest
from api_server import ApiServer, database_away, wait_for
from prometheus_client.parser import text_string_to_metric_families

from db.pool import Conn
from dcm.broker import TELEMETRY_STREAM, stream_key
from dcm.embedded.places import places


def figures(server: ApiServer) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """{(name, labels without the process): value}, of the figures that are told."""
    answer = server.get("/metrics")
    assert (answer.status, answer.type) == (200, "text/plain")
    return {
        (
            sample.name,
            frozenset((name, value) for name, value in sample.labels.items() if name != "process"),
        ): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }


def value(server: ApiServer, name: str, **labels: str) -> float:
    return figures(server).get((name, frozenset(labels.items())), 0.0)


def state(server: ApiServer) -> Any:
    return server.get("/api/system").json


def hook(server: ApiServer, **fields: Any) -> int:
    return server.hook({"session_id": "s1", "hook_event_name": "Notification", **fields}).status


@pytest.mark.contract("GET /api/system")
def test_what_waits_is_counted_and_the_age_of_the_oldest_told(server: ApiServer, conn: Conn) -> None:
    assert state(server)["queue"] | {"messages": {}} == {"depth": 0, "lag_seconds": 0, "messages": {}, "later": {
        "default": 0, "ingest": 0}}  # fmt: skip
    first = int(time.time()) - 90
    server.valkey.client.xadd(stream_key(0), {"t": "1", "p": "{}"}, id=f"{first * 1000}-0")
    hook(server)
    queue = state(server)["queue"]
    assert queue["depth"] == 2
    assert 90 <= queue["lag_seconds"] <= time.time() - first + 1
    assert value(server, "dcm_queue_events") == 2
    assert 90 <= value(server, "dcm_queue_lag_seconds") <= time.time() - first + 1


def test_telemetry_that_waits_is_counted_as_events_are(server: ApiServer, conn: Conn) -> None:
    old = f"{int(time.time() * 1000) - 90_000}-0"
    server.valkey.client.xadd(TELEMETRY_STREAM, {"p": "{}"}, id=old)
    assert (state(server)["queue"]["depth"], value(server, "dcm_queue_events")) == (1, 1)
    assert state(server)["queue"]["lag_seconds"] >= 90
    assert server.get("/api/intake").json["waiting"] == 1


@pytest.mark.contract("GET /api/system")
def test_failures_and_the_room_on_the_disks_are_told(server: ApiServer, conn: Conn) -> None:
    conn.execute("INSERT INTO rejected_events (entry_id, reason, payload, at) VALUES ('1-0', 'r', '{}', now())")
    conn.execute(
        "INSERT INTO rejected_events (entry_id, reason, payload, at, refused_at) "
        "VALUES ('2-0', 'r', '{}', now(), now() - interval '2 days')"
    )
    server.valkey.client.zadd("dcm:dramatiq:default.XQ", {"x": 1})
    found = state(server)
    assert found["failures"] == {"rejected": 2, "rejected_last_day": 1, "dead": 1}
    assert found["disk"]["database_bytes"] > 1_000_000
    assert found["disk"]["valkey_bytes"] > 100_000
    assert 0 < found["disk"]["free_bytes"] < found["disk"]["total_bytes"]
    assert value(server, "dcm_rejected_events") == 2
    assert value(server, "dcm_dead_messages", queue="default") == 1
    assert value(server, "dcm_database_size_bytes") > 1_000_000


@pytest.mark.contract("GET /api/system", "GET /metrics")
def test_a_database_that_is_away_is_told_and_the_rest_with_it(server: ApiServer, conn: Conn) -> None:
    with database_away(server.database_url):
        found = state(server)
        told = figures(server)
    assert found["failures"] == {"rejected": None, "rejected_last_day": None, "dead": 0}
    assert found["disk"]["database_bytes"] is None
    assert "postgres" in found["away"]
    assert told["dcm_postgres_up", frozenset()] == 0
    assert told["dcm_valkey_up", frozenset()] == 1


def test_a_valkey_that_is_away_is_told_and_the_rest_with_it(server: ApiServer, conn: Conn) -> None:
    server.valkey.stop()
    try:
        found, told = state(server), figures(server)
    finally:
        server.valkey.start()
    assert found["queue"] is None
    assert "valkey" in found["away"]
    assert told["dcm_valkey_up", frozenset()] == 0
    assert told["dcm_postgres_up", frozenset()] == 1


@pytest.mark.contract("GET /metrics")
@pytest.mark.parametrize(
    ("payload", "answer"), [(b'{"session_id": "s", "hook_event_name": "E"}', "accepted"), (b"[]", "invalid")]
)
def test_a_hook_is_counted_by_its_answer(server: ApiServer, payload: bytes, answer: str) -> None:
    before = value(server, "dcm_hook_duration_seconds_count", answer=answer)
    accepted = value(server, "dcm_events_accepted_total")
    server.hook(payload)
    assert value(server, "dcm_hook_duration_seconds_count", answer=answer) == before + 1
    assert value(server, "dcm_events_accepted_total") == accepted + (answer == "accepted")


def test_another_request_is_counted_by_its_route_and_status(server: ApiServer, conn: Conn) -> None:
    labels = {"method": "GET", "route": "/api/sessions/{session_id}", "status": "404"}
    name = "dcm_http_request_duration_seconds_count"
    before = value(server, name, **labels)
    for session_id in ("a", "b"):
        server.get(f"/api/sessions/{session_id}")
    assert value(server, name, **labels) == before + 2


@pytest.mark.contract("GET /metrics")
def test_each_process_tells_its_memory_its_time_and_its_files_and_whether_it_is_up(server: ApiServer) -> None:
    text = server.get("/metrics").body.decode()
    for name in ("process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"):
        assert f'{name}{{process="api.1"}}' in text
    assert 'dcm_process_up{process="api.1"} 1.0' in text
    assert 'dcm_database_pool_connections{pool="reads",process="api.1",state="waiting"} 0.0' in text


def test_a_process_that_is_gone_without_a_word_is_told_as_not_up(server: ApiServer) -> None:
    gone = places(server.valkey.home).figures_sockets / "clock.1.sock"
    gone.touch()
    try:
        assert 'dcm_process_up{process="clock.1"} 0.0' in server.get("/metrics").body.decode()
    finally:
        gone.unlink()


def test_a_wait_for_a_brief_is_measured(server: ApiServer, conn: Conn) -> None:
    before = value(server, "dcm_brief_wait_seconds_count")
    server.hook({"session_id": "s1", "hook_event_name": "SessionStart", "source": "resume"})
    wait_for(lambda: value(server, "dcm_brief_wait_seconds_count") == before + 1, "the count")


def lines(server: ApiServer, request_id: str) -> list[dict[str, Any]]:
    """What the log of the API says of a request."""
    log = (server.valkey.home / "logs" / "api.log").read_text(encoding="utf-8")
    told = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return [line for line in told if line.get("request_id") == request_id]


def test_a_request_takes_the_callers_id_answers_it_and_writes_one_line_with_it(server: ApiServer, conn: Conn) -> None:
    answer = server.get("/api/sessions/s-9?secret=1", **{"X-Request-ID": "build-7:a"})
    assert answer.headers["X-Request-ID"] == "build-7:a"
    (line,) = wait_for(lambda: lines(server, "build-7:a"), "the line")
    assert (line["method"], line["path"], line["status"], line["session_id"]) == (
        "GET", "/api/sessions/s-9", 404, "s-9",
    )  # fmt: skip
    assert line["ms"] >= 0


@pytest.mark.parametrize("given", ["", "two words", "x" * 129, "é"])
def test_an_id_that_is_not_sane_is_replaced_by_one_of_our_own(server: ApiServer, given: str) -> None:
    made = server.get("/config.json", **{"X-Request-ID": given}).headers["X-Request-ID"]
    assert made
    assert made != given
    assert made != server.get("/config.json").headers["X-Request-ID"]


def test_a_hook_and_what_is_asked_all_day_write_no_line(server: ApiServer, conn: Conn) -> None:
    for path in ("/health", "/metrics", "/api/system", "/api/dead"):
        server.get(path, **{"X-Request-ID": f"quiet{path}"})
    server.ask("POST", "/api/hooks/claude", b"{}", {"X-Request-ID": "quiet-hook"})
    server.get("/config.json", **{"X-Request-ID": "last"})
    wait_for(lambda: lines(server, "last"), "the last line")
    assert [lines(server, f"quiet{path}") for path in ("/health", "/metrics", "/api/system", "/api/dead", "-hook")] == [
        []
    ] * 5


def test_the_id_of_a_request_travels_with_the_message_it_causes(server: ApiServer) -> None:
    body = json.dumps({"session_id": "s1", "hook_event_name": "Stop"})
    server.ask("POST", "/api/hooks/claude", body, {"X-Request-ID": "cause-1"})
    messages = wait_for(lambda: server.valkey.client.hvals("dcm:dramatiq:ingest.msgs"), "the nudge")
    assert [json.loads(raw)["options"]["request_id"] for raw in messages] == ["cause-1"]
