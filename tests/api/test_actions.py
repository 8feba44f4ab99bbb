"""Tool calls that programs report themselves: the way of the hooks, read back at once (contract, section 3.6)."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from api_server import ApiServer
from stories import a_session, store
from work import NOBODY, saved, send

from db.pool import Conn
from dcm.broker import open_broker
from workers import batch, ingest, running


@pytest.fixture
def written(server: ApiServer, conn: Conn, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    """The server, and a worker that writes what it accepts."""
    monkeypatch.setenv("DCM_DATABASE_URL", server.database_url)
    monkeypatch.setenv("DCM_REDIS_URL", server.valkey.url)
    running.settings.cache_clear()
    running.pool.cache_clear()
    batch._months_made.clear()
    monkeypatch.setattr(ingest, "broker", open_broker(running.settings()))
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.03):
            ingest.drain.fn(0)

    worker = threading.Thread(target=work)
    worker.start()
    yield server
    over.set()
    worker.join()
    running.pool().close()
    running.settings.cache_clear()
    running.pool.cache_clear()


CALL = {"tool_name": "Bash", "tool_type": "builtin", "input": "run the checkout tests", "session_id": "s1",
        "project_path": "/w/shop", "exit_code": 0, "duration_ms": 12, "file_paths": ["a.py"]}  # fmt: skip


@pytest.mark.contract("POST /api/actions", "GET /api/actions")
def test_a_reported_call_is_answered_at_once_and_read_back_by_the_next_request(written: ApiServer) -> None:
    made = saved(written, "/api/actions", CALL)
    assert {name: made[name] for name in ("tool_name", "tool_type", "exit_code", "duration_ms", "session_id")} == {
        "tool_name": "Bash", "tool_type": "builtin", "exit_code": 0, "duration_ms": 12, "session_id": "s1",
    }  # fmt: skip
    assert made["keywords_extracted"] == 3
    [stored] = written.get("/api/actions?session_id=s1").json["actions"]
    assert (stored["id"], stored["created_at"], stored["file_paths"]) == (made["id"], made["created_at"], ["a.py"])
    session = written.get("/api/sessions/s1").json
    assert (session["total_tools_used"], session["total_success"], session["project_path"]) == (1, 1, "/w/shop")
    suggested = written.get("/api/routing/suggest?keywords=checkout").json["suggestions"]
    assert [(one["tool_name"], one["score"]) for one in suggested] == [("Bash", 1.0)]


def test_a_failed_call_counts_as_one_and_lowers_the_score(written: ApiServer) -> None:
    for exit_code in (0, 2):
        saved(written, "/api/actions", CALL | {"exit_code": exit_code})
    assert written.get("/api/sessions/s1").json["total_errors"] == 1
    [suggested] = written.get("/api/routing/suggest?keywords=checkout").json["suggestions"]
    assert (suggested["score"], suggested["usage_count"], suggested["success_rate"]) == (0.95, 2, 50)


def test_a_call_of_no_session_is_stored_and_counts_in_none(written: ApiServer, conn: Conn) -> None:
    bare = saved(written, "/api/actions", {"tool_name": "x", "tool_type": "command", "duration_ms": 0})
    assert ("session_id" in bare, bare["duration_ms"], bare["keywords_extracted"]) == (False, None, 0)
    page = written.get("/api/actions").json
    assert (page["count"], page["actions"][0]["session_id"]) == (1, None)
    assert conn.execute("SELECT count(*) FROM sessions").fetchone() == (0,)


def test_an_unknown_subtask_is_left_out_and_noted(written: ApiServer, conn: Conn) -> None:
    saved(written, "/api/actions", CALL | {"subtask_id": NOBODY})
    written.get("/stats")
    row = conn.execute("SELECT subtask_id, metadata ->> 'unknown_subtask_id' FROM actions").fetchone()
    assert row == (None, NOBODY)


def test_an_ended_session_stays_ended(written: ApiServer) -> None:
    send(written, "POST", "/api/sessions", {"id": "s1", "ended_at": "2026-01-01T00:00:00Z"})
    saved(written, "/api/actions", CALL)
    session = written.get("/api/sessions/s1").json
    assert (session["total_tools_used"], session["ended_at"]) == (1, "2026-01-01T00:00:00.000Z")


def test_input_that_is_long_is_stored_packed_and_found_again(written: ApiServer, conn: Conn) -> None:
    saved(written, "/api/actions", CALL | {"input": "needle " + "hay " * 2000, "output": "x"})
    assert written.get("/api/search?q=needle").json["count"] == 1
    row = conn.execute(
        "SELECT length(input), metadata ->> 'compressed_input', metadata ->> 'compressed_output' FROM actions"
    )
    assert row.fetchone()[1:] == ("true", "false")


@pytest.mark.parametrize(("wrong", "field"), [
    ({"tool_name": ""}, "tool_name"), ({"tool_type": "magic"}, "tool_type"), ({"exit_code": "1"}, "exit_code"),
    ({"duration_ms": -1}, "duration_ms"), ({"file_paths": "a"}, "file_paths"), ({"subtask_id": "x"}, "subtask_id"),
    ({"exit_code": 2**40}, "exit_code"), ({"input": None}, "input"),
])  # fmt: skip
def test_a_call_that_is_wrong_is_refused_by_field(
    server: ApiServer, conn: Conn, wrong: dict[str, Any], field: str
) -> None:
    answer = send(server, "POST", "/api/actions", CALL | wrong)
    assert (answer.status, list(answer.json["details"])) == (400, [field])
    assert server.valkey.payloads() == []


@pytest.mark.contract("DELETE /api/actions/:id")
def test_a_call_that_was_just_reported_can_be_deleted(written: ApiServer) -> None:
    made = saved(written, "/api/actions", CALL)
    assert written.ask("DELETE", f"/api/actions/{made['id']}").status == 204
    assert written.ask("DELETE", f"/api/actions/{made['id']}").status == 404
    assert written.ask("DELETE", "/api/actions/x").status == 400
    assert written.get("/api/actions").json == {"actions": [], "count": 0, "limit": 100, "offset": 0}


@pytest.mark.contract("DELETE /api/actions/by-session/:session_id")
def test_all_calls_of_a_session_are_deleted_and_told(server: ApiServer, conn: Conn) -> None:
    store(conn, *a_session())
    conn.execute("LISTEN dcm_events")
    gone = server.ask("DELETE", "/api/actions/by-session/s1")
    assert gone.json == {"success": True, "deleted_count": 6, "session_id": "s1"}
    assert "actions.bulk_deleted" in next(iter(conn.notifies(timeout=5))).payload
    assert server.ask("DELETE", "/api/actions/by-session/s1").json["deleted_count"] == 0


def test_a_read_waits_a_second_at_most_for_what_nobody_writes(server: ApiServer, conn: Conn) -> None:
    saved(server, "/api/actions", CALL)
    began = time.monotonic()
    assert server.get("/api/actions").json["actions"] == []
    assert time.monotonic() - began < 1.5
