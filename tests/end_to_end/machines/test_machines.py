"""Stores, servers and a laptop on machines of their own, on one wire that can be cut."""

import json
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from network import wired
from plant import SHARDS, Plant, answers, ask, hooks, tool_call

from dcm.domain.streams import shard_of

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def plant() -> Iterator[Plant]:
    """Stores, two servers and a laptop with its relay."""
    folder = Path(tempfile.mkdtemp(prefix="dcm-machines-"))
    folder.chmod(0o711)
    with wired("stores", "one", "two", "laptop") as machines:
        made = Plant(*machines, folder)
        try:
            made.start_stores()
            made.start_server("one", made.one)
            made.wait(lambda: answers(made.laptop, made.one.address, made.token("one")), "one")
            made.start_server("two", made.two, "-c", "clock=0,wsbridge=0")
            made.wait(lambda: answers(made.laptop, made.two.address, made.token("two")), "two")
            made.start_relay()
            yield made
        finally:
            for name in ("relay", "two", "one", "valkey", "postgres"):
                if name in made.running:
                    made.stop(name, signal.SIGTERM if name == "valkey" else signal.SIGINT)
    shutil.rmtree(folder, ignore_errors=True)


def stored(plant: Plant, session: str) -> list[str]:
    """The tool calls of a session, in the order of their times."""
    query = "SELECT tool_use_id FROM actions WHERE session_id = %s ORDER BY created_at, tool_use_id"
    return [row[0] for row in plant.rows(query, session)]


def calls(session: str, count: int) -> list[str]:
    return [tool_call(session, number)["tool_use_id"] for number in range(count)]


def test_no_store_is_started_where_stores_are_named(plant: Plant) -> None:
    for name in ("one", "two"):
        family = psutil.Process(plant.running[name].pid).children(recursive=True)
        programs = {Path(process.exe()).name for process in family}
        assert not {program for program in programs if "postgres" in program or "valkey" in program}
        assert not (plant.home(name) / "postgres").exists()
        assert not (plant.home(name) / "valkey").exists()


def test_the_hooks_of_a_laptop_are_stored_by_a_server_on_another_machine(plant: Plant) -> None:
    plant.launcher(
        {"hook_event_name": "SessionStart", "session_id": "laptop", "source": "startup", "cwd": "/home/ada/shop"}
    )
    plant.launcher(tool_call("laptop", 0))
    with hooks(plant.laptop) as posting:
        posting.post(tool_call("laptop", 1))
    plant.wait(lambda: stored(plant, "laptop") == calls("laptop", 2), "relay")
    [(status, said)] = [ask(plant.laptop, plant.one.address, "/api/sessions/laptop", headers=plant.token("one"))]
    assert (status, said["id"]) == (200, "laptop")


def test_a_brief_comes_back_to_the_laptop(plant: Plant) -> None:
    session = {"session_id": "compacted", "cwd": "/home/ada/shop"}
    plant.launcher({**session, "hook_event_name": "UserPromptSubmit", "prompt": "Never use floats.", "prompt_id": "p1"})
    plant.launcher({**tool_call("compacted", 0), "prompt_id": "p1"})
    kept = plant.launcher({**session, "hook_event_name": "PreCompact", "trigger": "manual"})
    assert "Keep" in kept or kept.strip()
    said = plant.launcher({**session, "hook_event_name": "SessionStart", "source": "compact"})
    assert "Never use floats." in json.loads(said)["hookSpecificOutput"]["additionalContext"]


def test_what_happens_while_the_wire_is_cut_is_stored_once_in_order_and_with_its_times(plant: Plant) -> None:
    with hooks(plant.laptop) as posting:
        posting.post(tool_call("cut", 0))
        plant.laptop.pull_the_plug()
        began = datetime.now(UTC)
        try:
            for number in range(1, 200):
                posting.post(tool_call("cut", number))
            ended = datetime.now(UTC)
            assert max(posting.seconds[1:2]) < 0.5
            assert sorted(posting.seconds[2:])[int(0.99 * 198)] < 0.05
            plant.stop("relay", signal.SIGKILL)
            plant.start_relay()
        finally:
            plant.laptop.plug_in()
    assert stored(plant, "cut") in ([], calls("cut", 1))
    plant.wait(lambda: stored(plant, "cut") == calls("cut", 200), "relay")
    query = "SELECT created_at FROM actions WHERE session_id = 'cut' AND tool_use_id > %s ORDER BY tool_use_id"
    times = [row[0] for row in plant.rows(query, calls("cut", 1)[0])]
    assert times == sorted(times)
    assert began - timedelta(milliseconds=5) <= times[0]
    assert times[-1] <= ended
    assert ask(plant.laptop, "127.0.0.1", "/health")[1]["relay"]["dropped"] == 0


def test_a_brief_that_could_not_come_while_the_wire_was_cut_comes_with_a_later_call(plant: Plant) -> None:
    session = {"session_id": "late", "cwd": "/home/ada/shop"}
    plant.launcher({**session, "hook_event_name": "UserPromptSubmit", "prompt": "Prices in cents.", "prompt_id": "p1"})
    plant.launcher(tool_call("late", 0))
    plant.laptop.pull_the_plug()
    try:
        plant.launcher({**session, "hook_event_name": "PreCompact", "trigger": "manual"})
        assert plant.launcher({**session, "hook_event_name": "SessionStart", "source": "compact"}) == ""
        plant.launcher({**session, "hook_event_name": "PostCompact", "trigger": "manual"})
    finally:
        plant.laptop.plug_in()
    with hooks(plant.laptop) as posting:
        asking = {**tool_call("late", 1), "hook_event_name": "PreToolUse"}
        plant.wait(lambda: b"Prices in cents." in posting.post(asking), "relay")


def test_a_machine_that_shows_no_token_is_refused(plant: Plant) -> None:
    assert ask(plant.laptop, plant.one.address, "/api/sessions")[0] == 401
    assert ask(plant.laptop, plant.one.address, "/api/sessions", plant.token("one"))[0] == 200


def test_two_servers_share_the_shards_and_write_the_events_of_a_session_once_and_in_order(plant: Plant) -> None:
    sessions = [f"spread-{number}" for number in range(16)]
    assert {shard_of(session, SHARDS) for session in sessions} == set(range(SHARDS))
    sent = 120
    before = {name: plant.written(name) for name in ("one", "two")}
    posting = [threading.Thread(target=send, args=(plant, session, sent)) for session in sessions]
    for thread in posting:
        thread.start()
    for thread in posting:
        thread.join()
    for session in sessions:
        plant.wait(lambda: stored(plant, session) == calls(session, sent), "one")  # noqa: B023
    plant.wait(lambda: sum(plant.written(name) - before[name] for name in before) >= len(sessions) * sent, "one")
    by_each = {name: plant.written(name) - count for name, count in before.items()}
    assert sum(by_each.values()) == len(sessions) * sent
    assert all(by_each.values()), f"one server wrote all: {by_each}"
    counts = plant.rows("SELECT DISTINCT total_tools_used FROM sessions WHERE id LIKE 'spread-%%'")
    assert counts == [(sent,)]


def send(plant: Plant, session: str, count: int) -> None:
    """A session's calls one after the other, by turns to one server and the other."""
    one_, two_ = (plant.one.address, plant.token("one")), (plant.two.address, plant.token("two"))
    with hooks(plant.laptop, *one_) as one, hooks(plant.laptop, *two_) as two:
        for number in range(count):
            (one, two)[number % 2].post(tool_call(session, number))
