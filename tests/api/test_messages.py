"""Messages, subscriptions, routing, cleanup and tokens over HTTP (contract, sections 3.8, 3.12, 3.13)."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from api_server import ApiServer, wait_for

from api.routes.tools_summary import count
from db.pool import Conn
from dcm import secret
from dcm import settings as settings_module
from dcm.domain.tokens import Identity, verified
from wsbridge.hub import now_ms


def call(server: ApiServer, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    answer = server.ask(method, path, json.dumps(body).encode() if body is not None else None)
    assert answer.status == status, answer.body
    return answer.json if answer.body else None


def events(conn: Conn) -> list[tuple[Any, ...]]:
    return conn.execute("SELECT channel, event FROM events ORDER BY id").fetchall()


def queued(server: ApiServer, many: int) -> list[tuple[str, list[Any]]] | None:
    """What the general worker is asked for, once it is so many."""
    found = [json.loads(one) for one in server.valkey.client.hvals("dcm:dramatiq:default.msgs")]
    return [(one["actor_name"], one["args"]) for one in found] if len(found) == many else None


HELLO = {"from_agent": "a", "to_agent": "b", "topic": "context.request", "content": {"q": 1}}


@pytest.mark.contract("POST /api/messages")
def test_post_messages_stores_tells_and_asks_for_the_calls(server: ApiServer, conn: Conn) -> None:
    sent = call(server, "POST", "/api/messages", HELLO, 201)["message"]
    assert (sent["from_agent"], sent["to_agent"], sent["priority"], sent["is_broadcast"]) == ("a", "b", 0, False)
    assert events(conn) == [("agents/b", "message.new")]
    asked = wait_for(lambda: queued(server, 2), "the calls of subscribers and the delivery")
    assert sorted(asked) == [("call_subscribers", [sent["id"]]), ("deliver_message", [sent["id"]])]


def test_a_message_to_nobody_is_a_broadcast_and_text_is_wrapped(server: ApiServer, conn: Conn) -> None:
    sent = call(server, "POST", "/api/messages", {**HELLO, "to_agent": None, "content": "hi", "ttl_seconds": 60}, 201)
    assert sent["message"]["is_broadcast"]
    assert conn.execute("SELECT payload FROM agent_messages").fetchall() == [({"message": "hi"},)]
    assert events(conn) == [("global", "message.new")]


def test_the_shape_of_the_hooks_is_taken_too(server: ApiServer, conn: Conn) -> None:
    body = {"from_agent_id": "Explore", "to_agent_id": None, "message_type": "agent.completed",
            "topic": "agent.completed", "payload": {"result_summary": "done"}, "priority": 3}  # fmt: skip
    assert call(server, "POST", "/api/messages", body, 201)["message"]["from_agent"] == "Explore"


def test_a_message_type_alone_says_the_topic(server: ApiServer, conn: Conn) -> None:
    body = {"from_agent_id": "Explore", "message_type": "agent.failed", "payload": {"reason": "full"}}
    assert call(server, "POST", "/api/messages", body, 201)["message"]["topic"] == "agent.failed"


@pytest.mark.parametrize(("wrong", "field"), [
    ({"from_agent": ""}, "from_agent"), ({"topic": "gossip"}, "topic"), ({"content": 5}, "content"),
    ({"priority": 11}, "priority"), ({"ttl_seconds": 0}, "ttl_seconds"), ({"project_id": "x"}, "project_id"),
])  # fmt: skip
def test_a_message_that_is_wrong_is_refused_by_field(
    server: ApiServer, conn: Conn, wrong: dict[str, Any], field: str
) -> None:
    refused = call(server, "POST", "/api/messages", HELLO | wrong, 400)
    assert refused["error"] == "Validation failed"
    assert any(name.startswith(field) for name in refused["details"])


def test_a_message_of_an_unknown_project_is_refused(server: ApiServer, conn: Conn) -> None:
    refused = call(server, "POST", "/api/messages", HELLO | {"project_id": str(uuid.uuid4())}, 404)
    assert refused["error"].startswith("Project not found: ")


@pytest.mark.contract("GET /api/messages")
def test_get_messages_gives_all_newest_first(server: ApiServer, conn: Conn) -> None:
    for number in range(3):
        call(server, "POST", "/api/messages", HELLO | {"content": {"n": number}}, 201)
    page = call(server, "GET", "/api/messages?limit=2")
    assert [message["payload"]["n"] for message in page["messages"]] == [2, 1]
    assert (page["count"], page["limit"], page["offset"]) == (3, 2, 0)


@pytest.mark.contract("GET /api/messages/:agent_id")
def test_a_poll_gives_what_is_for_the_agent_urgent_first_and_marks_it_as_read(server: ApiServer, conn: Conn) -> None:
    for body in ({"content": {"n": 1}}, {"content": {"n": 2}, "priority": 9}, {"content": {"n": 3}, "to_agent": None},
                 {"content": {"n": 4}, "to_agent": "c"}):  # fmt: skip
        call(server, "POST", "/api/messages", HELLO | body, 201)
    conn.execute("UPDATE agent_messages SET expires_at = now() - interval '1 s' WHERE payload ->> 'n' = '1'")
    first = call(server, "GET", "/api/messages/b?limit=1")
    assert [(m["content"]["n"], m["already_read"]) for m in first["messages"]] == [(2, False)]
    assert (first["count"], first["unread_remaining"]) == (1, 1)
    again = call(server, "GET", "/api/messages/b")
    assert [(m["content"]["n"], m["already_read"]) for m in again["messages"]] == [(2, True), (3, False)]
    assert call(server, "GET", "/api/messages/b?include_broadcasts=false")["count"] == 1
    assert call(server, "GET", "/api/messages/b?topic=task.created")["messages"] == []
    assert call(server, "GET", "/api/messages/b?since=2100-01-01T00:00:00Z")["messages"] == []
    assert "limit" in call(server, "GET", "/api/messages/b?limit=1001", status=400)["details"]


def test_agents_who_poll_the_same_broadcasts_at_once_never_fail(server: ApiServer, conn: Conn) -> None:
    for number in range(30):
        call(server, "POST", "/api/messages", HELLO | {"to_agent": None, "content": {"n": number}}, 201)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda n: call(server, "GET", f"/api/messages/agent{n % 6}"), range(48)))
    assert {len(each["messages"]) for each in found} == {30}
    assert conn.execute("SELECT DISTINCT cardinality(read_by) FROM agent_messages").fetchall() == [(6,)]


def test_a_poll_of_a_project_knows_nothing_of_the_messages_of_another(server: ApiServer, conn: Conn) -> None:
    shop, bank = (
        call(server, "POST", "/api/projects", {"path": f"/w/{name}"}, 201)["project"]["id"] for name in ("shop", "bank")
    )
    for project, to_agent in ((shop, "b"), (bank, "b"), (bank, None)):
        call(server, "POST", "/api/messages", HELLO | {"project_id": project, "to_agent": to_agent}, 201)
    polled = call(server, "GET", f"/api/messages/b?project_id={shop}")
    assert (polled["count"], polled["unread_remaining"]) == (1, 0)
    assert call(server, "GET", f"/api/messages/b?project_id={bank}&limit=1")["unread_remaining"] == 1
    everything = call(server, "GET", "/api/messages/b")
    assert (everything["count"], everything["unread_remaining"]) == (3, 0)


SUBSCRIPTION = {"agent_id": "a", "topic": "task.created", "callback_url": "https://example.com/hook"}


@pytest.mark.contract("POST /api/subscribe")
def test_subscribing_twice_is_one_subscription_with_the_newer_address(server: ApiServer, conn: Conn) -> None:
    first = call(server, "POST", "/api/subscribe", SUBSCRIPTION, 201)["subscription"]
    second = call(server, "POST", "/api/subscribe", SUBSCRIPTION | {"callback_url": None}, 201)["subscription"]
    assert (second["id"], second["callback_url"], first["callback_url"]) == (
        first["id"], None, "https://example.com/hook")  # fmt: skip


@pytest.mark.contract(
    "GET /api/subscriptions",
    "GET /api/subscriptions/:agent_id",
    "DELETE /api/subscriptions/:id",
    "POST /api/unsubscribe",
)
def test_subscriptions_are_listed_by_agent_and_topic_and_ended_by_id_or_name(server: ApiServer, conn: Conn) -> None:
    for agent, topic in (("a", "task.failed"), ("a", "task.created"), ("b", "task.created")):
        call(server, "POST", "/api/subscribe", {"agent_id": agent, "topic": topic}, 201)
    assert call(server, "GET", "/api/subscriptions")["count"] == 3
    assert call(server, "GET", "/api/subscriptions?agent_id=a&topic=task.created")["count"] == 1
    mine = call(server, "GET", "/api/subscriptions/a")
    assert (mine["topics"], mine["count"]) == (["task.created", "task.failed"], 2)
    ended = call(server, "DELETE", f"/api/subscriptions/{mine['subscriptions'][0]['id']}")
    assert ended["deleted"]["topic"] == "task.created"
    call(server, "DELETE", f"/api/subscriptions/{ended['deleted']['id']}", status=404)
    call(server, "DELETE", "/api/subscriptions/x", status=400)
    assert call(server, "POST", "/api/unsubscribe", {"agent_id": "a", "topic": "task.failed"})["success"]
    call(server, "POST", "/api/unsubscribe", {"agent_id": "a", "topic": "task.failed"}, 404)


@pytest.mark.parametrize("url", ["http://127.0.0.1/x", "http://localhost:9/", "http://[::1]/", "http://10.1.2.3/",
                                 "http://169.254.1.1/", "http://[::ffff:127.0.0.1]/", "ftp://example.com/", "nonsense",
                                 "http://0.0.0.0/", "http://224.0.0.1/", "http:///path",
                                 "http://example.com:99999/"])  # fmt: skip
def test_an_address_that_leads_to_a_private_place_is_refused(server: ApiServer, conn: Conn, url: str) -> None:
    refused = call(server, "POST", "/api/subscribe", SUBSCRIPTION | {"callback_url": url}, 400)
    assert list(refused["details"]) == ["callback_url"]


@pytest.fixture
def scored(server: ApiServer, conn: Conn) -> ApiServer:
    conn.execute(
        "INSERT INTO keyword_tool_scores (keyword, tool_name, tool_type, score, usage_count, success_count) VALUES "
        "('test', 'Bash', 'builtin', 2.0, 10, 8), ('deploy', 'Bash', 'builtin', 1.0, 2, 2), "
        "('test', 'qa', 'agent', 4.9, 4, 4), ('test', 'old', 'skill', 0.2, 1, 0)"
    )
    return server


@pytest.mark.contract("GET /api/routing/suggest")
def test_suggestions_come_by_matched_words_then_score(scored: ApiServer) -> None:
    found = call(scored, "GET", "/api/routing/suggest?keywords=Test,%20deploy%20,,")
    assert found["keywords"] == ["test", "deploy"]
    assert found["suggestions"][0] == {"tool_name": "Bash", "tool_type": "builtin", "score": 1.5, "usage_count": 12,
                                       "success_rate": 83, "keyword_matches": ["deploy", "test"]}  # fmt: skip
    assert found["compat_output"] == "Bash|builtin|1.5\nqa|agent|4.9"
    excluded = call(scored, "GET", "/api/routing/suggest?keywords=test&exclude_types=builtin,agent&min_score=0.1")
    assert [each["tool_name"] for each in excluded["suggestions"]] == ["old"]
    typed = call(scored, "GET", "/api/routing/suggest?keywords=test&tool_type=agent&exclude_types=agent")
    assert [each["tool_name"] for each in typed["suggestions"]] == ["qa"]
    call(scored, "GET", "/api/routing/suggest", status=400)
    call(scored, "GET", "/api/routing/suggest?keywords=,", status=400)


@pytest.mark.contract("POST /api/routing/feedback")
def test_feedback_moves_known_pairs_within_their_bounds(scored: ApiServer, conn: Conn) -> None:
    up = call(scored, "POST", "/api/routing/feedback", {"tool_name": "qa", "keywords": ["TEST", "new"], "chosen": True})
    assert (up["adjustment"], "qa" in up["message"]) == (0.2, True)
    down = call(scored, "POST", "/api/routing/feedback", {"tool_name": "old", "keywords": ["test"], "chosen": False})
    assert down["adjustment"] == -0.1
    scores = dict(conn.execute("SELECT tool_name, score FROM keyword_tool_scores WHERE tool_name IN ('qa', 'old')"))
    assert (scores["qa"], round(scores["old"], 3)) == (5.0, 0.1)
    call(scored, "POST", "/api/routing/feedback", {"tool_name": "qa", "keywords": []}, 400)


@pytest.mark.contract("GET /api/routing/stats")
def test_routing_stats_are_numbers_over_all_pairs(scored: ApiServer) -> None:
    stats = call(scored, "GET", "/api/routing/stats")
    assert stats["totals"] == {"total_records": 4, "unique_keywords": 2, "unique_tools": 3, "avg_score": 2.025,
                               "avg_usage": 4.3}  # fmt: skip
    assert stats["top_by_score"][0] == {"tool_name": "qa", "tool_type": "agent", "avg_score": 4.9}
    assert stats["top_by_usage"][0] == {"tool_name": "Bash", "tool_type": "builtin", "total_usage": 12}
    assert stats["type_distribution"] == [
        {"tool_type": name, "tool_count": 1} for name in ("agent", "builtin", "skill")
    ]


@pytest.mark.contract("GET /api/cleanup/stats")
def test_cleanup_stats_tell_of_the_last_cleaning_and_what_there_is(server: ApiServer, conn: Conn) -> None:
    call(server, "POST", "/api/messages", HELLO, 201)
    stats = call(server, "GET", "/api/cleanup/stats")
    assert stats["last_cleanup"] is None
    assert stats["messages"] == {"total": 1, "expired": 0, "unread": 1, "byTopic": {"context.request": 1}}
    conn.execute("INSERT INTO last_cleanup (deleted_messages, deleted_at, duration_ms) VALUES (3, now(), 5)")
    last = call(server, "GET", "/api/cleanup/stats")["last_cleanup"]
    assert (last["deletedMessages"], last["durationMs"]) == (3, 5)


@pytest.mark.contract("POST /api/auth/token")
def test_a_token_is_one_the_bridge_takes_and_needs_an_agent(server: ApiServer, conn: Conn) -> None:
    made = call(server, "POST", "/api/auth/token", {"agent_id": "a", "session_id": "s"})
    assert made["expires_in"] == 3600
    assert verified(
        secret.load(settings_module.load({"DCM_HOME": str(server.valkey.home)})), made["token"], now_ms()
    ) == Identity("a", "s")
    assert call(server, "POST", "/api/auth/token", {}, 400)["error"] == "Missing agent_id"


def test_the_tools_summary_counts_what_is_there_and_nothing_where_nothing_can_be_read(tmp_path: Path) -> None:
    assert count(tmp_path / "nowhere") == {"skills": 0, "commands": 0, "workflows": 0, "plugins": 0}
    for file in ("skills/one/SKILL.md", "skills/two/other.md", "commands/a/b.md", "commands/c.md",
                 "skills/workflow/templates/w.yaml"):  # fmt: skip
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("x")
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/installed_plugins.json").write_text('{"version": 1, "plugins": {"a": {}, "b": {}}}')
    assert count(tmp_path) == {"skills": 1, "commands": 2, "workflows": 1, "plugins": 2}


@pytest.mark.contract("GET /stats/tools-summary")
def test_get_stats_tools_summary_says_whether_it_was_counted_before(server: ApiServer, conn: Conn) -> None:
    first, second = (call(server, "GET", "/stats/tools-summary") for _ in range(2))
    assert second["from_cache"]
    assert first.keys() == second.keys()
