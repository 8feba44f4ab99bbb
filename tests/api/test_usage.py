"""Tokens, money and context of sessions, as they are told and as they are asked for."""

import json
from typing import Any

import pytest
from api_server import ApiServer
from stories import event, store

from db.pool import Conn

pytestmark = pytest.mark.usefixtures("conn")


def message(name: str, model: str = "claude-opus-5", session: str = "s1", **tokens: int) -> dict[str, Any]:
    return {"message_id": name, "session_id": session, "model": model, "at": "2026-11-20T12:00:00.000Z", **tokens}


def context(at: str, tokens: int | None, model: str = "claude-opus-5") -> dict[str, Any]:
    return {"session_id": "s1", "at": f"2026-11-20T12:{at}.000Z", "tokens": tokens, "model": model}


def told(server: ApiServer, *messages: Any, contexts: Any = ()) -> Any:
    return server.ask("POST", "/api/usage", json.dumps({"messages": list(messages), "contexts": list(contexts)}))


def test_a_session_tells_its_tokens_by_model_their_cost_and_how_full_its_context_is(server: ApiServer) -> None:
    kept = told(
        server,
        message("msg_01XFDUDYJgAACzvnptVvoYEL", input_tokens=1000, output_tokens=2000, cache_read_tokens=10_000),
        message("m2", input_tokens=1000, cache_creation_tokens=3000, cache_creation_1h_tokens=1000),
        message("m3", "strange-model", input_tokens=7, agent_id="a1"),
        contexts=[context("00:10", 500_000)],
    )
    assert kept.json == {"messages": 3, "contexts": 1}
    found = server.get("/api/sessions/s1/usage")
    assert found.status == 200
    assert found.json["models"][0] == {
        "model": "claude-opus-5", "messages": 2, "input_tokens": 2000, "output_tokens": 2000,
        "cache_read_tokens": 10_000, "cache_creation_tokens": 3000, "cache_creation_1h_tokens": 1000,
        "cost": pytest.approx((2000 * 5 + 2000 * 25 + 10_000 * 0.5 + 2000 * 6.25 + 1000 * 10) / 1e6),
        "cost_source": "prices",
    }  # fmt: skip
    assert (found.json["models"][1]["model"], found.json["models"][1]["cost"]) == ("strange-model", None)
    assert (found.json["total"]["input_tokens"], found.json["total"]["messages"]) == (2007, 3)
    assert found.json["total"]["cost"] == found.json["models"][0]["cost"]
    assert found.json["unpriced"] == ["strange-model"]
    assert found.json["context"] == {
        "tokens": 500_000, "model": "claude-opus-5", "window": 1_000_000, "percent": 50.0,
        "told_at": "2026-11-20T12:00:10.000Z",
    }  # fmt: skip


def test_a_message_counts_once_for_the_session_that_told_it_first_with_the_most_that_was_told(
    server: ApiServer,
) -> None:
    told(server, message("m1", output_tokens=5), message("m1", output_tokens=90))
    told(server, message("m1", output_tokens=7), message("m1", session="s2", output_tokens=900))
    assert server.get("/api/sessions/s1/usage").json["total"]["output_tokens"] == 90
    assert server.get("/api/sessions/s2/usage").status == 404


def test_a_message_that_two_sessions_tell_at_once_stays_with_the_first(server: ApiServer) -> None:
    told(server, message("m1", output_tokens=5), message("m1", session="s2", output_tokens=900))
    assert server.get("/api/sessions/s1/usage").json["total"]["output_tokens"] == 5
    assert server.get("/api/sessions/s2/usage").status == 404


def test_the_newest_context_counts_whatever_order_it_is_told_in(server: ApiServer) -> None:
    told(server, message("m1", input_tokens=1), contexts=[context("00:10", 100), context("00:05", 5)])
    assert server.get("/api/sessions/s1/usage").json["context"]["tokens"] == 100
    told(server, contexts=[context("00:20", None, "")])
    found = server.get("/api/sessions/s1/usage").json["context"]
    assert (found["tokens"], found["percent"], found["model"]) == (None, None, "claude-opus-5")


def test_the_start_of_a_session_says_that_it_has_the_large_window(server: ApiServer, conn: Conn) -> None:
    store(conn, event(1, "SessionStart", model="claude-sonnet-4-5[1m]"))
    told(server, contexts=[context("00:10", 100_000, "claude-sonnet-4-5")])
    found = server.get("/api/sessions/s1/usage").json["context"]
    assert (found["window"], found["percent"]) == (1_000_000, 10.0)


def test_a_session_without_a_transcript_used_nothing_that_is_known_and_an_unknown_one_is_not_found(
    server: ApiServer, conn: Conn
) -> None:
    store(conn, event(1, "SessionStart"))
    found = server.get("/api/sessions/s1/usage").json
    assert (found["models"], found["total"]["cost"], found["context"], found["unpriced"]) == ([], None, None, [])
    assert server.get("/api/sessions/nobody/usage").status == 404


@pytest.mark.parametrize(
    "wrong",
    [{"input_tokens": -1}, {"output_tokens": 2**40}, {"model": ""}, {"at": "yesterday"}, {"message_id": "x" * 301}],
)
def test_what_cannot_be_counted_is_refused(server: ApiServer, wrong: dict[str, Any]) -> None:
    assert told(server, message("m1") | wrong).status == 400
    assert told(server, *[message(f"m{n}") for n in range(1001)]).status == 400
