"""GET /api/search: what is found, how it is shown, and what narrows it."""

import urllib.parse
from datetime import timedelta
from typing import Any

import pytest
from api_server import ApiServer
from stories import a_session, at, event, store, tool

from db.pool import Conn


@pytest.fixture
def history(server: ApiServer, conn: Conn) -> ApiServer:
    """A session s1 with prompts, commands, an edit and a subagent's result, and a session s2 of another project."""
    store(conn, *a_session())
    store(conn, event(1, "UserPromptSubmit", "s2", prompt="bake a cart of bread", prompt_id="q1", cwd="/w/bakery"))
    store(conn, tool(30, "grep -rn 'ovenTemperature' src/kiln.rs", description="look"))
    return server


def search(server: ApiServer, q: str, **where: object) -> list[dict[str, Any]]:
    """What is found."""
    answer = server.get("/api/search?" + urllib.parse.urlencode({"q": q, **where}))
    assert answer.status == 200, answer.body
    assert answer.json["count"] == len(answer.json["results"])
    found: list[dict[str, Any]] = answer.json["results"]
    return found


def test_prompts_results_and_commands_are_found_by_their_words(history: ApiServer) -> None:
    assert {hit["kind"] for hit in search(history, "cart")} == {"prompt", "action"}
    [result] = search(history, "three slow", kind="result")
    assert "three are slow" in result["snippet"]
    [command] = search(history, "ovenTemperature kiln")
    assert (command["kind"], command["session_id"], command["project_name"]) == ("action", "s1", "shop")


def test_a_file_is_found_by_a_part_of_its_path_and_the_last_word_may_be_begun(history: ApiServer) -> None:
    assert [hit["kind"] for hit in search(history, "cart.py")] == ["action"]
    assert len(search(history, "ovenTemp")) == 1
    assert search(history, "ovenTemp kiln") == []


def test_the_words_that_were_found_are_marked_in_the_snippet(history: ApiServer) -> None:
    [hit] = search(history, "bread bak")
    assert hit["snippet"] == "bake a cart of bread"
    assert [hit["snippet"][start:end] for start, end in hit["marks"]] == ["bake", "bread"]


def test_every_filter_that_is_given_must_hold(history: ApiServer, conn: Conn) -> None:
    project = conn.execute("SELECT id FROM projects WHERE path = '/w/bakery'").fetchone()
    assert project
    stamp = (at(10) - timedelta()).isoformat().replace("+00:00", "Z")
    assert [hit["session_id"] for hit in search(history, "cart", project_id=project[0])] == ["s2"]
    assert [hit["session_id"] for hit in search(history, "cart", project="/w/bakery")] == ["s2"]
    assert {hit["session_id"] for hit in search(history, "cart", session_id="s1")} == {"s1"}
    assert search(history, "cart", project_id=project[0], session_id="s1") == []
    assert [hit["kind"] for hit in search(history, "cart", since=stamp)] == ["action"]
    assert {hit["kind"] for hit in search(history, "cart", until=stamp)} == {"prompt"}
    assert len(search(history, "cart", limit=1)) == 1


def test_what_was_deleted_is_not_found(history: ApiServer) -> None:
    assert history.ask("DELETE", "/api/actions/by-session/s1").status == 200
    assert search(history, "ovenTemperature") == []


@pytest.mark.parametrize("q", ["", "   ", "!?'", "&|()"])
def test_a_query_without_a_word_is_refused(history: ApiServer, q: str) -> None:
    answer = history.get("/api/search?" + urllib.parse.urlencode({"q": q}))
    assert answer.status == 400
    assert "q" in answer.json["details"]


@pytest.mark.parametrize("q", ["a' | b", "x:*", "<->", "cart & !cart", "ü ñ 漢字", "\\", "%s %(query)s"])
def test_no_sign_in_a_query_means_anything_but_itself(history: ApiServer, q: str) -> None:
    assert history.get("/api/search?" + urllib.parse.urlencode({"q": q})).status in {200, 400}
