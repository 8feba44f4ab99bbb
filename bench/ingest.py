"""Measure the ingest of a running DCM: accept latency, events stored a second, hook to WebSocket frame.

    .venv/bin/python bench/ingest.py                    # against `make up` on its default ports
    .venv/bin/python bench/ingest.py --seconds 20 --json

The load runs on the same machine, over loopback, and ends by itself.
"""

import argparse
import asyncio
import json
import random
import statistics
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import psutil
from websockets.asyncio.client import connect

from db.pool import connect as connect_database
from dcm import settings as settings_module
from dcm.settings import Settings

WORDS = [f"{a}{b}" for a in ("parse", "render", "store", "fetch", "merge", "token") for b in ("er", "ing", "s", "_id")]
WORDS += [f"word{n}" for n in range(400)]


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


def body(session_id: str, rng: random.Random) -> bytes:
    """A PostToolUse of about 1.4 KB, as the client sends it."""
    words = " ".join(rng.choices(WORDS, k=30))
    return json.dumps(
        {
            "session_id": session_id,
            "transcript_path": f"/home/someone/.claude/projects/-home-someone-shop/{session_id}.jsonl",
            "cwd": "/home/someone/shop",
            "prompt_id": str(uuid.UUID(int=rng.getrandbits(128))),
            "permission_mode": "default",
            "hook_event_name": "PostToolUse",
            "tool_name": rng.choice(["Bash", "Read", "Edit", "Grep"]),
            "tool_input": {"command": words, "description": " ".join(rng.choices(WORDS, k=6))},
            "tool_response": {"stdout": " ".join(rng.choices(WORDS, k=90)), "stderr": "", "interrupted": False},
            "tool_use_id": f"toolu_{rng.getrandbits(96):024x}",
            "duration_ms": rng.randrange(5, 5000),
        }
    ).encode()


def requests(settings: Settings, bodies: Iterator[bytes]) -> Iterator[bytes]:
    """The HTTP requests of hook bodies."""
    for one in bodies:
        head = (
            f"POST /api/hooks/claude HTTP/1.1\r\nHost: {settings.host}:{settings.port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(one)}\r\n\r\n"
        )
        yield head.encode() + one


def endless(session_id: str, seed: int) -> Iterator[bytes]:
    """Bodies without end."""
    rng = random.Random(seed)
    while True:
        yield body(session_id, rng)


async def post(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    """Send one request and read its answer; anything but 200 ends the run."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"DCM answered {head.splitlines()[0].decode()}: the figures would mean nothing.")
    length = int(next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))[15:])
    await reader.readexactly(length)


async def client(settings: Settings, seed: int, deadline: float, session_id: str) -> list[float]:
    """One connection sending one request after the other; the seconds each took."""
    reader, writer = await asyncio.open_connection(settings.host, settings.port)
    times = []
    for request in requests(settings, endless(session_id, seed)):
        began = time.perf_counter()
        await post(reader, writer, request)
        times.append(time.perf_counter() - began)
        if time.perf_counter() >= deadline:
            break
    writer.close()
    return times


def api_processes(settings: Settings) -> list[psutil.Process]:
    """The processes that listen on the API's port."""
    return [
        process
        for process in psutil.process_iter()
        if "api.app:create_app()" in " ".join(_or_nothing(process)) and _serves(process, settings.port)
    ]


def _or_nothing(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _serves(process: psutil.Process, port: int) -> bool:
    return any(c.laddr and c.laddr.port == port for c in process.net_connections("tcp"))


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """CPU time the processes have used."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def stored(settings: Settings, session_ids: list[str]) -> int:
    """How many tool calls of these sessions are in Postgres."""
    with connect_database(settings.database_url, "bench") as conn:
        row = conn.execute("SELECT count(*) FROM actions WHERE session_id = ANY(%s)", [session_ids]).fetchone()
    return int(row[0]) if row else 0


async def load(settings: Settings, connections: int, seconds: float) -> Load:
    """Send as fast as answers come, then wait until everything is stored."""
    session_ids = [f"bench-{uuid.uuid4()}" for _ in range(connections)]
    processes = api_processes(settings)
    cpu, began = cpu_seconds(processes), time.perf_counter()
    runs = await asyncio.gather(
        *(client(settings, random.randrange(2**32), began + seconds, session) for session in session_ids)
    )
    sent_for, cpu = time.perf_counter() - began, cpu_seconds(processes) - cpu
    times = sorted(one for run in runs for one in run)
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
        cpu_ms=round(cpu / len(times) * 1000, 3),
        stored_per_s=round(len(times) / stored_for, 1),
        backlog_s=round(stored_for - sent_for, 2),
    )


async def to_frame(settings: Settings, count: int) -> list[float]:
    """Milliseconds from sending a hook to its WebSocket frame, one at a time on an idle system."""
    session_id, times = f"bench-{uuid.uuid4()}", []
    reader, writer = await asyncio.open_connection(settings.host, settings.port)
    async with connect(f"ws://{settings.host}:{settings.ws_port}/", compression=None) as socket:
        await socket.recv()
        for request in requests(settings, endless(session_id, random.randrange(2**32))):
            await asyncio.sleep(random.uniform(0.2, 0.4))
            began = time.perf_counter()
            await post(reader, writer, request)
            while json.loads(await socket.recv()).get("event") != "action.created":
                pass
            times.append((time.perf_counter() - began) * 1000)
            if len(times) >= count:
                break
    writer.close()
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


async def main() -> None:
    """Run the loads and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10, help="length of each load (default 10)")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 16], help="loads to run (default 1 16)")
    parser.add_argument("--frames", type=int, default=50, help="hooks timed to their frame (default 50)")
    parser.add_argument("--json", action="store_true", help="print JSON for a script")
    options = parser.parse_args()
    settings = settings_module.load()
    times = sorted(await to_frame(settings, options.frames))
    frames = {"median_ms": round(statistics.median(times), 1), "p90_ms": round(times[int(len(times) * 0.9)], 1)}
    loads = [await load(settings, connections, options.seconds) for connections in options.connections]
    if options.json:
        print(json.dumps({"loads": [asdict(one) for one in loads], "hook_to_frame": frames}, indent=2))
    else:
        print(table(loads, frames))


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except ConnectionRefusedError as error:
        raise SystemExit(f"No DCM answers ({error}): start it with `make up`, then measure.") from None
