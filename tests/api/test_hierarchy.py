"""The tree of a project and the agents at work."""

from datetime import UTC, datetime
from typing import Any

import pytest
from api_server import ApiServer
from work import NOBODY, changed, project, request, subtask, task

from db.pool import Conn
from dcm.domain.hook_events import parse
from workers.batch import write


@pytest.mark.contract("GET /api/hierarchy/:project_id")
def test_the_tree_of_a_project_has_requests_newest_first_waves_in_order_and_subtasks_by_age(
    server: ApiServer, conn: Conn
) -> None:
    shop = project(server)
    first, second = request(server, shop), request(server, shop)
    late, early = task(server, first, wave_number=2), task(server, first, wave_number=1)
    made = [subtask(server, early, agent_type="Explore")["id"] for _ in range(3)]
    subtask(server, task(server, request(server, project(server, "/src/bank"))))
    answer = server.get(f"/api/hierarchy/{shop}").json
    assert set(answer) == {"hierarchy", "stats", "counts", "limit", "offset"}
    tree = answer["hierarchy"]
    assert (tree["id"], tree["path"], set(tree)) == (
        shop, "/src/shop", {"id", "path", "name", "created_at", "updated_at", "metadata", "requests"},
    )  # fmt: skip
    assert [row["id"] for row in tree["requests"]] == [second, first]
    assert tree["requests"][0]["tasks"] == []
    assert set(tree["requests"][1]) == {
        "id", "session_id", "prompt", "prompt_type", "status", "created_at", "completed_at", "metadata", "tasks",
    }  # fmt: skip
    waves = tree["requests"][1]["tasks"]
    assert [wave["id"] for wave in waves] == [early, late]
    assert set(waves[0]) == {
        "id", "request_id", "name", "wave_number", "status", "created_at", "completed_at", "subtasks",
    }  # fmt: skip
    assert [row["id"] for row in waves[0]["subtasks"]] == made
    assert set(waves[0]["subtasks"][0]) == {
        "id", "task_list_id", "task_id", "agent_type", "agent_id", "description", "status", "blocked_by", "created_at",
        "started_at", "completed_at", "result",
    }  # fmt: skip
    assert answer["counts"] == {"requests": 2, "tasks": 2, "subtasks": 3}
    assert (answer["stats"]["total_requests"], answer["stats"]["total_subtasks"]) == (2, 3)


def test_the_tree_of_a_large_project_comes_in_pages_and_counts_all(server: ApiServer, conn: Conn) -> None:
    shop = project(server)
    conn.execute(
        "INSERT INTO requests (project_id, session_id, prompt, created_at) "
        "SELECT %s, 's1', n::text, now() - make_interval(secs => n) FROM generate_series(1, 120) n",
        [shop],
    )

    def prompts(query: str) -> list[str]:
        answer = server.get(f"/api/hierarchy/{shop}?{query}").json
        assert answer["counts"]["requests"] == 120
        return [row["prompt"] for row in answer["hierarchy"]["requests"]]

    assert prompts("") == [str(n) for n in range(1, 101)]
    assert prompts("offset=100") == [str(n) for n in range(101, 121)]
    assert prompts("limit=2&offset=1") == ["2", "3"]
    assert len(prompts("limit=500")) == 120


def test_a_project_without_anything_has_an_empty_tree_and_an_unknown_one_none(server: ApiServer, conn: Conn) -> None:
    answer = server.get(f"/api/hierarchy/{project(server)}").json
    assert (answer["hierarchy"]["requests"], answer["counts"]) == ([], {"requests": 0, "tasks": 0, "subtasks": 0})
    unknown = server.get(f"/api/hierarchy/{NOBODY}")
    assert (unknown.status, unknown.json) == (404, {"error": "Project not found"})
    assert server.get("/api/hierarchy/x").status == 400


@pytest.mark.contract("GET /api/active-sessions")
def test_the_agents_at_work_come_last_started_first_with_numbers(server: ApiServer, conn: Conn) -> None:
    shop = project(server)
    asked = request(server, shop)
    wave = task(server, asked)
    blocked = subtask(server, wave, status="blocked")["id"]
    running = subtask(server, wave, agent_type="Explore", agent_id="a1", status="running")
    paused = subtask(server, wave, status="running")["id"]
    changed(server, f"/api/subtasks/{paused}", {"status": "paused"})
    for status in ("pending", "completed", "failed"):
        subtask(server, wave, status=status)
    conn.execute(
        "INSERT INTO actions (subtask_id, tool_name, tool_type) "
        "SELECT %s, 'Bash', 'builtin' FROM generate_series(1, 3)",
        [running["id"]],
    )
    answer = server.get("/api/active-sessions").json
    assert answer["count"] == 3
    assert [row["subtask_id"] for row in answer["active_agents"]] == [paused, running["id"], blocked]
    assert answer["active_agents"][1] == {
        "subtask_id": running["id"], "project_id": shop, "project_name": None, "project_path": "/src/shop",
        "agent_type": "Explore", "agent_id": "a1", "status": "running", "description": "look",
        "started_at": running["started_at"], "created_at": running["created_at"], "session_id": "s1",
        "request_id": asked, "actions_count": 3,
    }  # fmt: skip
    page = server.get("/api/active-sessions?limit=1&offset=1").json
    assert [row["subtask_id"] for row in page["active_agents"]] == [running["id"]]


def test_a_running_subagent_a_hook_told_of_is_at_work(server: ApiServer, conn: Conn) -> None:
    start = {"session_id": "s1", "hook_event_name": "SubagentStart", "agent_id": "a1", "agent_type": "Explore"}
    write(conn, [parse("1-0", datetime.now(UTC), start)], 3_600_000)
    (row,) = server.get("/api/active-sessions").json["active_agents"]
    assert (row["agent_id"], row["session_id"], row["project_id"], row["description"], row["actions_count"]) == (
        "a1", "s1", None, None, 0,
    )  # fmt: skip


def test_the_tool_calls_of_an_agent_at_work_are_counted_by_an_index(conn: Conn) -> None:
    with conn.transaction():
        conn.execute("SET LOCAL enable_seqscan = off")
        rows = conn.execute("EXPLAIN (FORMAT json) SELECT actions_count FROM v_active_agents").fetchone()
    assert rows is not None

    def scans(plan: dict[str, Any]) -> list[str]:
        below = [name for part in plan.get("Plans", []) for name in scans(part)]
        condition = plan.get("Index Cond", "") or plan.get("Recheck Cond", "")
        return below + ([f"{plan['Relation Name']} {condition}"] if "Relation Name" in plan else [])

    of_actions = [scan for scan in scans(rows[0][0]["Plan"]) if scan.startswith("actions_")]
    assert of_actions
    assert all("subtask_id = s.id" in scan for scan in of_actions)
