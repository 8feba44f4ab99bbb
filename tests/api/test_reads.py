"""The reads of the dashboard's first page: shapes, bounds, filters, and a database that is away."""

import re
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from api_server import Answer, ApiServer, OwnValkey, database_away, free_ports, serving, wait_for

from db import counts
from db.pool import Conn
from dcm.domain.hook_events import parse
from workers.batch import write

NOW = datetime.now(UTC).replace(microsecond=123_456)
INSTANT = re.compile(r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
READS = ["/stats", "/api/sessions", "/api/actions", "/api/actions/hourly", "/api/dashboard/kpis"]


@pytest.fixture
def stored(server: ApiServer, conn: Conn) -> ApiServer:
    """Three sessions: s1 with a failed call and a running subagent, s2 over, s3 the newest, in another project."""
    at = NOW - timedelta(minutes=30)
    batch: list[tuple[str, str, dict[str, Any]]] = [
        ("s1", "SessionStart", {"cwd": "/src/one", "model": "opus"}),
        ("s1", "UserPromptSubmit", {"prompt": "mend the build", "prompt_id": "p1"}),
        ("s1", "PostToolUse", {"tool_name": "Bash", "tool_input": {"command": "make"}, "duration_ms": 12}),
        ("s1", "PostToolUseFailure", {"tool_name": "mcp__db__query", "tool_input": {"q": "x"}, "error": "no"}),
        ("s1", "SubagentStart", {"agent_id": "a1", "agent_type": "Explore", "prompt_id": "p1"}),
        ("s2", "PostToolUse", {"tool_name": "Read", "tool_input": {"file_path": "/src/one/a.py"}, "cwd": "/src/one"}),
        ("s2", "SessionEnd", {"reason": "other"}),
        ("s3", "PostToolUse", {"tool_name": "Bash", "tool_input": {"command": "ls"}, "cwd": "/src/two"}),
    ]
    events = [
        parse(
            f"{number}-0",
            at + timedelta(seconds=number),
            {"session_id": session, "hook_event_name": name, "tool_use_id": f"t{number}", **fields},
        )
        for number, (session, name, fields) in enumerate(batch)
    ]
    write(conn, events, 3_600_000)
    return server


def read(server: ApiServer, path: str) -> Any:
    """The JSON of a read, every moment in it checked."""
    answer = server.get(path)
    assert (answer.status, answer.type) == (200, "application/json"), answer.body
    check_moments(answer.json)
    return answer.json


def check_moments(value: Any, name: str = "") -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            check_moments(inner, key)
    elif isinstance(value, list):
        for inner in value:
            check_moments(inner, name)
    elif (name.endswith("_at") or name in {"timestamp", "hour"}) and value is not None:
        assert INSTANT.match(value), f"{name}: {value}"


def refused(answer: Answer, name: str) -> None:
    assert (answer.status, answer.type) == (400, "application/json")
    assert answer.json["error"] == "Invalid query parameters"
    assert list(answer.json["details"]) == [name]
    assert all(isinstance(sentence, str) and sentence for sentence in answer.json["details"][name])


@pytest.mark.contract("GET /health")
def test_health_says_that_the_database_answers(server: ApiServer) -> None:
    health = read(server, "/health")
    assert health["status"] == "healthy"
    assert health["database"] == {"healthy": True, "latencyMs": health["database"]["latencyMs"]}
    assert isinstance(health["database"]["latencyMs"], int)
    assert set(health) >= {"status", "timestamp", "version", "database"}


def test_config_says_the_version_and_the_bridges_port(server: ApiServer) -> None:
    config = read(server, "/config.json")
    assert isinstance(config["version"], str)
    assert isinstance(config["ws_port"], int)


@pytest.mark.contract("GET /stats")
def test_stats_counts_what_is_stored(stored: ApiServer) -> None:
    stats = read(stored, "/stats")
    assert stats.pop("timestamp")
    assert stats == {"projectCount": 2, "requestCount": 1, "actionCount": 4, "messageCount": 0}


def test_everything_is_zero_where_nothing_is_stored(server: ApiServer, conn: Conn) -> None:
    assert read(server, "/api/sessions") == {"sessions": [], "total": 0, "limit": 50, "offset": 0}
    assert read(server, "/api/actions") == {"actions": [], "count": 0, "limit": 100, "offset": 0}
    assert read(server, "/api/actions/hourly") == {"data": [], "period": "24h"}
    assert read(server, "/api/dashboard/kpis")["actions_24h"]["success_rate"] == 0


@pytest.mark.contract("GET /api/sessions")
def test_sessions_come_newest_activity_first_with_numbers(stored: ApiServer) -> None:
    page = read(stored, "/api/sessions")
    assert [row["id"] for row in page["sessions"]] == ["s3", "s2", "s1"]
    first = page["sessions"][2]
    assert (first["total_tools_used"], first["total_success"], first["total_errors"]) == (2, 1, 1)
    assert (first["running_subagents"], first["last_prompt"], first["model"]) == (1, "mend the build", "opus")
    assert (first["project_path"], first["project_name"], first["ended_at"]) == ("/src/one", "one", None)
    assert page["sessions"][1]["ended_at"] is not None
    assert set(first) >= {"id", "project_id", "started_at", "ended_at", "last_seen_at", "cwd", "context_bytes"}


@pytest.mark.contract("GET /api/sessions")
def test_the_filters_of_sessions_hold_for_rows_and_total(stored: ApiServer) -> None:
    def found(query: str) -> tuple[list[str], int]:
        page = read(stored, f"/api/sessions?{query}")
        return [row["id"] for row in page["sessions"]], page["total"]

    one = read(stored, "/api/sessions")["sessions"][1]["project_id"]
    assert found(f"project_id={one}") == (["s2", "s1"], 2)
    assert found("active_only=true") == (["s3", "s1"], 2)
    assert found("active_only=false") == (["s3", "s2", "s1"], 3)
    assert found(f"project_id={one}&active_only=true") == (["s1"], 1)
    assert found("project_id=00000000-0000-0000-0000-000000000000") == ([], 0)
    assert found("limit=1&offset=1") == (["s2"], 3)
    assert found("offset=9") == ([], 3)


@pytest.mark.contract("GET /api/actions")
def test_actions_come_newest_first_and_are_filtered_and_counted_alike(stored: ApiServer, conn: Conn) -> None:
    def tools(query: str) -> tuple[list[str], int]:
        page = read(stored, f"/api/actions?{query}")
        return [row["tool_name"] for row in page["actions"]], page["count"]

    def found() -> None:
        assert tools("") == (["Bash", "Read", "mcp__db__query", "Bash"], 4)
        assert tools("tool_name=Bash") == (["Bash", "Bash"], 2)
        assert tools("tool_name=Bash&session_id=s1") == (["Bash"], 1)
        assert tools("session_id=s1&limit=1") == (["mcp__db__query"], 2)
        assert tools("tool_type=mcp") == (["mcp__db__query"], 1)
        assert tools("tool_type=mcp&tool_name=Bash") == ([], 0)
        assert tools("tool_type=builtin&limit=1") == (["Bash"], 3)
        assert tools("tool_name=%27%3B--") == ([], 0)
        assert tools("limit=2&offset=1") == (["Read", "mcp__db__query"], 4)

    found()
    counts.fold(conn)
    found()


@pytest.mark.contract("GET /api/actions")
def test_an_action_has_the_contracts_fields_with_numbers(stored: ApiServer) -> None:
    bash, failed = (read(stored, f"/api/actions?session_id=s1&tool_name={name}") for name in ("Bash", "mcp__db__query"))
    [row] = bash["actions"]
    assert (row["duration_ms"], row["exit_code"], row["success"], row["file_paths"]) == (12, 0, True, [])
    assert set(row) >= {"id", "tool_name", "tool_type", "created_at", "session_id"}
    assert failed["actions"][0]["success"] is False
    assert read(stored, "/api/actions?tool_name=Read")["actions"][0]["file_paths"] == ["/src/one/a.py"]


@pytest.mark.contract("GET /api/actions/hourly")
def test_hourly_counts_the_last_day_oldest_hour_first(stored: ApiServer, conn: Conn) -> None:
    conn.execute("SELECT ensure_month(now() - interval '30 hours')")
    conn.execute(
        "INSERT INTO actions (tool_name, tool_type, created_at) "
        "SELECT 'x', 'builtin', now() - make_interval(hours => h) FROM unnest(ARRAY[5, 5, 3, 30]) AS h"
    )
    data = read(stored, "/api/actions/hourly")["data"]
    assert [row["count"] for row in data[:2]] == [2, 1]
    assert sum(row["count"] for row in data) == 7
    assert [row["hour"] for row in data] == sorted(row["hour"] for row in data)
    assert all(row["hour"].endswith(":00:00.000Z") for row in data)


@pytest.mark.contract("GET /api/dashboard/kpis")
def test_kpis_are_numbers_in_the_contracts_blocks(stored: ApiServer) -> None:
    kpis = read(stored, "/api/dashboard/kpis")
    assert kpis["actions_24h"] == {
        "total": 4, "success": 3, "success_rate": 75, "unique_tools": 3, "active_sessions": 3, "avg_per_hour": 4.0,
    }  # fmt: skip
    assert kpis["sessions"] == {"total": 3, "active": 2, "avg_tools_per_session": 1.3}
    assert kpis["subtasks"] == {"total": 1, "completed": 0, "running": 1, "failed": 0, "completion_rate": 0}
    assert set(kpis["agents"]) == {"contexts_total", "unique_types", "top_types"}
    assert set(kpis["routing"]) == {"keywords", "tools", "mappings"}
    assert all(isinstance(number, int) for number in kpis["routing"].values())


@pytest.mark.parametrize(("path", "most"), [("/api/sessions", 100), ("/api/actions", 5000)])
def test_limits_are_kept_between_their_bounds(server: ApiServer, path: str, most: int) -> None:
    for given, used in (("0", 1), ("-5", 1), ("7", 7), (str(most + 1), most), ("9" * 30, most)):
        assert read(server, f"{path}?limit={given}")["limit"] == used
    assert read(server, f"{path}?offset=-1")["offset"] == 0
    assert read(server, f"{path}?offset={'9' * 30}")["offset"] == 10**9


@pytest.mark.parametrize("path", ["/api/sessions", "/api/actions"])
@pytest.mark.parametrize("name", ["limit", "offset"])
@pytest.mark.parametrize("value", ["ten", "1.5", "1e3"])
def test_a_limit_that_is_no_whole_number_is_refused_with_details(
    server: ApiServer, path: str, name: str, value: str
) -> None:
    refused(server.get(f"{path}?{name}={value}"), name)


@pytest.mark.parametrize("value", ["x", "123", "00000000-0000-0000-0000-00000000000g"])
def test_a_project_id_that_is_no_uuid_is_refused_with_details(server: ApiServer, value: str) -> None:
    refused(server.get(f"/api/sessions?project_id={value}"), "project_id")


@pytest.mark.parametrize("name", ["tool_name", "tool_type", "session_id"])
def test_text_that_postgres_cannot_hold_is_refused_with_details(server: ApiServer, name: str) -> None:
    refused(server.get(f"/api/actions?{name}=a%00b"), name)
    assert read(server, f"/api/actions?{name}=%ff%ed%a0%80")["actions"] == []


def test_while_the_database_is_away_reads_are_answered_with_503_and_right_after_with_200(stored: ApiServer) -> None:
    with database_away(stored.database_url), ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(stored.get, path) for path in ("/health", "/api/sessions")]
        assert stored.hook({"session_id": "s1", "hook_event_name": "Stop"}).status == 200
        health, read_ = (answer.result() for answer in asked)
        assert (health.status, health.json["status"], health.json["database"]["healthy"]) == (503, "unhealthy", False)
        assert health.json["database"]["error"]
        assert health.seconds < 2.5
        assert (read_.status, read_.type) == (503, "application/json")
        assert "database does not answer" in read_.json["error"]
        assert read_.seconds < 6
        away = datetime.now(UTC)
    wait_for(lambda: stored.get("/health").status == 200, "health", 4)
    assert [stored.get(path).status for path in READS] == [200] * len(READS)
    assert datetime.now(UTC) - away < timedelta(seconds=4)


@pytest.mark.contract("GET /health")
def test_health_answers_within_two_seconds_about_a_database_that_says_nothing(module_valkey: OwnValkey) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", free_ports(1)[0]))
        silent.listen()
        url = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/none"
        with serving(module_valkey, url) as bare:
            answer = bare.get("/health")
            assert (answer.status, answer.json["database"]["healthy"]) == (503, False)
            assert answer.seconds < 4
