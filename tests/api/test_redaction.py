"""What a caller sends to be stored has no secret when it is read back."""

import asyncio
import json
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import create_autospec

import pytest
from api_server import ApiServer
from falcon.asgi import Request

from api.redaction import LARGE, without_secrets
from dcm.domain.redaction import MARK, Redactor
from dcm.domain.secret_shapes import Found

TOKEN = "ghp_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z56"


def ask(server: ApiServer, method: str, path: str, body: Any = None) -> Any:
    answer = server.ask(method, path, json.dumps(body).encode() if body is not None else None)
    assert answer.status < 300, answer.body
    return answer.json


def test_a_message_with_a_secret_is_read_back_with_a_mark(server: ApiServer) -> None:
    content = {"api_key": "abcd1234efgh", "say": f"use {TOKEN}"}
    message = {"from_agent": "a", "to_agent": "b", "topic": "context.request", "content": content}
    ask(server, "POST", "/api/messages", message)
    told = json.dumps(ask(server, "GET", "/api/messages/b"))
    assert TOKEN not in told
    assert "abcd1234efgh" not in told
    assert len(MARK.findall(told)) == 2


@pytest.mark.parametrize(
    ("path", "body", "back"),
    [
        ("/api/projects", {"path": "/src/shop", "name": "shop", "metadata": {"token": TOKEN}}, "/api/projects"),
        ("/api/blocking", {"blocked_by": "a", "blocked_agent": "b", "reason": f"waits for {TOKEN}"}, "/api/blocking/b"),
    ],
)  # fmt: skip
def test_no_route_that_stores_text_gives_a_secret_back(server: ApiServer, path: str, body: Any, back: str) -> None:
    ask(server, "POST", path, body)
    told = json.dumps(ask(server, "GET", back))
    assert TOKEN not in told
    assert "[redacted:" in told


@pytest.mark.parametrize("levels", [200, 450, 505])
def test_what_is_nested_too_deep_to_look_through_is_refused(server: ApiServer, levels: int) -> None:
    message = json.dumps({"from_agent": "a", "to_agent": "b", "topic": "context.request", "content": "DEEP"})
    deep = '{"a": [' * levels + json.dumps(f"{TOKEN} <private>x") + "]}" * levels
    assert server.ask("POST", "/api/messages", message.replace('"DEEP"', deep).encode()).status == 400


def test_ids_and_the_address_of_a_subscriber_stay_as_they_were_sent(server: ApiServer) -> None:
    address = "http://subscriber.example/hook?token=abcd1234efgh"
    subscriber = {"agent_id": TOKEN, "topic": "context.request", "callback_url": address}
    told = json.dumps(ask(server, "POST", "/api/subscribe", subscriber))
    assert TOKEN in told
    assert address in told
    for path in ("/api/subscriptions", f"/api/subscriptions/{TOKEN}"):
        [listed] = ask(server, "GET", path)["subscriptions"]
        assert (listed["agent_id"], listed["callback_url"]) == (TOKEN, "http://subscriber.example/hook?***")


def test_an_action_waits_in_the_stream_without_its_secrets(server: ApiServer) -> None:
    body = {"tool_name": "Bash", "tool_type": "builtin", "input": f"echo {TOKEN}", "output": "password: swordfish7"}
    ask(server, "POST", "/api/actions", body)
    waiting = str(server.valkey.client.xrange("dcm:events:0"))
    assert "echo [redacted:github-token:" in waiting
    assert "swordfish7" not in waiting


@pytest.mark.parametrize("size", [100, LARGE])
def test_a_large_body_is_looked_through_beside_the_event_loop(size: int) -> None:
    where: set[int] = set()

    def find(_: str) -> Iterator[Found]:
        where.add(threading.get_ident())
        return iter(())

    req = create_autospec(Request, instance=True, context=SimpleNamespace(redactor=Redactor(more=(find,))))
    body = json.dumps({"text": "a" * size}).encode()
    assert asyncio.run(without_secrets(req, body)) == body
    assert (threading.get_ident() in where) == (size < LARGE)
    assert len(where) == 1
