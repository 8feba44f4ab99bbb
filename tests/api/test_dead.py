"""What failed for good: seen, sent again so that it is stored exactly once, dropped."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import dramatiq
import pytest
from api_server import ApiServer, database_away
from inside import writing

from db.pool import Conn
from dcm.broker import stream_key

NOBODY = "00000000-0000-0000-0000-000000000000"
TOKEN = "ghp_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z56"
REFUSE = "ALTER TABLE hook_events ADD CONSTRAINT no_news CHECK (event <> 'News') NOT VALID"
ALLOW = "ALTER TABLE hook_events DROP CONSTRAINT no_news"


@pytest.fixture
def write_all(server: ApiServer, conn: Conn) -> Iterator[Callable[[], None]]:
    """Writes what the server has accepted; the database refuses events of the name News until it is told not to."""
    conn.execute("ALTER TABLE hook_events DROP CONSTRAINT IF EXISTS no_news")
    with writing(server.database_url, server.valkey.url) as write:
        yield write


def refuse(server: ApiServer, conn: Conn, write: Callable[[], None], *texts: str) -> list[dict[str, Any]]:
    """Have the database refuse an event a text; what is listed then."""
    conn.execute(REFUSE)
    for text in texts:
        server.hook({"session_id": "s1", "hook_event_name": "News", "text": text})
    write()
    return listed(server)


def listed(server: ApiServer, kind: str = "") -> list[dict[str, Any]]:
    letters: list[dict[str, Any]] = server.get(f"/api/dead?kind={kind}").json["letters"]
    return letters


def kept(conn: Conn) -> list[tuple[Any, ...]]:
    return conn.execute("SELECT created_at, payload ->> 'text' FROM hook_events WHERE event = 'News'").fetchall()


def bury(server: ApiServer, *arguments: object, **options: Any) -> str:
    """A message as Dramatiq leaves it when its actor failed at every try; its id."""
    message: dramatiq.Message[Any] = dramatiq.Message("default", "make_brief", arguments, {}, options)
    message = message.copy(options={"redis_message_id": message.message_id})
    valkey = server.valkey.client
    valkey.zadd("dcm:dramatiq:default.XQ", {message.message_id: 1_795_000_000_000})
    valkey.hset("dcm:dramatiq:default.XQ.msgs", message.message_id, message.encode())
    return message.message_id


@pytest.mark.contract("GET /api/dead", "GET /api/dead/:id")
def test_a_refused_event_is_listed_with_its_reason_and_shown_with_its_payload(
    server: ApiServer, conn: Conn, write_all: Callable[[], None]
) -> None:
    (letter,) = refuse(server, conn, write_all, "hello")
    assert (letter["kind"], letter["name"], letter["session_id"], letter["tries"]) == ("event", "News", "s1", 1)
    assert "no_news" in letter["reason"]
    whole = server.get(f"/api/dead/{letter['id']}").json
    assert json.loads(whole["payload"])["text"] == "hello"
    assert server.get("/api/dead").json["counts"] == {"events": 1, "messages": 0}


@pytest.mark.contract("POST /api/dead/:id/retry")
def test_an_event_that_is_sent_again_is_stored_once_with_the_time_it_had(
    server: ApiServer, conn: Conn, write_all: Callable[[], None]
) -> None:
    (letter,) = refuse(server, conn, write_all, f"curl -H 'Authorization: Bearer {TOKEN}'")
    conn.execute(ALLOW)
    for _ in range(3):
        assert server.ask("POST", f"/api/dead/{letter['id']}/retry").json == {"sent": 1}
    assert listed(server)[0]["sent_again_at"]
    write_all()
    ((moment, text),) = kept(conn)
    assert moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") == letter["happened_at"]
    assert TOKEN not in text
    assert "[redacted:" in text
    assert listed(server) == []


def test_an_event_whose_double_was_stored_meanwhile_is_not_stored_again(
    server: ApiServer, conn: Conn, write_all: Callable[[], None]
) -> None:
    (letter,) = refuse(server, conn, write_all, f"Bearer {TOKEN}")
    conn.execute(ALLOW)
    server.hook({"session_id": "s1", "hook_event_name": "News", "text": f"Bearer {TOKEN}"})
    write_all()
    server.ask("POST", f"/api/dead/{letter['id']}/retry")
    write_all()
    assert len(kept(conn)) == 1
    assert listed(server) == []


def test_an_event_that_is_refused_again_stays_with_its_newest_reason_and_its_tries(
    server: ApiServer, conn: Conn, write_all: Callable[[], None]
) -> None:
    (letter,) = refuse(server, conn, write_all, "hello")
    conn.execute(ALLOW)
    conn.execute("ALTER TABLE hook_events ADD CONSTRAINT never_ever CHECK (event <> 'News') NOT VALID")
    server.ask("POST", f"/api/dead/{letter['id']}/retry")
    write_all()
    (again,) = listed(server)
    conn.execute("ALTER TABLE hook_events DROP CONSTRAINT never_ever")
    assert (again["id"], again["tries"], again["sent_again_at"]) == (letter["id"], 2, None)
    assert "never_ever" in again["reason"]
    assert again["happened_at"] == letter["happened_at"]
    assert again["failed_at"] > letter["failed_at"]


@pytest.mark.contract("POST /api/dead/retry")
def test_all_refused_events_are_sent_again_at_once_and_none_twice(
    server: ApiServer, conn: Conn, write_all: Callable[[], None]
) -> None:
    refuse(server, conn, write_all, "one", "two", "three")
    conn.execute(ALLOW)
    assert server.ask("POST", "/api/dead/retry").json == {"sent": 3}
    assert server.ask("POST", "/api/dead/retry").json == {"sent": 0}
    assert server.valkey.client.xlen(stream_key(0)) == 3
    write_all()
    assert sorted(text for _, text in kept(conn)) == ["one", "three", "two"]
    assert server.get("/api/dead").json["counts"]["events"] == 0


@pytest.mark.contract("GET /api/dead", "GET /api/dead/:id", "POST /api/dead/:id/retry")
def test_a_dead_message_is_listed_shown_and_put_back_into_its_queue_as_a_new_one(server: ApiServer, conn: Conn) -> None:
    dead_id = bury(server, "s1", "auto", retries=4, traceback="Traceback\n  line\nValueError: no", request_id="r-7")
    (letter,) = listed(server)
    assert (letter["id"], letter["kind"], letter["name"], letter["queue"]) == (
        dead_id, "message", "make_brief", "default",
    )  # fmt: skip
    assert (letter["reason"], letter["tries"], letter["request_id"]) == ("ValueError: no", 4, "r-7")
    assert server.get(f"/api/dead/{dead_id}").json["arguments"] == ["s1", "auto"]
    assert server.ask("POST", f"/api/dead/{dead_id}/retry").json == {"sent": 1}
    waiting = json.loads(server.valkey.client.hget("dcm:dramatiq:default.msgs", dead_id) or b"")
    assert server.valkey.client.lrange("dcm:dramatiq:default", 0, -1) == [dead_id.encode()]
    assert waiting["options"] == {"redis_message_id": dead_id, "request_id": "r-7"}
    assert listed(server) == []
    assert server.ask("POST", f"/api/dead/{dead_id}/retry").status == 404
    assert server.valkey.client.llen("dcm:dramatiq:default") == 1


@pytest.mark.contract("POST /api/dead/retry", "DELETE /api/dead")
def test_one_kind_is_listed_sent_again_and_dropped_without_the_other(
    server: ApiServer, conn: Conn, write_all: Callable[[], None]
) -> None:
    bury(server, 1)
    bury(server, 2)
    refuse(server, conn, write_all, "one", "two")
    assert {letter["kind"] for letter in listed(server, "event")} == {"event"}
    assert {letter["kind"] for letter in listed(server, "message")} == {"message"}
    assert server.ask("POST", "/api/dead/retry?kind=message").json == {"sent": 2}
    assert server.get("/api/dead").json["counts"] == {"events": 2, "messages": 0}
    bury(server, 3)
    assert server.ask("DELETE", "/api/dead?kind=event").json == {"dropped": 2}
    assert server.get("/api/dead").json["counts"] == {"events": 0, "messages": 1}
    assert server.ask("DELETE", "/api/dead").json == {"dropped": 1}


@pytest.mark.contract("DELETE /api/dead/:id")
def test_one_letter_is_dropped_for_good(server: ApiServer, conn: Conn, write_all: Callable[[], None]) -> None:
    refuse(server, conn, write_all, "one")
    for letter_id in (listed(server)[0]["id"], bury(server, 1)):
        assert server.ask("DELETE", f"/api/dead/{letter_id}").json == {"dropped": 1}
        assert server.ask("DELETE", f"/api/dead/{letter_id}").status == 404
    assert listed(server) == []


def test_what_is_sent_again_or_dropped_is_in_the_audit_log_with_who_did_it_and_nothing_else(
    server: ApiServer, conn: Conn, write_all: Callable[[], None]
) -> None:
    first, _ = refuse(server, conn, write_all, "one", "two")
    one, _ = bury(server, 1), bury(server, 2)
    for method, path in (
        ("POST", f"/{first['id']}/retry"), ("POST", f"/{one}/retry"), ("POST", f"/{NOBODY}/retry"),
        ("DELETE", f"/{first['id']}"), ("DELETE", f"/{NOBODY}"), ("POST", "/retry?kind=message"), ("DELETE", ""),
    ):  # fmt: skip
        server.ask(method, f"/api/dead{path}")
    told = conn.execute("SELECT who, act, subject, details FROM audit_log ORDER BY id").fetchall()
    assert told == [
        ("local", "dead.sent_again", first["id"], {"count": 1}),
        ("local", "dead.sent_again", one, {"count": 1}),
        ("local", "dead.dropped", first["id"], {"count": 1}),
        ("local", "dead.sent_again", "messages", {"count": 1}),
        ("local", "dead.dropped", "events", {"count": 1}),
    ]


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("DELETE", ""), ("POST", "/retry")])
def test_a_letter_there_is_not_is_answered_with_404(server: ApiServer, conn: Conn, method: str, path: str) -> None:
    answer = server.ask(method, f"/api/dead/{NOBODY}{path}")
    assert answer.status == 404
    assert "dcm dead list" in answer.json["error"]


def test_an_event_is_not_taken_for_sent_while_valkey_is_away(
    server: ApiServer, conn: Conn, write_all: Callable[[], None]
) -> None:
    (letter,) = refuse(server, conn, write_all, "hello")
    server.valkey.stop()
    try:
        assert server.ask("POST", f"/api/dead/{letter['id']}/retry").status == 503
    finally:
        server.valkey.start()
    assert conn.execute("SELECT sent_again_at FROM rejected_events").fetchall() == [(None,)]


def test_while_the_database_is_away_that_is_said(server: ApiServer, conn: Conn) -> None:
    with database_away(server.database_url):
        assert server.get("/api/dead").status == 503
