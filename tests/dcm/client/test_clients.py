"""When a call is tried again, and what an error says: for both clients, which share the rules."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from api_server import free_ports
from recorder import Recorder, Said, recording

from dcm.client import Absent, AsyncClient, Busy, Client, ClientError, Refused, Unreachable
from dcm.client.calls import events, system, work
from dcm.client.calls.call import Call
from dcm.client.sending import attempts

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


@pytest.mark.parametrize("url", ["", "127.0.0.1:3847", "ftp://127.0.0.1", "http://"])
def test_a_url_that_is_none_is_refused_by_name(url: str) -> None:
    for kind in (Client, AsyncClient):
        with pytest.raises(ClientError, match="is not the URL of a server"):
            kind(url)


def test_half_a_character_can_be_sent(recorder: Recorder) -> None:
    with Client(recorder.url) as client:
        client.hook({"session_id": "s", "hook_event_name": "Stop", "last_assistant_message": "\ud83d"})
    assert recorder.asked[0].body["last_assistant_message"] == "\ud83d"


def test_plain_text_is_an_answer_of_a_hook(recorder: Recorder) -> None:
    recorder.answer(Said(200, b"Keep the file names.", type="text/plain; charset=utf-8"))
    with Client(recorder.url) as client:
        assert client.hook({"session_id": "s", "hook_event_name": "PreCompact"}) == "Keep the file names."
