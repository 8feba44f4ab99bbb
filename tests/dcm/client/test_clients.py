"""When a call is tried again, and what an error says: for both clients, which share the rules."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from api_server import free_ports
from recorder import Recorder, Said, recording

from dcm.client import Absent, AsyncClient, Busy, Client, ClientError, Refused, Unreachable
from dcm.client.calls import events, system, work
from dcm.client.calls.call import Call
from dcm.client.errors import UNAUTHORIZED
from dcm.client.sending import attempts, failure

URL = "http://127.0.0.1:1"
LOST = httpx.ReadError("the connection was reset")
REFUSED = httpx.ConnectError("refused")
READ = system.get_stats()
WRITE = work.create_task("r")
HOOK = events.hook({"session_id": "s", "hook_event_name": "Stop"})


def answered(status: int, body: Any = None) -> httpx.Response:
    return httpx.Response(status, json=body or {}, request=httpx.Request("GET", URL))


def run(call: Call[Any], *outcomes: httpx.Response | httpx.TransportError) -> tuple[list[float], Any]:
    """The pauses before each try, and the answer or the error."""
    steps = attempts(call, URL)
    pauses = [next(steps)]
    try:
        for outcome in outcomes:
            pauses += [steps.send(outcome)]
    except StopIteration as done:
        return pauses, done.value
    except ClientError as error:
        return pauses, error
    return pauses, "still trying"


@pytest.mark.parametrize("call", [READ, HOOK])
@pytest.mark.parametrize("outcome", [LOST, REFUSED, httpx.ReadTimeout("late"), answered(503), answered(502)])
def test_what_may_be_repeated_is_tried_three_times_with_growing_pauses(call: Call[Any], outcome: Any) -> None:
    pauses, error = run(call, outcome, outcome, outcome)
    assert pauses == [0.0, 0.1, 0.2]
    assert isinstance(error, ClientError)
    assert run(call, outcome, answered(200, {"a": 1}))[1] == {"a": 1}


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("http://localhost:3847", "start it with `dcm start`, or"),
        ("http://[::1]:3847", "start it with `dcm start`, or"),
        ("https://dcm.example.org:3847", "start it on that machine, or"),
    ],
)
def test_who_calls_a_dcm_on_another_machine_is_not_told_to_start_one_here(url: str, advice: str) -> None:
    assert advice in str(failure(READ, REFUSED, url))


@pytest.mark.parametrize("outcome", [LOST, httpx.ReadTimeout("late"), answered(503), answered(500)])
def test_a_write_that_may_have_arrived_is_never_sent_twice(outcome: Any) -> None:
    pauses, error = run(WRITE, outcome)
    assert pauses == [0.0]
    assert isinstance(error, ClientError)


def test_a_write_whose_connection_was_refused_is_tried_again() -> None:
    assert run(WRITE, REFUSED, REFUSED, answered(201, {"a": 1})) == ([0.0, 0.1, 0.2], {"a": 1})


@pytest.mark.parametrize("call", [READ, WRITE, HOOK])
@pytest.mark.parametrize("status", [400, 404, 409, 413, 429])
def test_a_refusal_is_never_tried_again(call: Call[Any], status: int) -> None:
    pauses, error = run(call, answered(status, {"error": "No."}))
    assert pauses == [0.0]
    assert isinstance(error, Refused)
    assert (str(error), error.status) == ("No.", status)


@pytest.mark.parametrize(
    ("status", "body", "kind", "sentence"),
    [
        (404, {"error": "Project not found"}, Absent, "Project not found"),
        (401, {"error": "Unauthorized"}, Refused, UNAUTHORIZED),
        (503, {"error": "Valkey is away."}, Busy, "Valkey is away."),
        (500, {"oops": 1}, Refused, 'DCM answered 500: {"oops":1}'),
        (400, {"error": "Validation failed", "details": {"path": ["Field required"]}}, Refused, "Validation failed"),
    ],
)
def test_an_error_has_the_apis_own_sentence(status: int, body: Any, kind: type[Refused], sentence: str) -> None:
    _, error = run(WRITE, answered(status, body))
    assert type(error) is kind
    assert str(error) == sentence
    assert error.details == body.get("details", {})


def test_an_unhealthy_dcm_is_an_answer(recorder: Recorder) -> None:
    recorder.answer(Said(503, {"status": "unhealthy"}))
    with Client(recorder.url) as client:
        assert client.health()["status"] == "unhealthy"
    assert len(recorder.asked) == 1


def both(recorder: Recorder, ask: Callable[[Any], Any], **options: Any) -> list[Any]:
    """What both clients give, an error as itself."""

    async def awaited() -> Any:
        async with AsyncClient(recorder.url, **options) as client:
            return await ask(client)

    found = []
    for way in (lambda: _with(Client(recorder.url, **options), ask), lambda: asyncio.run(awaited())):
        try:
            found.append(way())
        except ClientError as error:
            found.append(error)
    return found


def _with(client: Client, ask: Callable[[Any], Any]) -> Any:
    with client:
        return ask(client)


def test_both_clients_answer_alike_and_send_the_token(recorder: Recorder) -> None:
    recorder.answer(Said(200, {"projectCount": 3}))
    assert both(recorder, lambda client: client.get_stats(), token="sesame") == [{"projectCount": 3}] * 2
    assert [asked.headers["Authorization"] for asked in recorder.asked] == ["Bearer sesame"] * 2


def test_both_clients_send_a_lost_read_again_and_a_lost_write_not(recorder: Recorder) -> None:
    recorder.answer(Said(drop=True), Said(200, {"n": 1}), Said(drop=True), Said(200, {"n": 2}))
    assert both(recorder, lambda client: client.get_stats()) == [{"n": 1}, {"n": 2}]
    recorder.asked.clear()
    recorder.answer(Said(drop=True))
    errors = both(recorder, lambda client: client.create_task("r"))
    assert [(type(error), error.sent) for error in errors] == [(Unreachable, True)] * 2
    assert len(recorder.asked) == 2


def test_nobody_listening_is_said_with_what_to_do() -> None:
    [port] = free_ports(1)
    with Client(f"http://127.0.0.1:{port}") as client, pytest.raises(Unreachable, match="`dcm start`") as caught:
        client.get_stats()
    assert not caught.value.sent


def test_a_server_that_comes_up_meanwhile_is_reached_by_a_write() -> None:
    [port] = free_ports(1)
    done, answers = threading.Event(), []

    def ask() -> None:
        with Client(f"http://127.0.0.1:{port}") as client:
            while not done.is_set():
                try:
                    answers.append(client.create_task("r"))
                    done.set()
                except Unreachable as error:
                    assert not error.sent  # noqa: PT017 - in a thread

    thread = threading.Thread(target=ask)
    thread.start()
    with recording(port) as recorder:
        done.wait(10)
        thread.join(10)
    assert answers == [{}]
    assert len(recorder.asked) == 1


def test_something_else_on_the_port_is_said(recorder: Recorder) -> None:
    recorder.answer(Said(200, b"<html>"))
    with Client(recorder.url) as client, pytest.raises(ClientError, match="is not DCM"):
        client.get_stats()


@pytest.mark.parametrize(
    "said",
    [Said(200, b"hello", type="text/plain"), Said(200, b"<p>", type="text/html"), Said(200, [1]), Said(200, "x"),
     Said(200, None), Said(200, b""), Said(204)],
    ids=repr,
)  # fmt: skip
def test_an_answer_that_is_no_object_is_said_to_be_another_programs(recorder: Recorder, said: Said) -> None:
    recorder.answer(said)
    errors = both(recorder, lambda client: client.get_stats())
    assert [type(error) for error in errors] == [ClientError] * 2
    assert all("is not DCM" in str(error) for error in errors)


def test_an_answer_that_cannot_be_unpacked_is_an_error_of_the_client(recorder: Recorder) -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=b"no gzip")

    with Client(recorder.url) as client, httpx.Client(base_url=URL, transport=httpx.MockTransport(broken)) as http:
        client._http = http
        with pytest.raises(Unreachable):
            client.get_stats()


@pytest.mark.parametrize(
    ("said", "healthy"),
    [(Said(200, {"status": "healthy"}), True), (Said(503, {"status": "unhealthy"}), False), (Said(200, {}), False),
     (Said(500, {}), False), (Said(200, b"hello"), False)],
)  # fmt: skip
def test_health_is_asked_without_an_error(recorder: Recorder, said: Said, healthy: bool) -> None:
    recorder.answer(said)
    assert both(recorder, lambda client: client.is_healthy()) == [healthy] * 2


def test_a_dcm_that_does_not_answer_is_not_healthy() -> None:
    with Client(f"http://127.0.0.1:{free_ports(1)[0]}", retries=0) as client:
        assert not client.is_healthy()


@pytest.mark.parametrize("retries", [0, 1, 4])
def test_a_call_is_tried_again_as_often_as_was_chosen(recorder: Recorder, retries: int) -> None:
    recorder.answer(Said(503, {"error": "Away."}))
    assert [type(error) for error in both(recorder, lambda client: client.get_stats(), retries=retries)] == [Busy] * 2
    assert len(recorder.asked) == 2 * (retries + 1)


def test_no_try_begins_after_the_time_of_the_call() -> None:
    steps = attempts(READ, URL, over_at=time.monotonic() + 0.05)
    assert next(steps) == 0
    with pytest.raises(Unreachable):
        steps.send(LOST)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"])
def test_the_time_is_that_of_the_whole_call_however_slowly_the_answer_drips(head: bytes) -> None:
    stop = threading.Event()

    def drip(server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while not stop.is_set():
                link, _ = server.accept()
                with link, contextlib.suppress(OSError):
                    link.sendall(head)
                    while not stop.wait(0.05):
                        link.sendall(b"H" if not head else b" ")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=[server])
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        try:
            began = time.monotonic()
            errors = both(Recorder(url), lambda client: client.get_stats(), timeout=0.4)
            assert time.monotonic() - began < 5
        finally:
            stop.set()
            with contextlib.suppress(OSError), socket.create_connection(server.getsockname(), 1):
                pass
            thread.join()
    assert [(type(error), error.sent) for error in errors] == [(Unreachable, True)] * 2
    assert all("did not answer in time" in str(error) for error in errors)


@pytest.mark.parametrize("url", ["", "127.0.0.1:3847", "ftp://127.0.0.1", "http://"])
def test_a_url_that_is_none_is_refused_by_name(url: str) -> None:
    for kind in (Client, AsyncClient):
        with pytest.raises(ClientError, match="is not the URL of a server"):
            kind(url)


@pytest.mark.parametrize("name", ["", ".", "..", "s\ud800"])
def test_an_id_that_no_path_can_carry_is_refused_before_it_is_sent(recorder: Recorder, name: str) -> None:
    errors = both(recorder, lambda client: client.get_session(name))
    assert [type(error) for error in errors] == [ClientError] * 2
    assert recorder.asked == []


def test_half_a_character_in_a_query_is_refused_before_it_is_sent(recorder: Recorder) -> None:
    errors = both(recorder, lambda client: client.search("s\ud800"))
    errors += both(recorder, lambda client: client.suggest_tools(["a", "s\ud800"]))
    assert [type(error) for error in errors] == [ClientError] * 4


def test_half_a_character_can_be_sent(recorder: Recorder) -> None:
    with Client(recorder.url) as client:
        client.hook({"session_id": "s", "hook_event_name": "Stop", "last_assistant_message": "\ud83d"})
    assert recorder.asked[0].body["last_assistant_message"] == "\ud83d"


def test_plain_text_is_an_answer_of_a_hook(recorder: Recorder) -> None:
    recorder.answer(Said(200, b"Keep the file names.", type="text/plain; charset=utf-8"))
    with Client(recorder.url) as client:
        assert client.hook({"session_id": "s", "hook_event_name": "PreCompact"}) == "Keep the file names."
