"""The routes of tasks: five methods, numbers of waves under concurrency, events."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from api_server import ApiServer
from work import NOBODY, changed, kept, names, project, request, saved, send, subtask, task

from db.pool import Conn

ROW = {"id", "request_id", "name", "wave_number", "status", "created_at", "completed_at"}


@pytest.fixture
def asked(server: ApiServer, conn: Conn) -> str:
    """A request without waves."""
    return request(server, project(server))


@pytest.mark.contract("POST /api/tasks")
def test_waves_are_numbered_and_named_in_their_order_unless_told_otherwise(server: ApiServer, asked: str) -> None:
    first = saved(server, "/api/tasks", {"request_id": asked})
    assert set(first) == ROW
    assert (first["wave_number"], first["name"], first["status"], first["completed_at"]) == (
        0,
        "Wave 0",
        "pending",
        None,
    )
    ninth = saved(server, "/api/tasks", {"request_id": asked, "wave_number": 9, "status": "running"})
    assert (ninth["name"], ninth["status"]) == ("Wave 9", "running")
    tenth = saved(server, "/api/tasks", {"request_id": asked, "name": "tests"})
    assert (tenth["wave_number"], tenth["name"]) == (10, "tests")
    assert saved(server, "/api/tasks", {"request_id": asked, "wave_number": 0, "name": ""})["name"] == "Wave 0"


def test_waves_made_at_once_all_have_numbers_of_their_own(server: ApiServer, asked: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: saved(server, "/api/tasks", {"request_id": asked}), range(24)))
    assert sorted(row["wave_number"] for row in made) == list(range(24))


@pytest.mark.parametrize(
    ("field", "value"),
    [("request_id", "x"), ("wave_number", -1), ("wave_number", 2**40), ("wave_number", "1"), ("wave_number", None),
     ("status", "paused"), ("name", None)],
)  # fmt: skip
def test_a_task_with_a_wrong_field_is_refused_by_the_fields_name(
    server: ApiServer, asked: str, field: str, value: Any
) -> None:
    answer = send(server, "POST", "/api/tasks", {"request_id": asked, field: value})
    assert (answer.status, answer.json["error"], list(answer.json["details"])) == (400, "Validation failed", [field])


def test_a_task_that_is_not_there_or_whose_request_is_not_there_is_not_found(server: ApiServer, conn: Conn) -> None:
    answer = send(server, "POST", "/api/tasks", {"request_id": NOBODY})
    assert (answer.status, answer.json) == (404, {"error": f"Request not found: {NOBODY}"})
    for method, body in (("GET", None), ("PATCH", {"status": "failed"}), ("DELETE", None)):
        answer = send(server, method, f"/api/tasks/{NOBODY}", body)
        assert (answer.status, answer.json) == (404, {"error": "Task not found"})
        assert send(server, method, "/api/tasks/x", body).status == 400


@pytest.mark.contract("GET /api/tasks")
def test_tasks_of_a_request_come_by_wave_and_all_tasks_newest_first(server: ApiServer, asked: str) -> None:
    other = request(server, project(server))
    made = {
        "a": task(server, asked, wave_number=3, status="running"),
        "b": task(server, asked, wave_number=1),
        "c": task(server, other),
        "d": task(server, asked, wave_number=1, status="running"),
    }
    letters = {task_id: letter for letter, task_id in made.items()}

    def found(query: str) -> str:
        page = server.get(f"/api/tasks?{query}").json
        assert page["count"] == len(page["tasks"])
        assert all(set(row) == ROW for row in page["tasks"])
        return "".join(letters[row["id"]] for row in page["tasks"])

    assert found("") == "dcba"
    assert found("status=running") == "da"
    assert found(f"request_id={asked}") == "bda"
    assert found(f"request_id={asked}&status=running") == "da"
    assert found(f"request_id={asked}&limit=1&offset=1") == "d"
    assert found("limit=2&offset=2") == "ba"


@pytest.mark.contract("GET /api/tasks/:id")
def test_a_task_is_shown_with_its_subtasks_oldest_first(server: ApiServer, asked: str) -> None:
    wave = task(server, asked)
    made = [subtask(server, wave)["id"] for _ in range(3)]
    shown = server.get(f"/api/tasks/{wave}").json["task"]
    assert set(shown) == ROW | {"subtasks"}
    assert [row["id"] for row in shown["subtasks"]] == made
    assert set(shown["subtasks"][0]) == {
        "id", "task_list_id", "task_id", "agent_type", "agent_id", "description", "status", "blocked_by", "created_at",
        "started_at", "completed_at", "result",
    }  # fmt: skip


@pytest.mark.contract("PATCH /api/tasks/:id")
def test_a_task_has_an_end_while_it_is_completed(server: ApiServer, asked: str) -> None:
    path = f"/api/tasks/{task(server, asked)}"
    assert changed(server, path, {"name": "tests"})["name"] == "tests"
    assert changed(server, path, {"status": "failed"})["completed_at"] is None
    done = changed(server, path, {"status": "completed"})
    assert (bool(done["completed_at"]), done["name"]) == (True, "tests")
    assert changed(server, path, {"status": "completed"}) == done
    assert changed(server, path, {"status": "running"})["completed_at"] is None
    answer = send(server, "PATCH", path, {})
    assert (answer.status, answer.json) == (400, {"error": "No update fields provided"})
    assert send(server, "PATCH", path, {"name": ""}).status == 400


def test_each_write_of_a_task_is_told_once_with_its_session(server: ApiServer, conn: Conn, asked: str) -> None:
    wave = task(server, asked)
    data = {"id": wave, "request_id": asked, "wave_number": 0, "status": "pending"}
    assert kept(conn) == [("global", "task.created", "s1", data)]
    for status in ("running", "blocked", "failed", "completed", "pending"):
        changed(server, f"/api/tasks/{wave}", {"status": status, "name": status})
        assert kept(conn) == [("global", f"task.{status}", "s1", data | {"status": status})]
    changed(server, f"/api/tasks/{wave}", {"name": "tests"})
    assert kept(conn) == [("global", "task.updated", "s1", data)]
    assert send(server, "DELETE", f"/api/tasks/{wave}").status == 204
    (told,) = kept(conn)
    assert told[:3] == ("global", "task.deleted", "s1")
    assert told[3].items() >= {"id": wave, "request_id": asked, "wave_number": 0}.items()
    assert send(server, "DELETE", f"/api/tasks/{wave}").status == 404
    assert names(kept(conn)) == []


@pytest.mark.contract("DELETE /api/tasks/:id")
def test_a_deleted_task_takes_its_subtasks_and_their_contexts(server: ApiServer, conn: Conn, asked: str) -> None:
    waves = [task(server, asked), task(server, asked)]
    for number, wave in enumerate(waves):
        subtask(server, wave, agent_type="Explore", agent_id=f"a{number}")
    assert send(server, "DELETE", f"/api/tasks/{waves[0]}").status == 204
    assert conn.execute("SELECT task_list_id::text FROM subtasks").fetchall() == [(waves[1],)]
    assert conn.execute("SELECT agent_id FROM agent_contexts").fetchall() == [("a1",)]
