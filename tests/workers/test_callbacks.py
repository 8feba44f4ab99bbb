"""Calling subscribers: what they get, what a failure leaves, where nobody is called."""

import json
import socket
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import redis
from stories import rows, sent

from db import messages
from db.pool import Conn
from db.subscriptions import Call
from dcm.domain.callbacks import reachable
from dcm.settings import Settings
from workers import callbacks, running
from workers.callbacks import CallFailed, call_subscriber, call_subscribers, deliver


class Subscriber(BaseHTTPRequestHandler):
    """Keeps what it is told and answers with the status its path names."""

    told: list[tuple[dict[str, str], Any]] = []  # noqa: RUF012 - emptied by the fixture

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.told.append((dict(self.headers), body))
        self.send_response(int(self.path[1:]))
        self.send_header("Location", "/200")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    """Where a subscriber listens."""
    Subscriber.told.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Subscriber) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture
def private(worker: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings that allow subscribers on this machine."""
    monkeypatch.setenv("DCM_CALLBACK_PRIVATE", "1")
    running.settings.cache_clear()
    return running.settings()


def message(conn: Conn, to_agent: str | None = None) -> str:
    """A stored message on task.created."""
    given = {"project_id": None, "from_agent": "a", "to_agent": to_agent, "topic": "task.created",
             "content": {"n": 1}, "priority": 2, "ttl_s": 60}  # fmt: skip
    return str(messages.send(conn, given)["id"])


def subscription(conn: Conn, url: str | None, agent: str = "b", topic: str = "task.created") -> str:
    row = conn.execute(
        "INSERT INTO subscriptions (agent_id, topic, callback_url) VALUES (%s, %s, %s) RETURNING id",
        [agent, topic, url],
    ).fetchone()
    assert row
    return str(row[0])


STATE = "SELECT last_status, failures, last_called_at IS NOT NULL FROM subscriptions"


def test_a_message_is_sent_to_those_who_subscribed_to_its_topic_and_gave_an_address(
    worker: Settings, conn: Conn
) -> None:
    wanted = subscription(conn, "https://example.com")
    subscription(conn, None, "c")
    subscription(conn, "https://example.com", "d", "task.failed")
    broadcast, direct, other = message(conn), message(conn, "b"), message(conn, "z")
    for one in (broadcast, direct, other):
        call_subscribers(one)
    with redis.Redis.from_url(worker.redis_url) as client:
        assert sorted(sent(client, "call_subscriber")) == sorted([[wanted, broadcast], [wanted, direct]])


def test_the_subscriber_gets_the_message_with_its_topic_and_that_is_noted(
    private: Settings, conn: Conn, address: str
) -> None:
    subscribed, told = subscription(conn, f"{address}/204"), message(conn)
    call_subscriber(subscribed, told)
    [(headers, body)] = Subscriber.told
    assert (headers["X-DCM-Topic"], headers["X-DCM-Delivery"]) == ("task.created", f"{told}.{subscribed}")
    assert headers["Host"] == address.removeprefix("http://")
    assert (body["message_id"], body["content"], body["from_agent"], body["priority"]) == (told, {"n": 1}, "a", 2)
    assert "callback_url" not in body
    assert rows(conn, STATE) == [(204, 0, True)]


@pytest.mark.parametrize("status", [500, 404, 302])
def test_any_other_answer_is_a_failure_that_is_counted_and_tried_again(
    private: Settings, conn: Conn, address: str, status: int
) -> None:
    subscribed, told = subscription(conn, f"{address}/{status}"), message(conn)
    for _ in range(2):
        with pytest.raises(CallFailed):
            call_subscriber(subscribed, told)
    assert rows(conn, STATE) == [(status, 2, True)]
    assert len(Subscriber.told) == 2
    assert call_subscriber.options["max_retries"] == 2
    assert "throws" not in call_subscriber.options, "Dramatiq never tries again what an actor is known to throw"


def test_nobody_on_this_machine_is_called_unless_it_is_allowed(worker: Settings, conn: Conn, address: str) -> None:
    subscribed, told = subscription(conn, f"{address}/200"), message(conn)
    with pytest.raises(CallFailed, match="no address that may be called"):
        call_subscriber(subscribed, told)
    assert Subscriber.told == []
    assert rows(conn, STATE) == [(None, 1, True)]


def test_a_name_that_leads_to_a_public_and_a_private_address_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(*_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ("93.184.216.34", "127.0.0.1")]

    monkeypatch.setattr(callbacks.socket, "getaddrinfo", both)
    call = Call(uuid.uuid4(), "b", "http://rebind.example/", uuid.uuid4(), "a", None, "t", {}, 0, datetime.now(UTC))
    assert deliver(call, private=False)[0] is None


def test_a_message_or_subscription_that_is_gone_is_passed_over(private: Settings, conn: Conn, address: str) -> None:
    call_subscriber(subscription(conn, f"{address}/200"), str(uuid.uuid4()))
    call_subscriber(str(uuid.uuid4()), message(conn))
    assert Subscriber.told == []


@pytest.mark.parametrize(("ip", "public"), [("93.184.216.34", True), ("2606:2800:220:1::1", True), ("10.0.0.1", False),
    ("192.168.1.1", False), ("172.16.0.1", False), ("127.0.0.1", False), ("169.254.169.254", False), ("::1", False),
    ("fe80::1%eth0", False), ("fc00::1", False), ("100.64.0.1", False), ("::ffff:10.0.0.1", False),
    ("2002:a00:1::1", False), ("fec0::1", False)])  # fmt: skip
def test_private_addresses_are_told_from_public_ones(ip: str, public: bool) -> None:
    assert reachable(ip, private=False) is public
    assert reachable(ip, private=True)


@pytest.mark.parametrize("ip", ["0.0.0.0", "224.0.0.1", "ff02::1", "240.0.0.1", "::"])
def test_addresses_of_nobody_are_never_called(ip: str) -> None:
    assert not reachable(ip, private=True)
