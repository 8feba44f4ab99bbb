"""Calling subscribers: what they get, what a failure leaves, where nobody is called."""

import contextlib
import json
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import dramatiq
import pytest
import redis
from dramatiq.brokers.redis import RedisBroker
from stories import rows, sent

from db import messages
from db.pool import Conn
from db.subscriptions import Call
from dcm.domain.callbacks import check, reachable
from dcm.domain.errors import InvalidInput
from dcm.settings import Settings
from workers import callbacks, running
from workers.callbacks import CallFailed, call_subscriber, call_subscribers, deliver


class Subscriber(BaseHTTPRequestHandler):
    """Keeps what it is told and answers with the status its path names."""

    told: list[tuple[dict[str, str], Any]] = []  # noqa: RUF012 - emptied by the fixture
    times: list[float] = []  # noqa: RUF012
    better_after: int | None = None
    over = threading.Event()

    def do_POST(self) -> None:
        """Answer with the status the path names; `/drip` and `/flood` never end their answer."""
        if not self.path[1:].isdigit():
            self._without_end()
            return
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.told.append((dict(self.headers), body))
        self.times.append(time.monotonic())
        better = self.better_after is not None and len(self.told) > self.better_after
        self.send_response(200 if better else int(self.path[1:]))
        self.send_header("Location", "/200")
        self.end_headers()

    def _without_end(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"\r\n" if self.path == "/flood" else b""))
        with contextlib.suppress(OSError):
            while not Subscriber.over.wait(0.02):
                self.wfile.write(b"X-More: 1\r\n")
                self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    """Where a subscriber listens."""
    Subscriber.told.clear()
    Subscriber.times.clear()
    Subscriber.better_after = None
    Subscriber.over.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Subscriber) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        Subscriber.over.set()
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


def wait_for(condition: Callable[[], object], what: str, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.005)


def waiting(broker: RedisBroker) -> int:
    """How many messages the default queue holds, those that are delayed or run included."""
    return sum(broker.client.hlen(f"dcm:dramatiq:{name}.msgs") for name in ("default", "default.DQ"))


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
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["created_at"])
    assert "callback_url" not in body
    assert rows(conn, STATE) == [(204, 0, True)]


@pytest.mark.parametrize("status", [500, 404, 302])
def test_any_other_answer_is_a_failure_that_is_counted(
    private: Settings, conn: Conn, address: str, status: int
) -> None:
    subscribed, told = subscription(conn, f"{address}/{status}"), message(conn)
    for _ in range(2):
        with pytest.raises(CallFailed):
            call_subscriber(subscribed, told)
    assert rows(conn, STATE) == [(status, 2, True)]
    assert len(Subscriber.told) == 2


@pytest.fixture
def at_work(private: Settings) -> Iterator[None]:
    """A worker that runs what is sent to the default queue."""
    worker = dramatiq.Worker(callbacks.broker, queues={"default"}, worker_timeout=20, worker_threads=1)
    worker.start()
    yield
    worker.stop(timeout=5000)


def test_a_worker_calls_three_times_with_growing_pauses_and_then_gives_up(
    at_work: None, conn: Conn, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callbacks.PAUSES_MS == (1_000, 5_000)
    monkeypatch.setattr(callbacks, "PAUSES_MS", (40, 200))
    subscription(conn, f"{address}/500")
    call_subscribers.send(message(conn))
    wait_for(lambda: rows(conn, "SELECT failures FROM subscriptions") == [(3,)], "the third failure")
    wait_for(lambda: not waiting(callbacks.broker), "the last call's end")
    assert len(Subscriber.told) == 3
    first, second, third = Subscriber.times
    assert second - first >= 0.04
    assert third - second >= 0.2


def test_a_subscriber_that_takes_the_second_call_is_not_called_again_and_has_no_failures(
    at_work: None, conn: Conn, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "PAUSES_MS", (10, 10))
    Subscriber.better_after = 1
    subscription(conn, f"{address}/500")
    call_subscribers.send(message(conn))
    wait_for(lambda: rows(conn, STATE) == [(200, 0, True)], "the call that is taken")
    wait_for(lambda: not waiting(callbacks.broker), "the last call's end")
    assert len(Subscriber.told) == 2


def test_a_body_without_an_end_is_left_unread(private: Settings, conn: Conn, address: str) -> None:
    call_subscriber(subscription(conn, f"{address}/flood"), message(conn))
    assert rows(conn, STATE) == [(200, 0, True)]


def test_an_answer_whose_head_drips_without_an_end_is_given_up_in_time(
    private: Settings, conn: Conn, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "TIMEOUT", 0.3)
    began = time.monotonic()
    with pytest.raises(CallFailed, match=r"within 0\.3 s"):
        call_subscriber(subscription(conn, f"{address}/drip"), message(conn))
    assert time.monotonic() - began < 3
    assert rows(conn, STATE) == [(None, 1, True)]


@pytest.mark.parametrize("url", ["http://a..b/", f"http://{'a' * 64}.com/", "http://exa mple.com/"])
def test_a_host_that_cannot_be_looked_up_is_a_failure_that_is_counted(private: Settings, conn: Conn, url: str) -> None:
    with pytest.raises(CallFailed, match="no address that may be called"):
        call_subscriber(subscription(conn, url), message(conn))
    assert rows(conn, STATE) == [(None, 1, True)]


def test_the_connection_goes_to_the_address_that_was_looked_at_and_no_name_is_asked_again(
    private: Settings, conn: Conn, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    port = int(address.rpartition(":")[2])

    def once(host: object, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        where = "127.0.0.1" if len(asked) == 1 else "127.0.0.2"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (where, port))]

    monkeypatch.setattr(callbacks.socket, "getaddrinfo", once)
    call_subscriber(subscription(conn, f"http://rebind.example:{port}/200"), message(conn))
    [(headers, _)] = Subscriber.told
    assert headers["Host"] == f"rebind.example:{port}"
    assert [host for host in asked if host == "rebind.example"] == ["rebind.example"]


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


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "localhost.", "[::1]", "[::ffff:127.0.0.1]",
     "[::ffff:7f00:1]", "169.254.169.254", "2852039166"],
)  # fmt: skip
def test_no_way_to_write_a_private_address_is_called(host: str, address: str) -> None:
    url = f"http://{host}:{address.rpartition(':')[2]}/200"
    call = Call(uuid.uuid4(), "b", url, uuid.uuid4(), "a", None, "t", {}, 0, datetime.now(UTC))
    status, reason = deliver(call, private=False)
    assert status is None
    assert "no address that may be called" in reason
    assert Subscriber.told == []


@pytest.mark.parametrize(
    "url",
    ["http://ada:secret@example.com/", "http://ada@example.com/", "http://127.0.0.1@example.com/", "file:///etc/passwd",
     "gopher://example.com/", "ftp://example.com/", "//example.com/", "http:///x", "http://[::1]/",
     "http://169.254.169.254/latest", "http://example.com:0/", "http://example.com:99999/"],
)  # fmt: skip
def test_what_is_no_address_of_a_subscriber_is_refused_when_it_is_given(url: str) -> None:
    with pytest.raises(InvalidInput):
        check(url, private=False)


def test_a_message_or_subscription_that_is_gone_is_passed_over(private: Settings, conn: Conn, address: str) -> None:
    call_subscriber(subscription(conn, f"{address}/200"), str(uuid.uuid4()))
    call_subscriber(str(uuid.uuid4()), message(conn))
    assert Subscriber.told == []


@pytest.mark.parametrize(("ip", "public"), [("93.184.216.34", True), ("2606:2800:220:1::1", True), ("10.0.0.1", False),
    ("192.168.1.1", False), ("172.16.0.1", False), ("127.0.0.1", False), ("::1", False),
    ("64:ff9b::808:808", True), ("64:ff9b::7f00:1", False),
    ("64:ff9b::a00:1", False), ("fc00::1", False), ("100.64.0.1", False), ("::ffff:10.0.0.1", False),
    ("2002:7f00:1::", False), ("2002:a00:1::", False), ("fec0::1", False), ("2002:5db8:d822::", True)])  # fmt: skip
def test_private_addresses_are_told_from_public_ones(ip: str, public: bool) -> None:
    assert reachable(ip, private=False) is public
    assert reachable(ip, private=True)


@pytest.mark.parametrize("ip", ["0.0.0.0", "224.0.0.1", "ff02::1", "240.0.0.1", "::", "169.254.169.254", "fe80::1%eth0",
    "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "::127.0.0.1"])  # fmt: skip
def test_addresses_of_nobody_are_never_called(ip: str) -> None:
    assert not reachable(ip, private=True)
