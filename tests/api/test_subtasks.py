"""The routes of subtasks: making, listing, showing, deleting, refusals, and what hooks wrote."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from api_server import ApiServer
from work import NOBODY, changed, kept, names, project, request, saved, send, subtask, task

from db import subtasks as seen_by_hooks
from db.pool import Conn
from dcm.domain.hook_events import parse
from workers.batch import write

ROW = {
    "id", "task_list_id", "task_id", "agent_type", "agent_id", "description", "status", "blocked_by", "created_at",
    "started_at", "completed_at", "context_snapshot", "result",
}  # fmt: skip


@pytest.fixture
def shop(server: ApiServer, conn: Conn) -> str:
    """A project."""
    return project(server)


@pytest.fixture
def wave(server: ApiServer, conn: Conn, shop: str) -> str:
    """A wave of a request of session s1, nothing told of it."""
    made = task(server, request(server, shop))
    kept(conn)
    return made


@pytest.mark.contract("POST /api/subtasks")
def test_a_subtask_is_stored_with_its_defaults_and_starts_only_when_it_runs(server: ApiServer, wave: str) -> None:
    row = subtask(server, wave)
    assert set(row) == ROW
    assert row["task_id"] == row["task_list_id"] == wave
    assert (row["status"], row["blocked_by"], row["started_at"], row["result"]) == ("pending", [], None, None)
    running = subtask(server, wave, status="running", context_snapshot={"files": 2}, agent_type="", blocked_by=[])
    assert running["started_at"] == running["created_at"]
    assert (running["context_snapshot"], running["agent_type"]) == ({"files": 2}, None)
    done = subtask(server, wave, status="completed", blocked_by=[row["id"], running["id"]])
    assert (done["started_at"], done["completed_at"]) == (None, None)
    assert done["blocked_by"] == [row["id"], running["id"]]
    assert server.get(f"/api/subtasks/{done['id']}").json == {"subtask": done | {"actions": []}}


@pytest.mark.parametrize(
    ("field", "value"),
    [("task_id", "x"), ("description", ""), ("description", None), ("agent_type", None), ("agent_id", 1),
     ("status", "done"), ("blocked_by", ["x"]), ("blocked_by", [NOBODY]), ("context_snapshot", []),
     ("context_snapshot", None)],
)  # fmt: skip
def test_a_subtask_with_a_wrong_field_is_refused_by_the_fields_name(
    server: ApiServer, conn: Conn, wave: str, field: str, value: Any
) -> None:
    answer = send(server, "POST", "/api/subtasks", {"task_id": wave, "description": "look", field: value})
    assert (answer.status, answer.json["error"]) == (400, "Validation failed")
    assert {name.split(".")[0] for name in answer.json["details"]} == {field}
    assert conn.execute("SELECT count(*) FROM subtasks").fetchone() == (0,)


def test_a_subtask_blocked_twice_by_the_same_is_refused(server: ApiServer, wave: str) -> None:
    first = subtask(server, wave)["id"]
    body = {"task_id": wave, "description": "look", "blocked_by": [first, first]}
    assert send(server, "POST", "/api/subtasks", body).status == 400


def test_a_subtask_that_is_not_there_or_whose_task_is_not_there_is_not_found(server: ApiServer, conn: Conn) -> None:
    answer = send(server, "POST", "/api/subtasks", {"task_id": NOBODY, "description": "look"})
    assert (answer.status, answer.json) == (404, {"error": f"Task not found: {NOBODY}"})
    for method, body in (("GET", None), ("PATCH", {"status": "failed"}), ("DELETE", None)):
        answer = send(server, method, f"/api/subtasks/{NOBODY}", body)
        assert (answer.status, answer.json) == (404, {"error": "Subtask not found"})
        assert send(server, method, "/api/subtasks/x", body).status == 400


@pytest.mark.contract("GET /api/subtasks")
def test_subtasks_of_a_task_come_oldest_first_all_newest_first_and_every_filter_holds(
    server: ApiServer, shop: str, wave: str
) -> None:
    other = task(server, request(server, shop))
    made = {
        "a": subtask(server, wave, agent_type="Explore", status="running"),
        "b": subtask(server, wave, agent_type="Plan", status="running"),
        "c": subtask(server, other, agent_type="Explore", status="running"),
        "d": subtask(server, wave, agent_type="Explore"),
    }
    letters = {row["id"]: letter for letter, row in made.items()}

    def found(query: str) -> str:
        page = server.get(f"/api/subtasks?{query}").json
        assert page["count"] == len(page["subtasks"])
        assert all(set(row) == ROW for row in page["subtasks"])
        return "".join(letters[row["id"]] for row in page["subtasks"])

    assert found("") == "dcba"
    assert found("status=running&agent_type=Explore") == "ca"
    assert found("agent_type=Explore") == "dca"
    assert found(f"task_id={wave}") == "abd"
    assert found(f"task_id={wave}&status=running") == "ab"
    assert found(f"task_id={wave}&status=running&agent_type=Explore") == "a"
    assert found(f"task_id={wave}&limit=1&offset=1") == "b"
    assert found("limit=2") == "dc"
    assert server.get("/api/subtasks?task_id=x").status == 400


@pytest.mark.contract("GET /api/subtasks/:id")
def test_a_subtask_is_shown_with_its_tool_calls_oldest_first(server: ApiServer, conn: Conn, wave: str) -> None:
    made = subtask(server, wave)["id"]
    conn.execute(
        "INSERT INTO actions (subtask_id, tool_name, tool_type, created_at) "
        "SELECT %s, name, 'builtin', now() - age FROM (VALUES ('Bash', interval '1 second'), ('Read', '2 seconds')) "
        "AS a (name, age)",
        [made],
    )
    shown = server.get(f"/api/subtasks/{made}").json["subtask"]
    assert [action["tool_name"] for action in shown["actions"]] == ["Read", "Bash"]
    assert set(shown["actions"][0]) == {
        "id", "tool_name", "tool_type", "exit_code", "duration_ms", "file_paths", "created_at",
    }  # fmt: skip
    assert send(server, "DELETE", f"/api/subtasks/{made}").status == 204
    assert conn.execute("SELECT count(*) FROM actions").fetchone() == (0,)


def test_a_subtask_that_names_its_agent_gets_a_context_in_the_same_write(
    server: ApiServer, conn: Conn, shop: str, wave: str
) -> None:
    conn.execute(
        "INSERT INTO actions (tool_name, tool_type, session_id) SELECT 'T' || lpad((n %% 25)::text, 2, '0'), "
        "'builtin', %s FROM generate_series(0, 49) n",
        ["s1"],
    )
    made = subtask(server, wave, agent_type="Explore", agent_id="a1", status="running")
    assert conn.execute(
        "SELECT project_id::text, agent_id, agent_type, tools_used, progress_summary, role_context FROM agent_contexts"
    ).fetchall() == [
        (shop, "a1", "Explore", [f"T{n:02}" for n in range(20)], "look", {
            "session_id": "s1", "subtask_id": made["id"], "task_list_id": wave, "task_description": "look",
            "status": "running", "spawned_at": made["created_at"], "blocked_by": [],
        })
    ]  # fmt: skip
    again = subtask(server, wave, agent_type="Plan", agent_id="a1")
    assert conn.execute("SELECT agent_type, role_context ->> 'subtask_id' FROM agent_contexts").fetchall() == [
        ("Plan", again["id"])
    ]
    for fields in ({"agent_type": "Plan"}, {"agent_id": "a2"}):
        subtask(server, wave, **fields)
    assert conn.execute("SELECT count(*) FROM agent_contexts").fetchone() == (1,)


def test_a_subtask_without_a_project_gets_no_context_and_its_end_is_broadcast_to_nobody(
    server: ApiServer, conn: Conn, wave: str
) -> None:
    conn.execute("UPDATE requests SET project_id = NULL")
    made = subtask(server, wave, agent_type="Explore", agent_id="a1")
    changed(server, f"/api/subtasks/{made['id']}", {"status": "completed"})
    assert names(kept(conn)) == ["subtask.created", "subtask.completed", "agent.disconnected"]
    assert conn.execute("SELECT count(*) FROM agent_contexts").fetchone() == (0,)
    assert conn.execute("SELECT count(*) FROM agent_messages").fetchone() == (0,)


def test_no_subtask_takes_the_place_of_a_saved_snapshot(server: ApiServer, conn: Conn, shop: str, wave: str) -> None:
    conn.execute(
        "INSERT INTO agent_contexts (project_id, agent_id, agent_type, role_context) "
        "VALUES (%s, 'compact-snapshot-s1', 'compact-snapshot', '{}')",
        [shop],
    )
    made = subtask(server, wave, agent_type="Explore", agent_id="compact-snapshot-s1")
    changed(server, f"/api/subtasks/{made['id']}", {"status": "completed"})
    assert conn.execute("SELECT agent_type FROM agent_contexts").fetchall() == [("compact-snapshot",)]


def test_making_and_deleting_a_subtask_is_told_once_on_the_channel_of_its_kind(
    server: ApiServer, conn: Conn, wave: str
) -> None:
    made = subtask(server, wave, agent_type="Explore")
    plain = subtask(server, wave)
    for row in (made, plain):
        assert send(server, "DELETE", f"/api/subtasks/{row['id']}").status == 204
    told = kept(conn)
    assert [item[:3] for item in told] == [
        ("agents/Explore", "subtask.created", "s1"),
        ("global", "subtask.created", "s1"),
        ("agents/Explore", "subtask.deleted", "s1"),
        ("global", "subtask.deleted", "s1"),
    ]
    data = {"id": made["id"], "task_list_id": wave, "agent_type": "Explore"}
    assert told[0][3].items() >= (data | {"status": "pending"}).items()
    assert told[2][3].items() >= data.items()


@pytest.mark.contract("DELETE /api/subtasks/:id")
def test_a_deleted_subtask_leaves_no_context_behind(server: ApiServer, conn: Conn, wave: str) -> None:
    made = subtask(server, wave, agent_type="Explore", agent_id="a1", status="running")
    assert send(server, "DELETE", f"/api/subtasks/{made['id']}").status == 204
    assert conn.execute("SELECT count(*) FROM agent_contexts").fetchone() == (0,)


def test_a_subagent_a_hook_told_of_is_a_subtask_like_any_other(server: ApiServer, conn: Conn, shop: str) -> None:
    at = datetime.now(UTC) - timedelta(minutes=1)

    def hook(second: int, name: str, **fields: Any) -> None:
        payload = {"session_id": "s1", "hook_event_name": name, "cwd": "/src/shop", "prompt_id": "p1", **fields}
        write(conn, [parse(f"{second}-0", at + timedelta(seconds=second), payload)], 3_600_000)

    hook(1, "UserPromptSubmit", prompt="mend")
    hook(2, "SubagentStart", agent_id="a1", agent_type="Explore")
    (row,) = server.get("/api/subtasks?status=running").json["subtasks"]
    assert set(row) == ROW
    assert (row["agent_id"], row["description"], row["result"]) == ("a1", None, None)
    assert kept(conn)[0][:2] == ("agents/Explore", "subtask.created")
    path = f"/api/subtasks/{row['id']}"
    assert changed(server, path, {"status": "failed"})["result"] is None
    assert changed(server, path, {"status": "running"})["completed_at"] is None
    hook(50, "SubagentStop", agent_id="a1", agent_type="Explore", last_assistant_message="found it")
    over = server.get(path).json["subtask"]
    assert (over["status"], over["result"]) == ("completed", {"summary": "found it"})
    assert changed(server, path, {"status": "completed"})["result"] == {"summary": "found it"}
    assert names(kept(conn))[-3:] == ["message.new", "subtask.completed", "agent.disconnected"]


def test_a_brief_reads_the_subtasks_of_a_session_whoever_made_them(server: ApiServer, conn: Conn, wave: str) -> None:
    made = subtask(server, wave, agent_type="Plan")
    changed(server, f"/api/subtasks/{made['id']}", {"status": "completed", "result": {"files": 2}})
    at = datetime.now(UTC)
    start = {"session_id": "s1", "hook_event_name": "SubagentStart", "agent_id": "a1", "agent_type": "Explore"}
    write(conn, [parse("1-0", at, start)], 3_600_000)
    read = seen_by_hooks.of_session(conn, "s1", at, 9)
    assert [(state.agent_id, state.status, state.result) for state in read] == [
        ("a1", "running", None),
        (made["id"], "completed", '{"files": 2}'),
    ]
    assert seen_by_hooks.of_session(conn, "s2", at, 9) == []


def test_a_subtask_a_caller_made_runs_until_a_caller_ends_it(server: ApiServer, conn: Conn, wave: str) -> None:
    made = subtask(server, wave, status="running")
    conn.execute("INSERT INTO sessions (id, ended_at) VALUES ('s1', now())")
    conn.execute("UPDATE subtasks SET last_seen_at = now() - interval '1 day'")
    assert seen_by_hooks.close_silent(conn, 30) == []
    assert server.get(f"/api/subtasks/{made['id']}").json["subtask"]["status"] == "running"


def test_subtasks_of_one_agent_made_and_ended_at_once_never_fail_and_leave_no_context(
    server: ApiServer, conn: Conn, wave: str
) -> None:
    def run(_: int) -> None:
        fields = {"task_id": wave, "description": "look", "agent_type": "Explore", "agent_id": "a1"}
        made = saved(server, "/api/subtasks", fields | {"status": "running"})
        changed(server, f"/api/subtasks/{made['id']}", {"status": "completed", "result": {"ok": True}})

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(run, range(18)))
    assert conn.execute("SELECT count(*) FROM subtasks WHERE status = 'completed'").fetchone() == (18,)
    assert conn.execute("SELECT count(*) FROM agent_contexts").fetchone() == (0,)
    assert conn.execute("SELECT count(*) FROM agent_messages").fetchone() == (18,)


@pytest.mark.parametrize("parent", ["projects", "requests", "tasks"])
def test_subtasks_changed_while_what_holds_them_is_deleted_are_changed_or_gone_never_an_error(
    server: ApiServer, conn: Conn, parent: str
) -> None:
    def work_on(wave: str, made: str) -> set[int]:
        new = {"task_id": wave, "description": "look", "agent_type": "Explore", "agent_id": made}
        return {
            send(server, "PATCH", f"/api/subtasks/{made}", {"status": "completed"}).status,
            send(server, "POST", "/api/subtasks", new).status,
        }

    for _ in range(4):
        shop = project(server)
        asked = request(server, shop)
        wave = task(server, asked)
        made = [subtask(server, wave, agent_type="Explore", agent_id=f"a{n}")["id"] for n in range(6)]
        parents = {"projects": shop, "requests": asked, "tasks": wave}
        with ThreadPoolExecutor(7) as threads:
            answers = [threads.submit(work_on, wave, one) for one in made]
            gone = threads.submit(send, server, "DELETE", f"/api/{parent}/{parents[parent]}").result()
        assert gone.status == 204
        assert set().union(*(answer.result() for answer in answers)) <= {200, 201, 404}
        assert conn.execute("SELECT count(*) FROM agent_contexts").fetchone() == (0,)
