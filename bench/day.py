"""Put a day's events through a running DCM as fast as it takes them, and see whether any process grows.

    .venv/bin/python bench/day.py                     # 1,728,000 events: 20 a second for 24 hours
    .venv/bin/python bench/day.py --events 100000     # less of it
    .venv/bin/python bench/day.py --json

Sessions begin and end, WebSocket clients come and go, pages are read. Memory (proportional set size), open files and
processes of each line of the Procfile are looked at forty times. Exit code 1 when one grew by more than a tenth
between the first quarter and the last, or files or processes leak.
"""

import argparse
import asyncio
import itertools
import json
import statistics
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import httpx
import uvloop
from measure import hooks, processes
from measure.listener import listening
from measure.poster import BadAnswer, post
from measure.sustained import HOOKS, in_turn

from dcm import settings as settings_module
from dcm.settings import Settings

DAY, CONNECTIONS, LOOKS = 20 * 24 * 3600, 8, 40
"""Events of a day at twenty a second, connections that post them, looks at the processes."""

SESSIONS_AT_ONCE, LAPS = 6, 4
"""Sessions at work on a connection, and how often one goes through its turns before another takes its place."""

MOST_GROWTH = 0.10
READ = (
    "/api/sessions",
    "/api/actions",
    "/stats",
    "/api/dashboard/kpis",
    "/api/search?q=token",
    "/api/messages",
    "/api/system",
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the Procfile: megabytes and open files in the first quarter and in the last, and how much it grew."""

    line: str
    first_mb: float
    last_mb: float
    growth: float
    first_files: float
    last_files: float
    processes: list[int]

    @property
    def is_flat(self) -> bool:
        """Whether it did not grow."""
        return (
            self.growth <= MOST_GROWTH
            and self.last_files <= self.first_files * (1 + MOST_GROWTH) + 2
            and len(set(self.processes)) == 1
        )


def sessions() -> Iterator[tuple[bytes, bool]]:
    """Sessions without end, one after the other."""
    for number in itertools.count():
        made = hooks.session(f"day-{uuid.uuid4()}", number)
        yield from itertools.islice(hooks.laps(made), LAPS * len(made))


async def visit(settings: Settings, over: asyncio.Event) -> None:
    """A person who opens the dashboard, reads pages and goes, again and again."""
    async with httpx.AsyncClient(base_url=f"http://{settings.host}:{settings.port}", timeout=60) as client:
        while not over.is_set():
            async with listening(settings.host, settings.ws_port):
                for path in READ:
                    (await client.get(path)).raise_for_status()
                    await asyncio.sleep(0.2)


async def run(settings: Settings, events: int) -> tuple[list[Line], float]:
    """Put the events through; (what became of each line, events a second)."""
    bodies = [in_turn([sessions() for _ in range(SESSIONS_AT_ONCE)]) for _ in range(CONNECTIONS)]
    over, seen, began = asyncio.Event(), [], time.perf_counter()
    visitor = asyncio.create_task(visit(settings, over))
    for number in range(LOOKS):
        share = events // LOOKS // CONNECTIONS
        pieces = [itertools.islice(source, share) for source in bodies]
        await post((settings.host, settings.port), HOOKS, pieces, float("inf"))
        seen.append(processes.state(settings))
        print(f"\r{(number + 1) / LOOKS:4.0%} of {events} events", end="", file=sys.stderr, flush=True)
    took = time.perf_counter() - began
    print(file=sys.stderr)
    over.set()
    await visitor
    return [_line(name, [one[name] for one in seen if name in one]) for name in sorted(seen[-1])], events / took


def _line(name: str, states: list[processes.State]) -> Line:
    quarter = len(states) // 4
    first, last = states[quarter // 2 : quarter], states[-(quarter - quarter // 2) :]
    first_mb, last_mb = (statistics.median(one.mb for one in some) for some in (first, last))
    files = [statistics.median(one.files for one in some) for some in (first, last)]
    grown = round(last_mb / first_mb - 1, 3)
    return Line(
        name, round(first_mb, 1), round(last_mb, 1), grown, *files, [one.processes for one in (first[0], last[-1])]
    )


def table(lines: list[Line], rate: float) -> str:
    """The figures for a person."""
    rows = [f"{'line':<10} {'MB first':>9} {'MB last':>9} {'growth':>7}  {'files':>11}  processes"]
    for one in lines:
        memory = f"{one.line:<10} {one.first_mb:>9} {one.last_mb:>9} {one.growth:>7.1%}"
        files = f"{one.first_files:>5} {one.last_files:>5}  {one.processes[0]} {one.processes[1]}"
        rows.append(f"{memory}  {files}{'' if one.is_flat else '  GREW'}")
    return "\n".join([*rows, f"{rate:.0f} events a second"])


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=DAY, help=f"events to put through (default {DAY})")
    parser.add_argument("--json", action="store_true", help="print JSON for a script")
    options = parser.parse_args()
    lines, rate = uvloop.run(run(settings_module.load(), options.events))
    print(json.dumps([asdict(line) for line in lines], indent=2) if options.json else table(lines, rate))
    sys.exit(not all(line.is_flat for line in lines))


if __name__ == "__main__":
    try:
        main()
    except ConnectionRefusedError as error:
        raise SystemExit(f"No DCM answers ({error}): start it with `make up`, then measure.") from None
    except BadAnswer as error:
        raise SystemExit(f"DCM did not take an event: {error}") from None
