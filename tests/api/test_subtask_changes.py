"""PATCH of a subtask: every row of the transition table, and its side effects in the same transaction."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from api_server import ApiServer, wait_for
from work import changed, kept, names, project, request, send, subtask, task

from db.pool import Conn


@pytest.fixture
def wave(server: ApiServer, conn: Conn) -> str:
    """A wave of a request of session s1, nothing told of it."""
    made = task(server, request(server, project(server)))
    kept(conn)
    return made


ALL = {"result": {"found": 1}, "agent_id": "a9"}


@pytest.mark.contract("PATCH /api/subtasks/:id")
@pytest.mark.parametrize(
    ("status", "written"),
    [
        ("running", {"agent_id"}),
        ("completed", {"result"}),
        ("failed", {"result"}),
        ("blocked", {"blocked_by"}),
        ("paused", {"blocked_by"}),
        ("pending", {"blocked_by"}),
        (None, {"result"}),
    ],
)
def test_the_status_decides_which_fields_are_written(
    server: ApiServer, wave: str, status: str | None, written: set[str]
) -> None:
    other = subtask(server, wave)["id"]
    made = subtask(server, wave, agent_id="a1")
    asked: dict[str, Any] = {**ALL, "blocked_by": [other]}
    row = changed(server, f"/api/subtasks/{made['id']}", asked | ({"status": status} if status else {}))
    assert {name for name in asked if row[name] == asked[name]} == written
    assert {name for name in asked if row[name] == made[name]} == set(asked) - written
    assert row["status"] == (status or "pending")
    assert bool(row["started_at"]) == (status == "running")
    assert bool(row["completed_at"]) == (status in {"completed", "failed"})
    assert server.get(f"/api/subtasks/{made['id']}").json["subtask"] == row | {"actions": []}


def test_without_status_and_result_the_agent_and_what_blocks_are_written(server: ApiServer, wave: str) -> None:
    other = subtask(server, wave)["id"]
    path = f"/api/subtasks/{subtask(server, wave)['id']}"
    row = changed(server, path, {"agent_id": "a9", "blocked_by": [other]})
    assert (row["agent_id"], row["blocked_by"], row["status"]) == ("a9", [other], "pending")
    row = changed(server, path, {"blocked_by": []})
    assert (row["agent_id"], row["blocked_by"]) == ("a9", [])


def test_an_end_without_a_result_keeps_the_earlier_result(server: ApiServer, wave: str) -> None:
    path = f"/api/subtasks/{subtask(server, wave)['id']}"
    changed(server, path, {"result": {"found": 1}})
    assert changed(server, path, {"status": "completed"})["result"] == {"found": 1}
    assert changed(server, path, {"status": "failed"})["result"] == {"found": 1}
    assert changed(server, path, {"status": "completed", "result": {}})["result"] == {}


def test_a_start_is_dated_once_and_an_end_until_it_goes_on(server: ApiServer, wave: str) -> None:
    path = f"/api/subtasks/{subtask(server, wave)['id']}"
    started = changed(server, path, {"status": "running"})["started_at"]
    done = changed(server, path, {"status": "completed"})
    assert changed(server, path, {"status": "completed"}) == done
    again = changed(server, path, {"status": "running"})
    assert (again["started_at"], again["completed_at"]) == (started, None)
    assert changed(server, path, {"status": "failed"})["completed_at"] > done["completed_at"]


def test_a_change_of_a_subtask_that_is_wrong_or_empty_is_refused(server: ApiServer, conn: Conn, wave: str) -> None:
    path = f"/api/subtasks/{subtask(server, wave)['id']}"
    kept(conn)
    for body in ({}, {"description": "other"}, {"agent_id": ""}):
        answer = send(server, "PATCH", path, body)
        assert (answer.status, answer.json) == (400, {"error": "No update fields provided"})
    for name, value in (("status", "done"), ("status", None), ("result", None), ("result", "text"),
                        ("blocked_by", "x"), ("result", {"a": "\0"})):  # fmt: skip
        assert send(server, "PATCH", path, {name: value}).status == 400, (name, value)
    assert kept(conn) == []


@pytest.mark.parametrize("status", ["pending", "running", "paused", "blocked", "completed", "failed", None])
@pytest.mark.parametrize("agent_type", ["Explore", None])
def test_each_change_of_a_subtask_is_told_once_with_its_session(
    server: ApiServer, conn: Conn, wave: str, status: str | None, agent_type: str | None
) -> None:
    made = subtask(server, wave, **({"agent_type": agent_type} if agent_type else {}))
    kept(conn)
    changed(server, f"/api/subtasks/{made['id']}", {"status": status} if status else {"result": {"x": 1}})
    told = kept(conn)
    first = (f"agents/{agent_type}" if agent_type else "global", f"subtask.{status or 'updated'}", "s1")
    assert told[0][:3] == first
    data = {"id": made["id"], "task_list_id": wave, "agent_type": agent_type, "agent_id": None,
            "status": status or "pending", "description": "look"}  # fmt: skip
    assert told[0][3].items() >= data.items()
    agent = {"agent_id": made["id"], "agent_type": "Explore", "subtask_id": made["id"]}
    expected: list[tuple[str, str, dict[str, Any]]] = []
    if agent_type and status == "running":
        expected.append(("global", "agent.connected", agent | {"description": "look"}))
    if agent_type and status in {"completed", "failed"}:
        expected.append(("global", "agent.disconnected", agent | {"status": status}))
    ended = status in {"completed", "failed"}
    assert [(channel, event, data) for channel, event, _, data in told[1 : len(expected) + 1]] == expected
    assert names(told[len(expected) + 1 :]) == (["message.new"] if ended else [])
    assert {session for _, _, session, _ in told} == {"s1"}


def test_an_end_is_broadcast_to_every_agent_of_the_project(server: ApiServer, conn: Conn, wave: str) -> None:
    made = subtask(server, wave, agent_type="Explore", agent_id="a1")
    kept(conn)
    result = {"summary": "ü" * 2000}
    row = changed(server, f"/api/subtasks/{made['id']}", {"status": "failed", "result": result})
    message = conn.execute("""
        SELECT m.from_agent_id, m.to_agent_id, m.message_type, m.topic, m.payload, m.session_id, p.path,
               m.expires_at - m.created_at = interval '1 hour'
        FROM agent_messages m JOIN projects p ON p.id = m.project_id""").fetchone()
    assert message is not None
    payload = message[4]
    assert message[:4] + message[5:] == (
        "Explore", None, "notification", "agent.failed", "s1", "/src/shop", True,
    )  # fmt: skip
    assert payload.pop("completed_at").startswith(row["completed_at"][:19])
    assert payload == {
        "source_agent": "Explore", "source_agent_id": "a1", "subtask_id": made["id"], "status": "failed",
        "description": "look", "result_summary": '{"summary":"' + "ü" * 988, "session_id": "s1",
    }  # fmt: skip
    asked = wait_for(lambda: server.valkey.client.hvals("dcm:dramatiq:default.msgs"), "the calls of subscribers")
    assert [json.loads(one)["actor_name"] for one in asked] == ["call_subscribers"]
    told = kept(conn)[-1]
    assert told[:3] == ("global", "message.new", "s1")
    assert told[3].items() >= {
        "from_agent": "Explore", "to_agent": "broadcast", "topic": "agent.failed", "session_id": "s1",
        "description": "look",
    }.items()  # fmt: skip


def test_an_end_told_again_is_not_broadcast_again_and_another_end_is(server: ApiServer, conn: Conn, wave: str) -> None:
    path = f"/api/subtasks/{subtask(server, wave, status='completed')['id']}"
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: changed(server, path, {"status": "completed"}), range(8)))
    assert names(kept(conn)).count("message.new") == 1
    changed(server, path, {"status": "failed"})
    found = conn.execute("SELECT topic, from_agent_id FROM agent_messages ORDER BY created_at").fetchall()
    assert found == [("agent.completed", "system"), ("agent.failed", "system")]


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_an_end_removes_the_context_of_its_subtask_alone(server: ApiServer, conn: Conn, wave: str, status: str) -> None:
    elsewhere = task(server, request(server, project(server, "/src/bank"), "s2"))
    same = {"agent_type": "Explore", "agent_id": "a1", "status": "running"}
    other = subtask(server, elsewhere, **same)
    first, second = subtask(server, wave, **same), subtask(server, wave, **same)

    def contexts() -> set[str]:
        return {row[0] for row in conn.execute("SELECT role_context ->> 'subtask_id' FROM agent_contexts").fetchall()}

    changed(server, f"/api/subtasks/{first['id']}", {"status": status})
    assert contexts() == {other["id"], second["id"]}
    changed(server, f"/api/subtasks/{second['id']}", {"status": status})
    assert contexts() == {other["id"]}


def test_a_context_follows_the_status_of_its_subtask(server: ApiServer, conn: Conn, wave: str) -> None:
    path = f"/api/subtasks/{subtask(server, wave, agent_type='Explore', agent_id='a1')['id']}"
    for status in ("running", "paused", "blocked", "pending"):
        changed(server, path, {"status": status})
        assert conn.execute("SELECT role_context ->> 'status' FROM agent_contexts").fetchone() == (status,)
