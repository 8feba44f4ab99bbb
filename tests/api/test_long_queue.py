"""What the door does while many events wait: it takes on, and notes whose events somebody waits for."""

import pytest
from api_server import ApiServer

from api.append import LONG_QUEUE
from dcm.broker import stream_key, urgent_key


@pytest.fixture
def long_queue(server: ApiServer) -> ApiServer:
    """The module's server, whose queue is as long as one may be before it counts as long."""
    server.valkey.client.flushall()
    pipeline = server.valkey.client.pipeline(transaction=False)
    for _ in range(LONG_QUEUE):
        pipeline.xadd(stream_key(0), {"t": 1, "s": "busy", "p": "{}"})
    pipeline.execute()
    return server


def post(server: ApiServer, name: str, source: str = "startup") -> int:
    return server.hook({"session_id": "s1", "hook_event_name": name, "source": source}).status


@pytest.mark.parametrize(("name", "source"), [("PreCompact", ""), ("SessionStart", "compact")])
def test_a_session_that_compacts_is_noted_when_the_queue_is_long(long_queue: ApiServer, name: str, source: str) -> None:
    assert post(long_queue, name, source) == 200
    assert long_queue.valkey.client.smembers(urgent_key(0)) == {b"s1"}


def test_nobody_else_is_noted(long_queue: ApiServer) -> None:
    others = ("PreToolUse", "PostToolUse", "Stop", "UserPromptSubmit", "SessionStart", "SubagentStart")
    assert [post(long_queue, name) for name in others] == [200] * len(others)
    assert long_queue.valkey.client.smembers(urgent_key(0)) == set()
    assert long_queue.valkey.client.xlen(stream_key(0)) == LONG_QUEUE + len(others)


def test_nobody_is_noted_while_the_queue_is_short(server: ApiServer) -> None:
    server.valkey.client.flushall()
    assert post(server, "PreCompact") == 200
    assert server.valkey.client.smembers(urgent_key(0)) == set()
