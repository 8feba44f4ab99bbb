"""Tokens and credentials made through the API, and requests that show them."""

import json
from typing import Any

from api_server import Answer, ApiServer

JSON = {"Content-Type": "application/json"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def owner(server: ApiServer) -> dict[str, str]:
    """The header of who can read the token file."""
    return bearer((server.valkey.home / "token").read_text())


def administer(server: ApiServer, method: str, path: str, body: Any = None) -> Answer:
    """A request of who can read the token file."""
    return server.ask(method, path, None if body is None else json.dumps(body), {**JSON, **owner(server)})


def token(server: ApiServer, *scopes: str, name: str = "laptop", **fields: Any) -> str:
    """A new access token."""
    answer = administer(server, "POST", "/api/tokens", {"name": name, "scopes": list(scopes), **fields})
    assert answer.status == 201, answer.body
    return str(answer.json["token"])


def credential(server: ApiServer, agent_id: str) -> str:
    """A new credential of an agent."""
    answer = administer(server, "POST", f"/api/agents/{agent_id}/credential")
    assert answer.status == 201, answer.body
    return str(answer.json["credential"])
