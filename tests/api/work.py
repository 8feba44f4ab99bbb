"""Projects, requests, tasks and subtasks made through the API, and the events that were kept of it."""

import json
from typing import Any

from api_server import Answer, ApiServer

from db.pool import Conn

NOBODY = "00000000-0000-0000-0000-000000000000"


def send(server: ApiServer, method: str, path: str, body: Any = None) -> Answer:
    return server.ask(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})


def saved(server: ApiServer, path: str, body: Any) -> dict[str, Any]:
    """What was created by a POST."""
    answer = send(server, "POST", path, body)
    assert answer.status == 201, answer.body
    assert answer.json.pop("success", True) is True
    content: dict[str, Any] = next(value for value in answer.json.values() if isinstance(value, dict))
    return content


def changed(server: ApiServer, path: str, body: Any) -> dict[str, Any]:
    """What a PATCH made of it."""
    answer = send(server, "PATCH", path, body)
    assert answer.status == 200, answer.body
    assert answer.json["success"] is True
    return next(value for value in answer.json.values() if isinstance(value, dict))


def project(server: ApiServer, path: str = "/src/shop") -> str:
    return str(saved(server, "/api/projects", {"path": path})["id"])


def request(server: ApiServer, project_id: str, session_id: str = "s1", **fields: Any) -> str:
    body = {"project_id": project_id, "session_id": session_id, "prompt": "mend the build", **fields}
    return str(saved(server, "/api/requests", body)["id"])


def task(server: ApiServer, request_id: str, **fields: Any) -> str:
    return str(saved(server, "/api/tasks", {"request_id": request_id, **fields})["id"])


def subtask(server: ApiServer, task_id: str, **fields: Any) -> dict[str, Any]:
    return saved(server, "/api/subtasks", {"task_id": task_id, "description": "look", **fields})


def kept(conn: Conn) -> list[tuple[str, str, str | None, dict[str, Any]]]:
    """(channel, event, session, data) of what was told so far; told afterwards is a new list."""
    rows = conn.execute("SELECT channel, event, session_id, data FROM events ORDER BY id").fetchall()
    conn.execute("DELETE FROM events")
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def names(told: list[tuple[str, str, str | None, dict[str, Any]]]) -> list[str]:
    return [event for _, event, _, _ in told]
