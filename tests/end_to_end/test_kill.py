"""kill -9 of each process in turn, under load: what was acknowledged is stored, once."""

import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from system import DCM, System, gone, until

from db.pool import connect
from dcm.domain.errors import Unavailable
from dcm.embedded.places import places
from dcm.environment import PROCFILE_ORDER


class Load:
    """Tool calls of one session, one after the other, until it is told to stop. `acknowledged` got a 200."""

    def __init__(self, port: int) -> None:
        self.port, self.acknowledged, self.refused = port, [], 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._stop.wait(0.005):
            number += 1
            self._post(f"toolu_{number:06d}")

    def _post(self, tool_use_id: str) -> None:
        call = {"hook_event_name": "PostToolUse", "session_id": "load", "tool_use_id": tool_use_id}
        call |= {"tool_name": "Bash", "tool_input": {"command": f"echo {tool_use_id}"}, "tool_response": {"stdout": ""}}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("POST", "/api/hooks/claude", json.dumps(call))
            taken = connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            taken = False
        finally:
            connection.close()
        if taken:
            self.acknowledged.append(tool_use_id)
        else:
            self.refused += 1


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """A DCM of this test's own."""
    running = System(tmp_path / "home", DCM, "up").wait_up()
    yield running
    running.stop()


def test_no_acknowledged_event_is_lost_or_doubled_whatever_is_killed(system: System) -> None:
    with Load(system.port) as load:
        for line in PROCFILE_ORDER:
            first = system.first_of(f"{line}.1")
            for victim in [first, *first.children()[:1]]:
                before = len(load.acknowledged)
                kill(victim)
                until(lambda: len(load.acknowledged) > before + 20, 30, f"events should be taken after {line} died")  # noqa: B023
    wanted = set(load.acknowledged)
    until(lambda: wanted <= set(stored(system)), 30, "everything acknowledged should be stored")
    assert max(Counter(stored(system)).values()) == 1
    assert system.get("/api/sessions")["sessions"][0]["total_tools_used"] == len(stored(system))


def kill(victim: psutil.Process) -> None:
    """kill -9, if it still lives."""
    try:
        victim.kill()
    except psutil.NoSuchProcess:
        return
    until(lambda: gone(victim), 5, "it should be dead")


def stored(system: System) -> list[str]:
    """The tool calls in the database; none while it recovers."""
    try:
        with connect(places(system.home).postgres_url, "test") as conn:
            return [row[0] for row in conn.execute("SELECT tool_use_id FROM actions").fetchall()]
    except Unavailable:
        return []
