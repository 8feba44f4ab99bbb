"""The routes of requests: five methods, their filters, refusals and what hooks wrote."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from api_server import ApiServer
from work import NOBODY, changed, project, request, saved, send, subtask, task

from db.pool import Conn
from dcm.domain.hook_events import parse
from workers.batch import write

ROW = {"id", "project_id", "session_id", "prompt", "prompt_type", "status", "created_at", "completed_at", "metadata"}


@pytest.mark.contract("POST /api/requests", "GET /api/requests/:id")
def test_a_request_is_stored_with_its_defaults_and_shown_with_its_waves_in_order(server: ApiServer, conn: Conn) -> None:
    shop = project(server)
    row = saved(server, "/api/requests", {"project_id": shop, "session_id": "s1", "prompt": "mend it"})
    assert set(row) == ROW
    assert (row["status"], row["prompt_type"], row["completed_at"], row["metadata"]) == ("active", None, None, {})
    waves = [task(server, row["id"], wave_number=2), task(server, row["id"], wave_number=0)]
    shown = server.get(f"/api/requests/{row['id']}").json["request"]
    assert [wave["id"] for wave in shown.pop("tasks")] == waves[::-1]
    assert shown == row


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("project_id", "x"), ("project_id", None), ("session_id", ""), ("prompt", ""), ("prompt", "a\0b"),
        ("prompt_type", "poem"), ("prompt_type", None), ("status", "done"), ("metadata", []),
    ],
)  # fmt: skip
def test_a_request_with_a_wrong_field_is_refused_by_the_fields_name(
    server: ApiServer, conn: Conn, field: str, value: Any
) -> None:
    good = {"project_id": project(server), "session_id": "s1", "prompt": "do", "prompt_type": "debug"}
    answer = send(server, "POST", "/api/requests", good | {field: value})
    assert (answer.status, answer.json["error"], list(answer.json["details"])) == (400, "Validation failed", [field])
    assert conn.execute("SELECT count(*) FROM requests").fetchone() == (0,)


def test_a_request_of_an_unknown_project_is_refused(server: ApiServer, conn: Conn) -> None:
    answer = send(server, "POST", "/api/requests", {"project_id": NOBODY, "session_id": "s1", "prompt": "do"})
    assert (answer.status, answer.json) == (404, {"error": f"Project not found: {NOBODY}"})


@pytest.mark.contract("GET /api/requests")
def test_requests_come_newest_first_and_every_filter_given_holds(server: ApiServer, conn: Conn) -> None:
    shop, bank = project(server), project(server, "/src/bank")
    made = {
        "a": request(server, shop, "s1"),
        "b": request(server, shop, "s1", status="completed"),
        "c": request(server, shop, "s2", status="completed"),
        "d": request(server, bank, "s1", status="completed"),
    }
    letters = {request_id: letter for letter, request_id in made.items()}

    def found(query: str) -> str:
        page = server.get(f"/api/requests?{query}").json
        assert page["count"] == len(page["requests"])
        assert all(set(row) == ROW for row in page["requests"])
        return "".join(letters[row["id"]] for row in page["requests"])

    assert found("") == "dcba"
    assert found("status=completed") == "dcb"
    assert found("session_id=s1&status=completed") == "db"
    assert found(f"project_id={shop}&status=completed") == "cb"
    assert found(f"project_id={shop}&session_id=s1&status=completed") == "b"
    assert found(f"project_id={shop}&session_id=s1") == "ba"
    assert found("status=unheard") == ""
    assert found("limit=2&offset=1&status=") == "cb"
    assert server.get("/api/requests?limit=999").json["limit"] == 100
    assert server.get("/api/requests?project_id=x").status == 400


@pytest.mark.contract("PATCH /api/requests/:id")
def test_a_request_that_is_completed_has_an_end_and_metadata_is_merged(server: ApiServer, conn: Conn) -> None:
    path = f"/api/requests/{request(server, project(server), metadata={'a': 1, 'b': {'c': 1}})}"
    merged = changed(server, path, {"metadata": {"b": 2, "d": None}})
    assert (merged["metadata"], merged["status"]) == ({"a": 1, "b": 2, "d": None}, "active")
    for status in ("failed", "cancelled"):
        assert changed(server, path, {"status": status})["completed_at"] is None
    done = changed(server, path, {"status": "completed"})
    assert done["completed_at"]
    assert changed(server, path, {"status": "completed"}) == done
    assert changed(server, path, {"status": "active"})["completed_at"] is None


def test_numbers_of_any_size_in_metadata_are_given_back(server: ApiServer, conn: Conn) -> None:
    facts = {"large": 5.5e193, "whole": 10**30, "exact": 2**53 + 1, "small": -1.5e-300}
    path = f"/api/requests/{request(server, project(server), metadata=facts)}"
    assert server.get(path).json["request"]["metadata"] == facts | {"whole": 1e30}
    answer = server.ask("PATCH", path, b'{"metadata": {"endless": 1e999}}')
    assert answer.status == 400


def test_a_change_of_a_request_that_changes_nothing_or_nobody_is_refused(server: ApiServer, conn: Conn) -> None:
    path = f"/api/requests/{request(server, project(server))}"
    for body in ({}, {"prompt": "other"}):
        answer = send(server, "PATCH", path, body)
        assert (answer.status, answer.json) == (400, {"error": "No update fields provided"})
    assert send(server, "PATCH", path, {"status": None}).status == 400
    assert send(server, "PATCH", path, {"status": "paused"}).status == 400
    for method, body in (("GET", None), ("PATCH", {"status": "failed"}), ("DELETE", None)):
        answer = send(server, method, f"/api/requests/{NOBODY}", body)
        assert (answer.status, answer.json) == (404, {"error": "Request not found"})
        assert send(server, method, "/api/requests/x", body).status == 400


@pytest.mark.contract("DELETE /api/requests/:id")
def test_a_deleted_request_takes_its_waves_subtasks_and_contexts_and_is_told(server: ApiServer, conn: Conn) -> None:
    made = request(server, project(server))
    subtask(server, task(server, made), agent_type="Explore", agent_id="a1")
    with psycopg.connect(server.database_url, autocommit=True) as listening:
        listening.execute("LISTEN dcm_events")
        answer = send(server, "DELETE", f"/api/requests/{made}")
        assert (answer.status, answer.body) == (204, b"")
        told = [note.payload for note in listening.notifies(timeout=10, stop_after=1)]
    assert '"event": "request.deleted"' in told[0]
    assert made in told[0]
    assert '"session_id": "s1"' in told[0]
    assert conn.execute("""
        SELECT (SELECT count(*) FROM requests), (SELECT count(*) FROM task_lists), (SELECT count(*) FROM subtasks),
               (SELECT count(*) FROM agent_contexts)""").fetchone() == (0, 0, 0, 0)


def test_a_prompt_a_hook_told_of_is_a_request_like_any_other(server: ApiServer, conn: Conn) -> None:
    fields = {"session_id": "s1", "hook_event_name": "UserPromptSubmit", "prompt": "mend", "cwd": "/src/one"}
    write(conn, [parse("1-0", datetime.now(UTC), fields | {"prompt_id": "p1"})], 3_600_000)
    row = server.get("/api/requests?session_id=s1").json["requests"][0]
    assert (row["prompt"], row["prompt_type"], row["status"]) == ("mend", None, "active")
    waves = server.get(f"/api/requests/{row['id']}").json["request"]["tasks"]
    assert [(wave["name"], wave["wave_number"], wave["status"]) for wave in waves] == [("Wave 0", 0, "running")]
    assert server.get(f"/api/tasks/{task(server, row['id'])}").json["task"]["wave_number"] == 1


def test_requests_made_while_their_project_is_deleted_are_stored_or_refused_never_an_error(
    server: ApiServer, conn: Conn
) -> None:
    def make(project_id: str) -> int:
        body = {"project_id": project_id, "session_id": "s1", "prompt": "do"}
        return send(server, "POST", "/api/requests", body).status

    for _ in range(3):
        shop = project(server)
        with ThreadPoolExecutor(5) as threads:
            answers = [threads.submit(make, shop) for _ in range(8)]
            gone = threads.submit(send, server, "DELETE", f"/api/projects/{shop}").result()
        assert gone.status == 204
        assert {answer.result() for answer in answers} <= {201, 404}
