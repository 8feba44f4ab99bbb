"""Measure whether the brief is ready when the client asks: the answer to SessionStart, and the making of a brief.

    .venv/bin/python bench/ready.py                          # 200 compactions, and sessions of 5,000 tool calls
    .venv/bin/python bench/ready.py --compactions 50 --calls 1000 --json

Works on a DCM of its own on loopback, in a temporary folder. Sessions are compacted one after the other: PreCompact,
the second that the fastest summary takes, then SessionStart, as the client sends them.
"""

import argparse
import json
import statistics
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from measure.system import stores
from rich.console import Console
from rich.table import Table

from dcm.client import Client

CALLS, SUMMARY_SECONDS, BATCH = 40, 1.0, 500
"""Tool calls before each compaction, seconds the client's summary takes, and events imported in one request."""

LONG_RUNS = 10
"""How often the brief of a long session is asked for."""

Commands = Callable[[int], tuple[str, str]]


def ordinary(number: int) -> tuple[str, str]:
    """The number-th command of a usual session and what it printed; one of twelve fails."""
    failed = number % 12 == 5
    return f"pytest -q tests/test_part{number % 40}.py", f"E   assert {number} == 3\n1 failed" if failed else "9 passed"


def failing(number: int) -> tuple[str, str]:
    """The same where no two commands are alike and every third fails."""
    said = f"E   KeyError: 'key_{number}'\n1 failed" if number % 3 == 0 else "3 passed"
    return f"pytest -q tests/test_{number}.py | tail -3 && git add -A && git commit -m 'step {number}'", said


def session(calls: int, commands: Commands) -> tuple[str, list[dict[str, Any]]]:
    """(id, events as an import takes them) of a session with a prompt, and commands and edits in turn."""
    session_id, now = str(uuid.uuid4()), datetime.now(UTC) - timedelta(seconds=calls + 60)
    payloads = [{"hook_event_name": "UserPromptSubmit", "prompt": "Make the shop faster. Never use floats."}]
    payloads += [_call(number, commands) for number in range(calls)]
    return session_id, [
        {
            "at": (now + timedelta(seconds=number)).isoformat(),
            "payload": {"session_id": session_id, "cwd": "/home/ada/shop", **payload},
        }
        for number, payload in enumerate(payloads)
    ]


def _call(number: int, commands: Commands) -> dict[str, Any]:
    known: dict[str, Any] = {"hook_event_name": "PostToolUse", "tool_use_id": f"toolu_{uuid.uuid4().hex}"}
    if number % 3 == 2:
        path = f"/home/ada/shop/src/part{number % 90}.py"
        edit = {"file_path": path, "old_string": "a", "new_string": f"total = {number}"}
        return {**known, "tool_name": "Edit", "tool_input": edit, "tool_response": {"filePath": path}}
    command, printed = commands(number)
    asked = {"command": command, "description": "run it"}
    if "failed" in printed and "| tail" not in command:
        known["hook_event_name"] = "PostToolUseFailure"
        return {**known, "tool_name": "Bash", "tool_input": asked, "error": f"Exit code 1\n{printed}"}
    return {**known, "tool_name": "Bash", "tool_input": asked, "tool_response": {"stdout": printed, "stderr": ""}}


def bring_in(client: Client, payloads: Sequence[dict[str, Any]]) -> None:
    """Import events and wait until they are written."""
    for start in range(0, len(payloads), BATCH):
        client.import_payloads(list(payloads[start : start + BATCH]))
    while client.get_intake()["waiting"]:
        time.sleep(0.05)


def answers(client: Client, compactions: int) -> Iterator[float]:
    """Milliseconds of each answer to a SessionStart that holds the brief."""
    for _ in range(compactions):
        session_id, payloads = session(CALLS, ordinary)
        bring_in(client, payloads)
        known = {"session_id": session_id, "cwd": "/home/ada/shop"}
        client.hook({**known, "hook_event_name": "PreCompact", "trigger": "auto"})
        time.sleep(SUMMARY_SECONDS)
        began = time.perf_counter()
        told = client.hook({**known, "hook_event_name": "SessionStart", "source": "compact"})
        took = (time.perf_counter() - began) * 1000
        if "Never use floats" not in json.dumps(told):
            raise SystemExit(f"No brief was ready after {SUMMARY_SECONDS} s: {told}")
        yield took


def making(client: Client, calls: int, commands: Commands) -> Iterator[float]:
    """Milliseconds until the brief of a long session, made when it is asked for, has been answered."""
    session_id, payloads = session(calls, commands)
    bring_in(client, payloads)
    for _ in range(LONG_RUNS):
        began = time.perf_counter()
        client.restore_context(session_id, "main", agent_type="developer", max_tokens=2000)
        yield (time.perf_counter() - began) * 1000


def shown(times: Sequence[float]) -> dict[str, float]:
    """The median, the 99th of a hundred and the longest."""
    ordered = sorted(times)
    return {
        "p50": round(statistics.median(ordered), 1),
        "p99": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 1),
        "longest": round(ordered[-1], 1),
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compactions", type=int, default=200, help="sessions that are compacted (default 200)")
    parser.add_argument("--calls", type=int, default=5000, help="tool calls of a long session (default 5000)")
    parser.add_argument("--json", action="store_true", help="print JSON for a script")
    options = parser.parse_args()
    calls = options.calls
    with stores() as own, own.system() as client:
        figures = {
            "SessionStart after PreCompact": shown([*answers(client, options.compactions)]),
            f"brief of {calls} calls, asked for": shown([*making(client, calls, ordinary)]),
            "the same, no two calls alike, a third failed": shown([*making(client, calls, failing)]),
        }
    if options.json:
        print(json.dumps(figures, indent=2))
        return
    table = Table("milliseconds", "p50", "p99", "longest")
    for name, figure in figures.items():
        table.add_row(name, *map(str, figure.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
