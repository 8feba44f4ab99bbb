"""What the door does while Valkey is away: refuse quickly, take again at once, lose nothing it took."""

import http.client
import json
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from api_server import HOOKS, Answer, ApiServer, ask, wait_for

from dcm.broker import mailbox_key
from dcm.domain.mail import Letter, sealed


@pytest.fixture
def server(server: ApiServer) -> Iterator[ApiServer]:
    """The module's server; its Valkey is back when the test is over."""
    yield server
    server.valkey.resume()
    if server.valkey.process.poll() is not None:
        server.valkey.start()


def post(server: ApiServer, number: int) -> Answer:
    return server.hook({"session_id": "s1", "hook_event_name": "PostToolUse", "number": number})


def numbers(server: ApiServer) -> list[int]:
    return [json.loads(raw)["number"] for raw in server.valkey.payloads()]


def is_refusal(answer: Answer) -> bool:
    return answer.status == 503 and "It was not accepted" in answer.json["error"]


def test_a_stopped_valkey_is_answered_with_503_within_100_ms_and_events_are_taken_when_it_is_back(
    server: ApiServer,
) -> None:
    assert post(server, 1).status == 200
    server.valkey.stop()
    answers = [post(server, 2) for _ in range(20)]
    assert all(map(is_refusal, answers))
    assert max(answer.seconds for answer in answers) < 0.1
    server.valkey.start()
    assert post(server, 3).status == 200
    assert numbers(server) == [1, 3]


def test_a_stalled_valkey_is_answered_with_503_within_a_second_and_the_next_at_once(server: ApiServer) -> None:
    assert post(server, 1).status == 200
    server.valkey.stall()
    first = post(server, 2)
    following = [post(server, 3) for _ in range(20)]
    assert all(map(is_refusal, [first, *following]))
    assert first.seconds < 1.0
    assert max(answer.seconds for answer in following) < 0.1
    server.valkey.resume()
    wait_for(lambda: post(server, 4).status == 200, "taking events again", 3)
    assert {1, 4} <= set(numbers(server))
    server.valkey.client.set(mailbox_key("s1"), sealed(Letter("mail")))
    assert [b"mail" in post(server, 5).body for _ in range(3)] == [True, False, False]


def test_nobody_waits_longer_than_a_second_for_a_stalled_valkey_however_many_come(server: ApiServer) -> None:
    server.valkey.stall()
    gaps = threading.Event()

    def late(number: int) -> Answer:
        gaps.wait(number * 0.02)
        return post(server, number)

    with ThreadPoolExecutor(30) as senders:
        answers = list(senders.map(late, range(30)))
    assert all(map(is_refusal, answers))
    assert max(answer.seconds for answer in answers) < 1.0


def test_why_valkey_refuses_is_said_without_the_command_it_refused(server: ApiServer) -> None:
    server.valkey.client.config_set("maxmemory", 1)
    try:
        wait_for(lambda: "when used memory >" in post(server, 1).json["error"], "a refusal by Valkey itself", 3)
        answer = post(server, 1)
    finally:
        server.valkey.client.config_set("maxmemory", 0)
    assert is_refusal(answer)
    assert "EVAL" not in answer.json["error"]
    assert len(answer.json["error"]) < 200


def test_a_compaction_is_answered_at_once_while_valkey_is_away(server: ApiServer) -> None:
    server.valkey.stop()
    for name in ("PreCompact", "SessionStart"):
        answer = server.hook({"session_id": "s1", "hook_event_name": name, "source": "compact"})
        assert is_refusal(answer)
        assert answer.seconds < 1.0


def test_reads_are_served_while_valkey_is_away(server: ApiServer) -> None:
    server.valkey.stop()
    assert server.get("/health").status == 200
    assert server.get("/api/sessions").status == 200


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_acknowledged_is_missing_after_valkey_died_in_the_middle(server: ApiServer, kill: int) -> None:
    taken: list[int] = []
    back, over = threading.Event(), threading.Event()

    def send(sender: int) -> None:
        number, after = sender * 1_000_000, 0
        with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=15)) as connection:
            while after < 20 and not over.is_set():
                number += 1
                body = json.dumps({"session_id": f"s{sender}", "hook_event_name": "Stop", "number": number})
                if ask(connection, "POST", HOOKS, body).status == 200:
                    taken.append(number)
                    after += back.is_set()

    with ThreadPoolExecutor(4) as senders:
        sending = [senders.submit(send, sender) for sender in range(4)]
        try:
            wait_for(lambda: len(taken) > 200, "200 events")
            server.valkey.process.send_signal(kill)
            server.valkey.process.wait(10)
            server.valkey.start()
            back.set()
            for each in sending:
                each.result(15)
        finally:
            over.set()
    assert set(taken) <= set(numbers(server))
