"""Measure what it costs when the stores are far away: accept latency and events stored a second by round trip.

    .venv/bin/python bench/distance.py                  # 0, 1, 5 and 20 ms to Valkey and to Postgres
    .venv/bin/python bench/distance.py --ms 0,40 --json

Starts stores, an API and an ingest worker of its own; every byte between them and the stores waits in a proxy.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ingest import stored
from measure.hooks import laps, tool_calls
from measure.poster import post

from db.migrate import migrate
from dcm import settings as settings_module
from dcm.embedded import postgres, valkey
from dcm.embedded.places import places
from dcm.lines import SERVICES, healthy
from dcm.settings import Settings


class SlowLink:
    """A TCP port of this machine whose every byte, to a Unix socket and back, is `seconds` on its way."""

    def __init__(self, store: Path, seconds: float) -> None:
        self._store, self.seconds = store, seconds
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._open: set[asyncio.Task[None]] = set()

    def __enter__(self) -> "SlowLink":
        self._thread.start()
        listening = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(5)
        self._server, self.port = listening, int(listening.sockets[0].getsockname()[1])
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _close(self) -> None:
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self._store)
        pair = [asyncio.create_task(self._carry(reader, back)), asyncio.create_task(self._carry(there, writer))]
        self._open.update(pair)
        await asyncio.wait(pair, return_when=asyncio.FIRST_COMPLETED)
        for task in pair:
            task.cancel()
            self._open.discard(task)
        for end in (writer, back):
            end.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand on what comes, each piece when its time has come; pieces are on their way at the same time."""
        loop, pieces = asyncio.get_running_loop(), asyncio.Queue[tuple[float, bytes]]()

        async def deliver() -> None:
            while True:
                due, piece = await pieces.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                writer.write(piece)
                if not piece:
                    return

        delivering = asyncio.create_task(deliver())
        try:
            with contextlib.suppress(OSError):
                while piece := await reader.read(65536):
                    pieces.put_nowait((loop.time() + self.seconds, piece))
            pieces.put_nowait((loop.time() + self.seconds, b""))
            await delivering
        finally:
            delivering.cancel()


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(server.getsockname()[1]) for server in servers]


@dataclass(frozen=True, slots=True)
class Row:
    """What one distance did to one load."""

    round_trip_ms: float
    connections: int
    p50_ms: float
    p99_ms: float
    accepted_per_s: float
    stored_per_s: float


@contextlib.contextmanager
def far_stores(home: Path, round_trip: float, database_name: str = "dcm") -> Iterator[Settings]:
    """Settings of this home's stores, seen from a place that is a round trip of so many seconds away."""
    where = places(home)
    database = where.postgres_sockets / ".s.PGSQL.5432"
    with SlowLink(database, round_trip / 2) as postgres_link, SlowLink(where.valkey_socket, round_trip / 2) as link:
        told = {
            "DCM_HOME": str(home),
            "DCM_DATABASE_URL": f"postgresql://postgres@127.0.0.1:{postgres_link.port}/{database_name}",
            "DCM_REDIS_URL": f"redis://127.0.0.1:{link.port}/0",
            **dict(zip(("DCM_PORT", "DASHBOARD_PORT", "WS_PORT"), map(str, free_ports(3)), strict=True)),
        }
        yield settings_module.load({**told, "HOME": str(home)})


@contextlib.contextmanager
def processes(settings: Settings, *lines: str) -> Iterator[None]:
    """The processes of these lines of the Procfile."""
    told = {
        "DCM_HOME": settings.home,
        "DCM_DATABASE_URL": settings.database_url,
        "DCM_REDIS_URL": settings.redis_url,
        "DCM_PORT": settings.port,
        "DASHBOARD_PORT": settings.dashboard_port,
        "WS_PORT": settings.ws_port,
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DCM_", "DB_"))}
    with contextlib.ExitStack() as stack:
        for line in lines:
            environ = kept | {name: str(value) for name, value in told.items()} | SERVICES[line].env
            process = subprocess.Popen([sys.executable, "-m", *SERVICES[line].run], env=environ)
            stack.callback(process.wait)
            stack.callback(process.terminate)
        deadline = time.monotonic() + 30
        while not healthy(settings):
            if time.monotonic() > deadline:
                raise SystemExit("The API did not start within 30 s.")
            time.sleep(0.05)
        yield


async def load(settings: Settings, near: Settings, connections: int, seconds: float, round_trip: float) -> Row:
    """Send as fast as answers come, then wait until everything is stored."""
    session_ids = [f"distance-{round_trip}-{connections}-{number}" for number in range(connections)]
    began = time.perf_counter()
    bodies = [laps(tool_calls(name, seed)) for seed, name in enumerate(session_ids)]
    posters = await post((settings.host, settings.port), "/api/hooks/claude", bodies, seconds)
    times = [one for poster in posters for one in poster.seconds]
    sent_in = time.perf_counter() - began
    while await asyncio.to_thread(stored, near, session_ids) < len(times):  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(0.02)
    stored_in = time.perf_counter() - began
    ranks = statistics.quantiles(times, n=100, method="inclusive")
    return Row(
        round_trip_ms=round_trip * 1000,
        connections=connections,
        p50_ms=round(1000 * ranks[49], 2),
        p99_ms=round(1000 * ranks[98], 2),
        accepted_per_s=round(len(times) / sent_in),
        stored_per_s=round(len(times) / stored_in),
    )


def measure(round_trips: list[float], seconds: float) -> Iterator[Row]:
    """All rows, on stores of their own."""
    with (
        tempfile.TemporaryDirectory(prefix="dcm-distance-") as folder,
        postgres.running(home := _open(folder)) as url,
        valkey.running(home) as redis_url,
    ):
        migrate(url)
        for round_trip in round_trips:
            with far_stores(home, round_trip) as settings, processes(settings, "api", "ingest"):
                near = dataclasses.replace(settings, database_url=url, redis_url=redis_url)
                for connections in (1, 16):
                    yield asyncio.run(load(settings, near, connections, seconds, round_trip))


def _open(folder: str) -> Path:
    """A home through which root's Postgres may pass."""
    home = Path(folder)
    home.chmod(0o711)
    return home


def main() -> None:
    """Print a row for each distance and load."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ms", default="0,1,5,20", help="round trips in milliseconds, by commas")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    if not chosen.json:
        print("round trip  connections  p50       p99       accepted/s  stored/s")
    for row in measure([float(ms) / 1000 for ms in chosen.ms.split(",")], chosen.seconds):
        if chosen.json:
            print(json.dumps(asdict(row)), flush=True)
            continue
        print(
            f"{row.round_trip_ms:7.1f} ms  {row.connections:11d}  {row.p50_ms:6.2f} ms {row.p99_ms:6.2f} ms"
            f"  {row.accepted_per_s:10.0f}  {row.stored_per_s:8.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
