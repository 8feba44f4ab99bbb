"""Measure the reads of the API over a month of a busy team: one million tool calls.

    .venv/bin/python bench/reads.py                     # fills stores of its own in a temporary folder
    .venv/bin/python bench/reads.py --rows 50000        # a smaller month
    .venv/bin/python bench/reads.py --running --json    # what the running DCM of this environment holds

A route is asked one request after the other over one connection; pages by a deep OFFSET are allowed to be slow.
"""

import argparse
import contextlib
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from measure import rows

from db import counts
from db.migrate import migrate
from db.pool import Conn
from db.pool import connect as connect_database
from dcm import settings as settings_module
from dcm.embedded import postgres, valkey
from dcm.lines import SERVICES, healthy, service_program
from dcm.settings import Settings

ROUTES = """
/health
/stats
/stats/tools-summary
/api/dashboard/kpis
/api/projects
/api/projects/by-path?path=/home/someone/project1
/api/projects/{project}
/api/requests
/api/requests?project_id={project}
/api/requests?session_id={session}&status=completed
/api/requests?project_id={project}&status=active
/api/requests/{request}
/api/tasks
/api/tasks?status=running
/api/tasks?request_id={request}
/api/tasks/{task}
/api/subtasks
/api/subtasks?status=running
/api/subtasks?status=completed&agent_type=Explore
/api/subtasks?task_id={task}
/api/subtasks/{subtask}
/api/actions
/api/actions?limit=5000
/api/actions?tool_type=mcp
/api/actions?tool_name=none
/api/actions?tool_name=Bash&tool_type=mcp
/api/actions?session_id={session}
/api/actions?offset=100000
/api/actions/hourly
/api/hierarchy/{project}
/api/active-sessions
/api/routing/suggest?keywords=word41,word42,word43
/api/routing/stats
/api/context/agent-1?session_id={session}
/api/context/Explore?session_id={session}
/api/compact/status/{session}
/api/compact/snapshot/{session}
/api/agent-contexts
/api/agent-contexts?agent_type=Explore&status=running
/api/agent-contexts/stats
/api/sessions
/api/sessions?project_id={project}
/api/sessions?active_only=true
/api/sessions/stats
/api/sessions/{session}
/api/messages
/api/messages/agent-1
/api/subscriptions
/api/subscriptions/agent-1
/api/blocking/check?blocker=agent-1&blocked=agent-2
/api/blocking/agent-1
/api/cleanup/stats
/api/search?q=tests+part7
""".split()  # noqa: SIM905 - one a line, to be read and added to
"""What is asked; a name in braces is the id of a row, of the project with the most sessions where it matters."""

P50_MS, P99_MS = 10.0, 50.0
"""The figures wanted."""


@dataclass(frozen=True, slots=True)
class Read:
    """What asking one route gave. Times in milliseconds; `size` is of its last answer, in bytes."""

    route: str
    status: int
    p50_ms: float
    p99_ms: float
    size: int

    @property
    def remark(self) -> str:
        """What a reader of the table must not miss."""
        if self.status != 200:
            return f"answered {self.status}"
        if self.p50_ms < P50_MS and self.p99_ms < P99_MS:
            return ""
        return "slow, as a deep page may be" if "offset=" in self.route else "SLOW"


def say(text: str) -> None:
    """Progress, beside the figures."""
    print(text, file=sys.stderr, flush=True)


def fill(conn: Conn, actions: int) -> None:
    """Store a month of so many actions."""
    began = time.perf_counter()
    for title in rows.lay(conn, "rows.sql", actions=actions, days=30):
        say(f"{title:<30} {time.perf_counter() - began:6.1f} s")
        began = time.perf_counter()
    counts.fold(conn)
    conn.execute("VACUUM ANALYZE")


def ids(conn: Conn) -> dict[str, str]:
    """A row of each kind: the busiest project, a session of it with subagents."""
    row = conn.execute(
        """
        SELECT r.project_id, r.session_id, r.id, t.id, s.id
        FROM subtasks s JOIN task_lists t ON t.id = s.task_list_id JOIN requests r ON r.id = t.request_id
        WHERE r.project_id = (SELECT project_id FROM sessions WHERE project_id IS NOT NULL
                              GROUP BY 1 ORDER BY count(*) DESC LIMIT 1)
        LIMIT 1
        """
    ).fetchone()
    if row is None:
        raise SystemExit(
            "There is no project with a subagent: the figures would mean nothing. Measure without --running."
        )
    return dict(zip(("project", "session", "request", "task", "subtask"), map(str, row), strict=True))


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def filled(actions: int) -> Iterator[Settings]:
    """An API over stores of its own that hold a month; all of it is gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="dcm-bench-"))
    home.chmod(0o711)
    try:
        with postgres.running(home) as url, valkey.running(home) as redis_url:
            migrate(url)
            with connect_database(url, "bench") as conn:
                fill(conn, actions)
            ports = {name: str(free_port()) for name in ("DCM_PORT", "DASHBOARD_PORT", "WS_PORT")}
            chosen = {"DCM_HOME": str(home), "DCM_DATABASE_URL": url, "DCM_REDIS_URL": redis_url, **ports}
            with api(chosen) as settings:
                yield settings
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def api(chosen: Mapping[str, str]) -> Iterator[Settings]:
    """The API with this environment, for a `with` block."""
    settings = settings_module.load(chosen)
    program = service_program(SERVICES["api"])
    process = subprocess.Popen(program.argv, env={**os.environ, **program.env, **chosen})
    try:
        deadline = time.monotonic() + 30
        while not healthy(settings):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("The API does not start.")
            time.sleep(0.05)
        yield settings
    finally:
        process.terminate()
        process.wait()


def measure(link: http.client.HTTPConnection, route: str, times: int) -> Read:
    """Ask a route so many times, twice more before that."""
    taken = []
    for _ in range(times + 2):
        began = time.perf_counter()
        link.request("GET", route)
        answer = link.getresponse()
        body = answer.read()
        taken.append((time.perf_counter() - began) * 1000)
    sorted_times = sorted(taken[2:])
    p99 = sorted_times[min(int(times * 0.99), times - 1)]
    return Read(route, answer.status, round(statistics.median(sorted_times), 2), round(p99, 2), len(body))


def reads(settings: Settings, times: int) -> list[Read]:
    """What every route gave."""
    with connect_database(settings.database_url, "bench") as conn:
        known = ids(conn)
    link = http.client.HTTPConnection(settings.host, settings.port, timeout=60)
    return [
        Read(template, one.status, one.p50_ms, one.p99_ms, one.size)
        for template in ROUTES
        for one in [measure(link, template.format(**known), times)]
    ]


def table(found: list[Read]) -> str:
    """The figures for a person."""
    lines = [f"{'route':<52} {'p50 ms':>8} {'p99 ms':>8} {'bytes':>8}"]
    lines += [f"{one.route:<52} {one.p50_ms:>8} {one.p99_ms:>8} {one.size:>8}  {one.remark}".rstrip() for one in found]
    return "\n".join([*lines, "", f"wanted: p50 under {P50_MS:g} ms, p99 under {P99_MS:g} ms"])


def main() -> None:
    """Fill, ask, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="actions to store (default 1000000)")
    parser.add_argument("--times", type=int, default=200, help="requests a route (default 200)")
    parser.add_argument("--running", action="store_true", help="ask the running DCM and store nothing")
    parser.add_argument("--json", action="store_true", help="print JSON for a script")
    options = parser.parse_args()
    with contextlib.nullcontext(settings_module.load()) if options.running else filled(options.rows) as settings:
        found = reads(settings, options.times)
    print(json.dumps([asdict(one) for one in found], indent=2) if options.json else table(found))


if __name__ == "__main__":
    main()
