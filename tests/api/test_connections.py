"""Connections from other machines: a bounded number, none silent for long; those of this machine are left alone."""

import contextlib
import http.client
import resource
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from access_tokens import bearer, token
from api_server import ApiServer, OwnValkey, ask, serving
from other_machine import ask_from_outside, own_address

from api import connections
from api.connections import FIRST_S, KEPT_S, MOST_OF_ADDRESS, Strangers
from db.pool import Conn

ENDLESS = resource.RLIM_INFINITY


@pytest.fixture(scope="module")
def module_server(module_database: str, module_valkey: OwnValkey) -> Iterator[ApiServer]:
    """A server that other machines reach."""
    with serving(module_valkey, module_database, HOST="0.0.0.0", DCM_RATE_BURST="1000000") as running:
        yield running


def is_ended(link: socket.socket, seconds: float) -> bool:
    """Whether the server ends a connection within so long."""
    link.settimeout(seconds)
    try:
        return link.recv(1) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


@dataclass(eq=False)
class Link:
    """A connection of a test."""

    waiting: bool = True
    ended: bool = False

    def is_waiting(self) -> bool:
        return self.waiting

    def cut(self) -> None:
        self.ended = True


def test_an_address_has_so_many_connections_and_others_and_this_machine_are_not_held_up(
    server: ApiServer, conn: Conn
) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(MOST_OF_ADDRESS):
            stack.enter_context(socket.create_connection((own_address(), server.port)))
        assert is_ended(stack.enter_context(socket.create_connection((own_address(), server.port))), 5)
        assert server.hook({"session_id": "s", "hook_event_name": "Notification"}).status == 200
        stack.pop_all().close()
    assert ask_from_outside(server, "GET", "/health").status == 401


@pytest.mark.parametrize("sent", [b"", b"GET /health HTTP/1.1\r\nHost: x\r\nX-Half: "])
def test_one_from_elsewhere_that_does_not_send_its_first_request_is_ended_and_one_of_this_machine_is_not(
    server: ApiServer, conn: Conn, sent: bytes
) -> None:
    with (
        socket.create_connection((own_address(), server.port)) as stranger,
        socket.create_connection(("127.0.0.1", server.port)) as ours,
    ):
        for link in (stranger, ours):
            link.sendall(sent)
        assert is_ended(stranger, FIRST_S + 5)
        assert not is_ended(ours, 0.1)


def test_a_connection_from_elsewhere_serves_one_request_after_the_other(server: ApiServer, conn: Conn) -> None:
    shown = bearer(token(server, "read"))
    with contextlib.closing(http.client.HTTPConnection(own_address(), server.port, timeout=15)) as link:
        link.connect()
        first = link.sock
        assert [ask(link, "GET", "/health", None, shown).status for _ in range(3)] == [200] * 3
        assert link.sock is first


def test_silence_counts_from_the_answer_and_not_while_a_request_is_answered() -> None:
    strangers, link = Strangers(10), Link()
    assert strangers.enter(link, "a", 0.0)
    strangers.look(FIRST_S - 1)
    link.waiting = False
    strangers.look(FIRST_S + 100)
    link.waiting = True
    strangers.look(FIRST_S + 100 + KEPT_S - 1)
    assert not link.ended
    strangers.look(FIRST_S + 100 + KEPT_S)
    assert link.ended


def test_there_is_room_for_so_many_in_all_and_who_leaves_makes_room() -> None:
    strangers, links = Strangers(2), [Link() for _ in range(3)]
    assert [strangers.enter(link, str(number), 0.0) for number, link in enumerate(links)] == [True, True, False]
    strangers.leave(links[0], "0")
    assert strangers.enter(links[2], "2", 0.0)


@pytest.mark.parametrize(("limits", "raised"), [
    ((256, 524_288), (65_536, 524_288)), ((256, 4096), (4096, 4096)), ((256, ENDLESS), (65_536, ENDLESS)),
    ((100_000, 524_288), None), ((ENDLESS, ENDLESS), None),
])  # fmt: skip
def test_the_number_of_open_files_is_raised_as_far_as_the_system_allows_and_never_lowered(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], raised: tuple[int, int] | None
) -> None:
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(connections.resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(connections.resource, "setrlimit", lambda _, new: told.append(new))
    connections.raise_limit()
    assert told == ([raised] if raised else [])
