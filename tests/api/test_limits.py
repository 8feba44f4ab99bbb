"""How often a caller may call, and how often it may guess."""

import json
from collections.abc import Callable, Iterator

import pytest
from access_tokens import bearer, token
from api_server import HOOKS, Answer, ApiServer, OwnValkey, serving
from other_machine import ask_from_outside

from db.pool import Conn

PAYLOAD = json.dumps({"session_id": "s", "hook_event_name": "Notification"})


@pytest.fixture
def server(module_database: str, module_valkey: OwnValkey) -> Iterator[ApiServer]:
    """A server of this test's own, whose limits are untouched: 20 requests at once, then one a second."""
    module_valkey.client.flushall()
    told = {"HOST": "0.0.0.0", "DCM_RATE_PER_SECOND": "1", "DCM_RATE_BURST": "20"}
    with serving(module_valkey, module_database, **told) as running:
        yield running


def statuses(server: ApiServer, count: int, headers: dict[str, str]) -> list[int]:
    return [report(server, headers).status for _ in range(count)]


def report(server: ApiServer, headers: dict[str, str]) -> Answer:
    return ask_from_outside(server, "POST", HOOKS, PAYLOAD, headers)


def until_late(ask: Callable[[int], Answer]) -> list[Answer]:
    """Answers to one request after another, up to the first that says to wait: more is let in while they take time."""
    answers = [ask(0)]
    while answers[-1].status != 429:
        assert len(answers) < 300
        answers.append(ask(len(answers)))
    return answers


def test_a_token_that_calls_too_often_waits_and_another_does_not(server: ApiServer, conn: Conn) -> None:
    busy, quiet = token(server, "ingest", name="busy"), token(server, "ingest", name="quiet")
    assert statuses(server, 20, bearer(busy)) == [200] * 20
    late = until_late(lambda _: report(server, bearer(busy)))[-1]
    assert int(late.headers["Retry-After"]) >= 1
    assert statuses(server, 1, bearer(quiet)) == [200]


def test_hooks_that_are_not_let_in_are_counted_under_their_own_names(server: ApiServer, conn: Conn) -> None:
    reporter, reader = bearer(token(server, "ingest", name="busy")), bearer(token(server, "read", name="reader"))
    asked = [*statuses(server, 2, reader), *statuses(server, 3, {})]
    asked += [answer.status for answer in until_late(lambda _: report(server, reporter))]
    lines = server.get("/metrics").body.decode().splitlines()
    for status, answer in ((401, "unauthorized"), (403, "forbidden"), (429, "too many"), (200, "accepted")):
        (line,) = [line for line in lines if line.startswith("dcm_hook_duration_seconds_count") and answer in line]
        assert float(line.rpartition(" ")[2]) == asked.count(status) > 0, answer


def test_an_address_without_a_token_is_limited_too(server: ApiServer, conn: Conn) -> None:
    *asked, _ = [answer.status for answer in until_late(lambda _: report(server, {}))]
    assert len(asked) >= 20
    assert set(asked) == {401}


def test_this_machine_is_not_slowed(server: ApiServer, conn: Conn) -> None:
    payload = {"session_id": "s", "hook_event_name": "Notification"}
    assert {server.hook(payload).status for _ in range(60)} == {200}


def test_who_guesses_waits_after_ten_tries_and_a_good_token_of_that_address_goes_on(
    server: ApiServer, conn: Conn
) -> None:
    good = bearer(token(server, "ingest"))
    assert statuses(server, 1, good) == [200]
    *guessed, late = until_late(lambda n: ask_from_outside(server, "GET", "/health", headers=bearer(f"dcm_{n}")))
    assert ({answer.status for answer in guessed}, len(guessed) >= 10) == ({401}, True)
    assert int(late.headers["Retry-After"]) >= 1
    assert statuses(server, 3, good) == [200] * 3


def test_guesses_of_this_machine_are_limited_as_well(server: ApiServer, conn: Conn) -> None:
    *guessed, _ = until_late(lambda n: server.ask("GET", "/api/audit", headers=bearer(f"dcm_{n}")))
    assert ({answer.status for answer in guessed}, len(guessed) >= 10) == ({401}, True)


def test_who_guesses_behind_a_proxy_of_this_machine_holds_up_nobody_else_behind_it(
    server: ApiServer, conn: Conn
) -> None:
    def through(address: str, shown: str) -> Answer:
        headers = {"X-Forwarded-For": f"127.0.0.1, {address}", **bearer(shown)}
        return server.ask("GET", "/health", headers=headers)

    good = token(server, "read")
    assert len(until_late(lambda n: through("198.51.100.7", f"dcm_{n}"))) > 10
    assert through("198.51.100.8", good).status == 200
