"""Measure the ingest of a running DCM: accept latency, events stored a second, hook to WebSocket frame.

    .venv/bin/python bench/ingest.py                    # against `make up` on its default ports
    .venv/bin/python bench/ingest.py --seconds 20 --json
    .venv/bin/python bench/ingest.py --sustained 60     # mixed events of 50 sessions, and where the time goes

The load runs on the same machine, over loopback, and ends by itself.
"""

import argparse
import asyncio
import itertools
import json
import random
import statistics
import time
import uuid
from dataclasses import asdict, dataclass

import uvloop
from measure import hooks, processes, sustained
from measure.poster import BadAnswer, post
from measure.sustained import HOOKS, Sustained
from websockets.asyncio.client import connect

from db.pool import connect as connect_database
from dcm import settings as settings_module
from dcm.settings import Settings


@dataclass(frozen=True, slots=True)
class Load:
    """What one load did. Times in milliseconds; `cpu_ms` is the API's own CPU time for one hook."""

    connections: int
    accepted: int
    accepted_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    stored_per_s: float
    backlog_s: float


def stored(settings: Settings, session_ids: list[str]) -> int:
    """How many tool calls of these sessions are in Postgres."""
    with connect_database(settings.database_url, "bench") as conn:
        row = conn.execute("SELECT count(*) FROM actions WHERE session_id = ANY(%s)", [session_ids]).fetchone()
    return int(row[0]) if row else 0


async def load(settings: Settings, connections: int, seconds: float) -> Load:
    """Send tool calls as fast as answers come, then wait until everything is stored."""
    session_ids = [f"bench-{uuid.uuid4()}" for _ in range(connections)]
    bodies = [hooks.laps(hooks.tool_calls(one, random.randrange(2**32))) for one in session_ids]
    cpu, began = processes.cpu_seconds(settings), time.perf_counter()
    posters = await post((settings.host, settings.port), HOOKS, bodies, seconds)
    sent_for, used = time.perf_counter() - began, processes.cpu_seconds(settings)
    times = sorted(one for poster in posters for one in poster.seconds)
    while stored(settings, session_ids) < len(times):
        if time.perf_counter() - began > seconds + 120:
            raise SystemExit("Events that were accepted are not stored after two minutes.")
        await asyncio.sleep(0.01)
    stored_for = time.perf_counter() - began
    return Load(
        connections=connections,
        accepted=len(times),
        accepted_per_s=round(len(times) / sent_for, 1),
        p50_ms=round(statistics.median(times) * 1000, 2),
        p99_ms=round(times[int(len(times) * 0.99)] * 1000, 2),
        cpu_ms=round((used["api"] - cpu["api"]) / len(times) * 1000, 3),
        stored_per_s=round(len(times) / stored_for, 1),
        backlog_s=round(stored_for - sent_for, 2),
    )


async def to_frame(settings: Settings, count: int) -> list[float]:
    """Milliseconds from sending a hook to its WebSocket frame, one at a time on an idle system."""
    bodies, times = hooks.laps(hooks.tool_calls(f"bench-{uuid.uuid4()}", random.randrange(2**32))), []
    async with connect(f"ws://{settings.host}:{settings.ws_port}/", compression=None) as socket:
        await socket.recv()
        for body in itertools.islice(bodies, count):
            await asyncio.sleep(random.uniform(0.2, 0.4))
            began = time.perf_counter()
            await post((settings.host, settings.port), HOOKS, [iter([body])], 0)
            while json.loads(await socket.recv()).get("event") != "action.created":
                pass
            times.append((time.perf_counter() - began) * 1000)
    return times


def table(loads: list[Load], frames: dict[str, float]) -> str:
    """The figures for a person."""
    lines = ["connections  accepted/s  p50 ms  p99 ms  API CPU ms/hook  stored/s  backlog s"]
    lines += [
        f"{one.connections:>11}  {one.accepted_per_s:>10}  {one.p50_ms:>6}  {one.p99_ms:>6}  {one.cpu_ms:>15}"
        f"  {one.stored_per_s:>8}  {one.backlog_s:>9}"
        for one in loads
    ]
    lines += ["", f"hook to WebSocket frame, idle: median {frames['median_ms']} ms, p90 {frames['p90_ms']} ms"]
    return "\n".join(lines)


def sustained_table(done: Sustained) -> str:
    """The figures of a sustained load for a person."""
    whole = sum(done.cpu_us.values())
    says = "as often as they should be" if done.scored_rightly else "NOT as often as they should be"
    return "\n".join(
        [
            f"{done.accepted} events in {done.seconds} s: {done.accepted_per_s}/s accepted",
            f"each answered in p50 {done.p50_ms} ms, p99 {done.p99_ms} ms",
            f"{done.tool_calls} of them tool calls: {done.stored} stored, {done.told} told, words scored {says}",
            f"{done.done_per_s}/s until all was done, {done.backlog_s} s after the last was accepted",
            f"that is {done.ratio} of the {done.noop_per_s}/s of the same server with nothing behind it",
            "",
            "CPU time of one event, by process (us):",
            *(f"{line:>10}  {spent:>7}  {spent / whole:>4.0%}" for line, spent in done.cpu_us.items()),
            f"{'all':>10}  {whole:>7.1f}",
        ]
    )


async def main() -> None:
    """Run the loads and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10, help="length of each load (default 10)")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 16], help="loads to run (default 1 16)")
    parser.add_argument("--frames", type=int, default=50, help="hooks timed to their frame (default 50)")
    parser.add_argument(
        "--sustained", type=float, metavar="SECONDS", help="one load of mixed events, on the last of --connections"
    )
    parser.add_argument("--only-tools", action="store_true", help="with --sustained: tool calls of 1.4 KB alone")
    parser.add_argument("--json", action="store_true", help="print JSON for a script")
    options = parser.parse_args()
    settings = settings_module.load()
    if options.sustained:
        done = await sustained.run(settings, options.connections[-1], options.sustained, only_tools=options.only_tools)
        print(json.dumps(asdict(done), indent=2) if options.json else sustained_table(done))
        return
    times = sorted(await to_frame(settings, options.frames))
    frames = {"median_ms": round(statistics.median(times), 1), "p90_ms": round(times[int(len(times) * 0.9)], 1)}
    loads = [await load(settings, connections, options.seconds) for connections in options.connections]
    if options.json:
        print(json.dumps({"loads": [asdict(one) for one in loads], "hook_to_frame": frames}, indent=2))
    else:
        print(table(loads, frames))


if __name__ == "__main__":
    try:
        uvloop.run(main())
    except ConnectionRefusedError as error:
        raise SystemExit(f"No DCM answers ({error}): start it with `make up`, then measure.") from None
    except BadAnswer as error:
        raise SystemExit(f"DCM did not take an event: {error}") from None
