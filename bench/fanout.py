"""Measure the WebSocket bridge of a running DCM: many clients on `global`, so many events a second.

    .venv/bin/python bench/fanout.py                                # 500 clients, 20 events/s, 30 s
    .venv/bin/python bench/fanout.py --seconds 300                  # the figure of the documentation
    .venv/bin/python bench/fanout.py --clients 1000 --rate 50 --json

The events are published through Postgres, as workers do; the clients are raw sockets of this process.
"""

import argparse
import asyncio
import json
import statistics
import time
import uuid
from dataclasses import asdict, dataclass, field

import psutil

from db.pool import connect as connect_database
from db.publish import publish
from dcm import settings as settings_module
from dcm.domain.events import Event
from dcm.settings import Settings

EVENT = "bench.fanout"

UPGRADE = (
    "GET /ws HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)

PING = bytes([0x81, 0x80 | 15, 0, 0, 0, 0]) + b'{"type":"ping"}'
"""A text frame of a client, masked with zeros."""

PATIENCE = 20.0
"""Seconds the last events may take."""


@dataclass(frozen=True, slots=True)
class Fanout:
    """What was measured. Latency in milliseconds, from publishing to a client; memory in megabytes."""

    clients: int
    events: int
    events_per_s: float
    missed: int
    doubled: int
    p50_ms: float
    p99_ms: float
    longest_ms: float
    bridge_mb: float
    bridge_cpu_percent: float


@dataclass(slots=True)
class Listener(asyncio.Protocol):
    """A client that reads frames as they come."""

    run: str
    latencies: list[float]
    heard: dict[int, int] = field(default_factory=dict)
    buffer: bytearray = field(default_factory=bytearray)
    upgraded: bool = False
    transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, to ping with."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Take the frames that are whole."""
        now = time.time()
        self.buffer += data
        if not self.upgraded:
            head, end, rest = self.buffer.partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                raise SystemExit(f"The bridge answered {head.splitlines()[0].decode()}.")
            self.upgraded, self.buffer = True, bytearray(rest)
        while frame := self._next():
            self._take(frame, now)

    def _next(self) -> bytes:
        if len(self.buffer) < 4:
            return b""
        length, start = self.buffer[1] & 127, 2
        if length == 126:
            length, start = int.from_bytes(self.buffer[2:4]), 4
        if length == 127 or len(self.buffer) < start + length:
            return b""
        frame = bytes(self.buffer[start : start + length])
        del self.buffer[: start + length]
        return frame

    def _take(self, frame: bytes, now: float) -> None:
        if self.run.encode() not in frame:
            return
        data = json.loads(frame)["data"]
        self.heard[data["number"]] = self.heard.get(data["number"], 0) + 1
        self.latencies.append((now - data["at"]) * 1000)


async def connect(settings: Settings, clients: int, run: str, latencies: list[float]) -> list[Listener]:
    """So many clients, upgraded."""
    loop, listeners = asyncio.get_running_loop(), []
    for _ in range(clients):
        _, listener = await loop.create_connection(lambda: Listener(run, latencies), settings.host, settings.ws_port)
        assert listener.transport
        listener.transport.write(UPGRADE.format(host=settings.host, port=settings.ws_port).encode())
        listeners.append(listener)
    while not all(listener.upgraded for listener in listeners):  # noqa: ASYNC110 - five hundred events to wait for
        await asyncio.sleep(0.01)
    return listeners


async def tell(settings: Settings, run: str, rate: float, seconds: float) -> int:
    """Publish events at a rate; how many."""
    total, began = round(rate * seconds), time.monotonic()
    with connect_database(settings.database_url, "bench") as conn:
        for number in range(total):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            data = {"run": run, "number": number, "at": time.time(), "text": "x" * 200}
            await asyncio.to_thread(publish, conn, [Event(EVENT, data)])
    return total


async def keep_alive(listeners: list[Listener]) -> None:
    """Ping as clients do."""
    while True:
        await asyncio.sleep(25)
        for listener in listeners:
            assert listener.transport
            listener.transport.write(PING)


def bridge_of(settings: Settings) -> psutil.Process:
    """The process that listens on the WebSocket's port."""
    for connection in psutil.net_connections("tcp"):
        if connection.laddr and connection.laddr.port == settings.ws_port and connection.status == psutil.CONN_LISTEN:
            return psutil.Process(connection.pid)
    raise SystemExit(f"Nothing listens on port {settings.ws_port}: start DCM with `make up`, then measure.")


async def measure(settings: Settings, clients: int, rate: float, seconds: float) -> Fanout:
    """Connect, publish, wait until everybody has everything, and say how it went."""
    bridge, run, latencies = bridge_of(settings), uuid.uuid4().hex, list[float]()
    listeners = await connect(settings, clients, run, latencies)
    pinging = asyncio.create_task(keep_alive(listeners))
    cpu, began = sum(bridge.cpu_times()[:2]), time.monotonic()
    total = await tell(settings, run, rate, seconds)
    told_for, deadline = time.monotonic() - began, time.monotonic() + PATIENCE
    while any(len(one.heard) < total for one in listeners) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    cpu = sum(bridge.cpu_times()[:2]) - cpu
    pinging.cancel()
    latencies.sort()
    memory = bridge.memory_info().rss / 1_000_000
    for listener in listeners:
        assert listener.transport
        listener.transport.abort()
    return Fanout(
        clients=clients,
        events=total,
        events_per_s=round(total / told_for, 1),
        missed=sum(total - len(one.heard) for one in listeners),
        doubled=sum(times - 1 for one in listeners for times in one.heard.values()),
        p50_ms=round(statistics.median(latencies), 1),
        p99_ms=round(latencies[int(len(latencies) * 0.99)], 1),
        longest_ms=round(latencies[-1], 1),
        bridge_mb=round(memory, 1),
        bridge_cpu_percent=round(100 * cpu / told_for, 1),
    )


def table(found: Fanout) -> str:
    """The figures for a person."""
    return "\n".join(f"{name:<20}{value}" for name, value in asdict(found).items())


def main() -> None:
    """Run one load and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=500, help="WebSocket clients (default 500)")
    parser.add_argument("--rate", type=float, default=20, help="events a second (default 20)")
    parser.add_argument("--seconds", type=float, default=30, help="length of the load (default 30)")
    parser.add_argument("--json", action="store_true", help="print JSON for a script")
    options = parser.parse_args()
    found = asyncio.run(measure(settings_module.load(), options.clients, options.rate, options.seconds))
    print(json.dumps(asdict(found), indent=2) if options.json else table(found))


if __name__ == "__main__":
    main()
