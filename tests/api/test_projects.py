"""Projects and sessions over HTTP (contract, sections 3.2 and 3.11)."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from api_server import ApiServer
from stories import a_session, store
from work import NOBODY, kept, names, project, request, saved, send, subtask, task

from db.pool import Conn


@pytest.mark.contract("POST /api/projects")
def test_a_path_is_one_project_whose_facts_are_merged(server: ApiServer, conn: Conn) -> None:
    first = saved(server, "/api/projects", {"path": "/w/shop//", "name": "shop", "metadata": {"a": 1, "b": 1}})
    again = saved(server, "/api/projects", {"path": "/w/shop", "metadata": {"b": 2}})
    assert (again["id"], again["path"], again["name"]) == (first["id"], "/w/shop", "shop")
    assert again["metadata"] == {"a": 1, "b": 2}
    assert again["updated_at"] > first["updated_at"]
    assert saved(server, "/api/projects", {"path": "/"})["path"] == "/"


def test_the_same_project_made_at_once_is_one(server: ApiServer, conn: Conn) -> None:
    with ThreadPoolExecutor(8) as threads:
        ids = set(threads.map(lambda _: project(server), range(24)))
    assert len(ids) == 1


@pytest.mark.parametrize(("body", "field"), [
    ({}, "path"), ({"path": ""}, "path"), ({"path": 5}, "path"), ({"path": "/w", "name": None}, "name"),
    ({"path": "/w", "metadata": []}, "metadata"), ({"path": "/w\0"}, "path"), ([], "body"),
])  # fmt: skip
def test_a_project_that_is_wrong_is_refused_by_field(
    server: ApiServer, conn: Conn, body: dict[str, Any], field: str
) -> None:
    answer = send(server, "POST", "/api/projects", body)
    assert (answer.status, answer.json["error"], list(answer.json["details"])) == (400, "Validation failed", [field])


@pytest.mark.contract("GET /api/projects")
def test_projects_come_the_last_changed_first_in_pages_with_their_total(server: ApiServer, conn: Conn) -> None:
    for name in "abc":
        project(server, f"/w/{name}")
    page = server.get("/api/projects?limit=2&offset=1").json
    assert [one["path"] for one in page["projects"]] == ["/w/b", "/w/a"]
    assert (page["count"], page["total"], page["limit"], page["offset"]) == (2, 3, 2, 1)
    assert server.get("/api/projects?limit=1000").json["limit"] == 100
    assert server.get("/api/projects?limit=-5").json["limit"] == 1


@pytest.mark.contract("GET /api/projects/by-path")
def test_a_project_is_found_by_its_path(server: ApiServer, conn: Conn) -> None:
    made = project(server, "/w/shop")
    assert server.get("/api/projects/by-path?path=/w/shop/").json["project"]["id"] == made
    assert server.get("/api/projects/by-path?path=/w").status == 404
    assert server.get("/api/projects/by-path").status == 400


@pytest.mark.contract("GET /api/projects/:id")
def test_a_project_is_shown_with_its_requests_and_figures(server: ApiServer, conn: Conn) -> None:
    store(conn, *a_session())
    made = server.get("/api/projects/by-path?path=/w/shop").json["project"]["id"]
    shown = server.get(f"/api/projects/{made}").json["project"]
    assert [one["prompt"] for one in shown["requests"]] == ["now the tests", "make the cart faster"]
    figures = shown["stats"]
    assert (figures["total_requests"], figures["total_actions"], figures["successful_actions"]) == (2, 6, 5)
    assert server.get(f"/api/projects/{NOBODY}").json == {"error": "Project not found"}
    assert server.get("/api/projects/x").status == 400


@pytest.mark.contract("DELETE /api/projects/:id")
def test_a_deleted_project_takes_everything_of_it_and_is_told(server: ApiServer, conn: Conn) -> None:
    store(conn, *a_session())
    made = server.get("/api/projects/by-path?path=/w/shop").json["project"]["id"]
    subtask(server, task(server, request(server, made)))
    conn.execute("LISTEN dcm_events")
    assert server.ask("DELETE", f"/api/projects/{made}").status == 204
    assert "project.deleted" in next(iter(conn.notifies(timeout=5))).payload
    for table in ("sessions", "requests", "task_lists", "subtasks", "agent_messages", "agent_contexts"):
        assert conn.execute(b"SELECT count(*) FROM " + table.encode()).fetchone() == (0,)
    assert server.ask("DELETE", f"/api/projects/{made}").status == 404


@pytest.mark.contract("POST /api/sessions")
def test_a_session_is_stored_once_and_a_second_time_is_a_conflict(server: ApiServer, conn: Conn) -> None:
    body = {"id": "s1", "project_id": project(server), "started_at": "2026-01-02T03:04:05.678Z", "total_errors": 2}
    answer = send(server, "POST", "/api/sessions", body)
    assert answer.status == 201
    assert answer.json == {**body, "ended_at": None, "total_tools_used": 0, "total_success": 0}
    again = send(server, "POST", "/api/sessions", {"id": "s1"})
    assert (again.status, again.json["id"]) == (409, "s1")
    assert "already exists" in again.json["error"]


def test_the_same_session_made_at_once_is_made_once(server: ApiServer, conn: Conn) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(lambda _: send(server, "POST", "/api/sessions", {"id": "s1"}).status, range(24))
    assert sorted(answers) == [201] + [409] * 23


@pytest.mark.parametrize(("body", "status"), [
    ({"id": ""}, 400), ({"id": "s", "total_errors": -1}, 400), ({"id": "s", "started_at": "yesterday"}, 400),
    ({"id": "s", "started_at": "2026-01-02T03:04:05+01:00"}, 400), ({"id": "s", "project_id": NOBODY}, 404),
    ({"id": "s" * 301}, 400),
])  # fmt: skip
def test_a_session_that_is_wrong_is_refused(server: ApiServer, conn: Conn, body: dict[str, Any], status: int) -> None:
    assert send(server, "POST", "/api/sessions", body).status == status


@pytest.mark.contract("GET /api/sessions")
def test_sessions_come_the_last_started_first_and_every_filter_holds(server: ApiServer, conn: Conn) -> None:
    shop = project(server)
    for number, fields in enumerate(
        [{"project_id": shop}, {}, {"project_id": shop, "ended_at": "2026-01-09T00:00:00Z"}]
    ):
        send(server, "POST", "/api/sessions", {"id": f"s{number}", "started_at": f"2026-01-0{number + 1}T00:00:00Z",
                                               **fields})  # fmt: skip

    def found(query: str) -> tuple[list[str], int]:
        page = server.get(f"/api/sessions?{query}").json
        return [one["id"] for one in page["sessions"]], page["total"]

    assert found("") == (["s2", "s1", "s0"], 3)
    assert found(f"project_id={shop}") == (["s2", "s0"], 2)
    assert found(f"project_id={shop}&active_only=true") == (["s0"], 1)
    assert found("active_only=true&limit=1") == (["s1"], 2)


@pytest.mark.contract("GET /api/sessions/stats")
def test_the_sums_of_all_sessions(server: ApiServer, conn: Conn) -> None:
    shop = project(server)
    for number in range(3):
        send(server, "POST", "/api/sessions", {"id": f"s{number}", "total_tools_used": number, "project_id": shop,
                                               "total_success": number})  # fmt: skip
    send(server, "PATCH", "/api/sessions/s0", {"ended_at": "2026-11-21T00:00:00Z"})
    stats = server.get("/api/sessions/stats").json
    overview = stats["overview"]
    assert (overview["total_sessions"], overview["active_sessions"], overview["total_tools"]) == (3, 2, 3)
    assert overview["avg_tools_per_session"] == 1.0
    assert stats["by_project"] == [
        {"project_name": None, "project_path": "/src/shop", "session_count": 3, "total_tools": 3}
    ]


@pytest.mark.contract("GET /api/sessions/:id")
def test_a_session_is_shown_with_its_requests(server: ApiServer, conn: Conn) -> None:
    store(conn, *a_session())
    shown = server.get("/api/sessions/s1").json
    assert (shown["id"], shown["total_tools_used"], shown["project_path"]) == ("s1", 6, "/w/shop")
    assert [one["prompt"] for one in shown["requests"]] == ["now the tests", "make the cart faster"]
    assert server.get("/api/sessions/unknown").json == {"error": "Session not found"}


@pytest.mark.contract("PATCH /api/sessions/:id")
def test_a_session_is_ended_told_opened_again_and_not_changed_by_nothing(server: ApiServer, conn: Conn) -> None:
    send(server, "POST", "/api/sessions", {"id": "s1"})
    conn.execute("LISTEN dcm_events")
    ended = send(server, "PATCH", "/api/sessions/s1", {"ended_at": "2026-11-21T00:00:00.000Z", "total_errors": 3}).json
    assert (ended["ended_at"], ended["total_errors"]) == ("2026-11-21T00:00:00.000Z", 3)
    assert "session.ended" in next(iter(conn.notifies(timeout=5))).payload
    assert send(server, "PATCH", "/api/sessions/s1", {"ended_at": None}).json["ended_at"] is None
    assert send(server, "PATCH", "/api/sessions/s1", {}).json == {"error": "No fields to update"}
    assert send(server, "PATCH", "/api/sessions/s1", {"total_errors": "x"}).status == 400
    assert send(server, "PATCH", "/api/sessions/unknown", {"total_errors": 1}).status == 404


@pytest.mark.contract("DELETE /api/sessions/:id")
def test_a_deleted_session_leaves_its_requests_and_tool_calls(server: ApiServer, conn: Conn) -> None:
    store(conn, *a_session())
    kept(conn)
    conn.execute("LISTEN dcm_events")
    assert server.ask("DELETE", "/api/sessions/s1").status == 204
    assert "session.deleted" in next(iter(conn.notifies(timeout=5))).payload
    assert conn.execute("SELECT count(*) FROM actions").fetchone() == (6,)
    assert conn.execute("SELECT count(*) > 0 FROM requests").fetchone() == (True,)
    assert server.ask("DELETE", "/api/sessions/s1").status == 404
    assert names(kept(conn)) == []
