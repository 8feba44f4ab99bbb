"""`dcm tail` against a bridge of the contract's frames."""

import asyncio
import contextlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from command import execute
from recorder import Recorder, Said
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from dcm.cli.tail import KNOWN

EVENTS = [
    ("global", "action.created", {"tool_name": "Bash", "summary": "pytest -q", "session_id": "24afd06f-b8a7"}, None),
    ("global", "subtask.created", {"agent_type": "Explore", "description": "[find] it"}, 4),
    ("agents/dcm-tail", "message.new", {"topic": "task.created"}, 5),
    ("global", "subtask.completed", {"agent_type": "Explore"}, 6),
]


@dataclass(slots=True)
class Bridge:
    """What was heard, and the port it listens on."""

    port: int = 0
    heard: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    """A bridge in a thread, which tells its events to everyone who subscribes."""
    running, stop, ready = Bridge(), asyncio.Event(), threading.Event()

    async def tell(link: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                running.heard.append(json.loads(await link.recv()))
                if running.heard[-1]["type"] == "unsubscribe":
                    await link.send(json.dumps({"type": "ack", "id": running.heard[-1]["id"], "success": True}))
                if running.heard[-1]["type"] == "subscribe":
                    for number, (channel, event, data, event_id) in enumerate(EVENTS):
                        kept = {} if event_id is None else {"event_id": event_id}
                        frame = {"id": f"msg_{number}", "channel": channel, "event": event, "data": data, **kept}
                        await link.send(json.dumps({**frame, "timestamp": 1795233180000}))

    async def run() -> None:
        async with serve(tell, "127.0.0.1", 0) as server:
            running.port = next(iter(server.sockets)).getsockname()[1]
            ready.set()
            await stop.wait()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=[run()])
    thread.start()
    ready.wait(10)
    yield running
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


def tail(home: Path, recorder: Recorder, bridge: Bridge, *arguments: str, token: Said) -> list[str]:
    recorder.answer(Said(200, {"version": "1", "ws_port": bridge.port}), token)
    said = execute(home, "tail", *arguments, "--url", recorder.url, COLUMNS="200")
    assert (said.returncode, said.stderr) == (0, "")
    return said.stdout.splitlines()


def test_tail_prints_what_happens(recorder: Recorder, bridge: Bridge, home: Path) -> None:
    lines = tail(home, recorder, bridge, "-n", "3", token=Said(200, {"token": "sesame", "expires_in": 3600}))
    assert [line.partition(" ")[2] for line in lines] == [
        "action.created 24afd06f Bash pytest -q",
        "subtask.created  Explore [find] it #4",
        "subtask.completed  Explore #6",
    ]
    assert [(frame["type"], frame.get("token")) for frame in bridge.heard[:3]] == [
        ("auth", "sesame"), ("unsubscribe", None), ("subscribe", None),
    ]  # fmt: skip


def test_tail_filters_by_event_and_prints_json_for_scripts(recorder: Recorder, bridge: Bridge, home: Path) -> None:
    wanted = ["--event", "subtask.comp*", "--event", "no.such", "--after", "3", "--json", "-n", "1"]
    [line] = tail(home, recorder, bridge, *wanted, token=Said(404, {"error": "There is nothing there."}))
    told = json.loads(line)
    assert (told["event"], told["event_id"], told["data"]) == ("subtask.completed", 6, {"agent_type": "Explore"})
    assert "auth" not in {frame["type"] for frame in bridge.heard}
    assert [frame["last_event_id"] for frame in bridge.heard if frame["type"] == "subscribe"] == [3]


def test_tail_tells_not_of_itself_and_keeps_a_line_a_line(recorder: Recorder, bridge: Bridge, home: Path) -> None:
    told = [
        ("global", "agent.connected", {"agent_id": "dcm-tail"}, None),
        ("global", "action.created", {"summary": "a\n\x1b[31mred\x07", "session_id": "s\x1b[2J"}, None),
    ]
    EVENTS[:0] = told
    try:
        [line] = tail(home, recorder, bridge, "-n", "1", token=Said(404, {}))
    finally:
        del EVENTS[: len(told)]
    mark = "\N{REPLACEMENT CHARACTER}"
    assert line.partition(" ")[2] == f"action.created s{mark}[2J a {mark}[31mred{mark}"


def test_tail_says_that_no_event_is_called_so(recorder: Recorder, bridge: Bridge, home: Path) -> None:
    EVENTS.append(("global", "bogus.one", {}, None))
    recorder.answer(Said(200, {"version": "1", "ws_port": bridge.port}), Said(404, {}))
    try:
        said = execute(home, "tail", "--event", "bogus*", "-n", "1", "--url", recorder.url)
    finally:
        EVENTS.pop()
    assert "no event of this version is called bogus*" in said.stderr
    assert execute(home, "tail", "--after", "-4").returncode == 1


def test_every_event_of_the_documents_is_known() -> None:
    table = (Path(__file__).parents[3] / "docs" / "events.md").read_text(encoding="utf-8").partition("## Channels")[0]
    named = re.findall(r"`((?:[a-z_]+)\.(?:[a-z_]+))`", table)
    assert len(named) > 20
    assert set(named) <= KNOWN


def test_tail_of_a_session_subscribes_to_its_channel(recorder: Recorder, bridge: Bridge, home: Path) -> None:
    EVENTS.append(("sessions/s", "action.created", {}, None))
    try:
        [line] = tail(home, recorder, bridge, "--session", "s", "--json", "-n", "1", token=Said(404, {}))
    finally:
        EVENTS.pop()
    assert json.loads(line)["channel"] == "sessions/s"
    assert [frame["channels"] for frame in bridge.heard if frame["type"] == "subscribe"] == [["sessions/s"]]
