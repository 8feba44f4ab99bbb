"""What the port answers to plain HTTP, and to whom."""

import asyncio
import dataclasses
import http.client
import json
import logging
from typing import Any

import pytest
from bridge import serving

from dcm.settings import Settings
from wsbridge.protocol import Told


@pytest.fixture
def settings(quiet_settings: Settings) -> Settings:
    """These tests write nothing."""
    return dataclasses.replace(quiet_settings, allowed_origins=("https://dash.example",))


Answer = tuple[int, http.client.HTTPMessage, str]


def asked(settings: Settings, method: str, path: str, **headers: str) -> Answer:
    """The answer of a bridge that has one client."""

    async def scenario() -> Answer:
        async with serving(settings) as running, running.client():
            return await running.ask(method, path, **headers)

    return asyncio.run(scenario())


@pytest.mark.contract("WS GET /health")
def test_health_says_that_it_lives_who_is_connected_and_what_waits(settings: Settings) -> None:
    status, headers, text = asked(settings, "GET", "/health?x")
    body = json.loads(text)
    assert (status, headers.get_content_type()) == (200, "application/json")
    assert body.pop("timestamp").endswith("Z")
    assert isinstance(body.pop("port"), int)
    assert body == {
        "status": "healthy",
        "type": "websocket",
        "connectedClients": 1,
        "activeChannels": 1,
        "channelStats": {"global": 1},
        "pendingDeliveries": 0,
    }


@pytest.mark.contract("WS GET /stats")
def test_stats_are_the_four_counters_alone(settings: Settings) -> None:
    status, headers, text = asked(settings, "GET", "/stats")
    assert (status, headers.get_content_type()) == (200, "application/json")
    counters = {"connectedClients", "activeChannels", "channelStats", "pendingDeliveries"}
    assert set(json.loads(text)) == counters


@pytest.mark.contract("WS other paths are 404")
@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("POST", "/health"), ("DELETE", "/"), ("GET", "/w")])
def test_anything_else_is_404_as_text(settings: Settings, method: str, path: str) -> None:
    status, headers, text = asked(settings, method, path)
    assert (status, headers.get_content_type()) == (404, "text/plain")
    assert "Not found" in text


@pytest.mark.parametrize("path", ["/", "/ws"])
def test_a_plain_request_where_the_websocket_is_is_400(settings: Settings, path: str) -> None:
    assert asked(settings, "GET", path)[0] == 400


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_a_page_that_is_allowed_may_read(settings: Settings, method: str) -> None:
    status, headers, _ = asked(settings, method, "/health", Origin="https://dash.example")
    assert status in {200, 204}
    assert headers["Access-Control-Allow-Origin"] == "https://dash.example"
    assert headers["Access-Control-Allow-Methods"] == "GET, OPTIONS"
    assert headers["Vary"] == "Origin"


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
def test_a_foreign_page_is_not_told_that_it_may_read(settings: Settings, method: str, origin: str) -> None:
    _, headers, _ = asked(settings, method, "/health", Origin=origin)
    assert "Access-Control-Allow-Origin" not in headers


def test_options_of_any_path_is_answered_with_nothing(settings: Settings) -> None:
    status, headers, text = asked(settings, "OPTIONS", "/any/path")
    assert (status, text, headers["Content-Length"]) == (204, "", None)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:3849", "127.0.0.1.evil.example", "[", ""])
def test_a_foreign_name_that_leads_here_may_not_read(settings: Settings, host: str) -> None:
    assert asked(settings, "GET", "/stats", Host=host)[0] == 403


@pytest.mark.parametrize("host", ["localhost:3849", "127.0.0.1", "[::1]:3849"])
def test_the_names_of_this_machine_may_read(settings: Settings, host: str) -> None:
    assert asked(settings, "GET", "/stats", Host=host)[0] == 200


@pytest.mark.parametrize("path", ["/", "/ws", "/health", "/nothing"])
@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Host": "localhost."}, {"Origin": "http://localhost:3000"}, {"Origin": "null"},
     {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate",
      "Sec-Fetch-Dest": "document"}],
)  # fmt: skip
def test_what_comes_from_elsewhere_is_refused_on_every_path(
    settings: Settings, path: str, headers: dict[str, str]
) -> None:
    assert asked(settings, "GET", path, **headers)[0] == 403


UPGRADES = [
    ({"Host": "evil.example"}, 403),
    ({"Host": "evil.example", "Origin": "https://dash.example"}, 403),
    ({"Origin": "http://evil.example"}, 403),
    ({"Origin": "null"}, 403),
    ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "websocket"}, 403),
    ({}, 101),
    ({"Origin": "https://dash.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "websocket"}, 101),
]


@pytest.mark.parametrize(("headers", "status"), UPGRADES)
def test_a_websocket_is_for_programs_and_for_pages_that_may_connect_by_our_name(
    settings: Settings, headers: dict[str, str], status: int
) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    assert asked(settings, "GET", "/ws", **upgrade, **key, **headers)[0] == status


@pytest.mark.parametrize("path", ["/health", "/stats", "/nothing"])
def test_no_answer_is_kept_or_embedded(settings: Settings, path: str) -> None:
    _, headers, _ = asked(settings, "GET", path)
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_unacknowledged_messages_are_counted_once_for_each_client(settings: Settings) -> None:
    async def scenario() -> Any:
        async with serving(settings) as running, running.client() as one, running.client():
            await one.send('{"type": "subscribe", "channel": "topics/x", "id": "1"}')
            await one.recv()
            running.bridge.hub.tell(Told("m1", "topics/x", "message.new", {}, 5))
            return json.loads((await running.page("/health"))[2])["pendingDeliveries"]

    assert asyncio.run(scenario()) == 2


def test_a_page_that_was_asked_for_and_given_is_no_news_of_the_log(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    asked(settings, "GET", "/health")
    asked(settings, "GET", "/nothing")
    assert [record.getMessage() for record in caplog.records if "200" in record.getMessage()] == []
    assert [record for record in caplog.records if "404" in record.getMessage()]
