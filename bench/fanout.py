"""Measure the fan-out of a running DCM: what each of many WebSocket clients gets of a stream of events, and when.

    .venv/bin/python bench/fanout.py                              # 500 clients, 20 events/s for 5 minutes
    .venv/bin/python bench/fanout.py --seconds 30 --through notify --json

Events are made by hooks posted to the API, or notified straight to the bridge. The clients are raw sockets subscribed
to `global`; they run on the same machine, over loopback, in one process. It ends with 1 when a client missed an event.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import random
import re
import resource
import statistics
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import cast

import psutil
import uvloop
from ingest import body, post, requests

from db.pool import connect as connect_database
from db.publish import CHANNEL
from dcm import settings as settings_module
from dcm.settings import Settings

UPGRADE = (
    "GET / HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
PING_EVERY, LAST_WAIT = 25.0, 10.0
"""Seconds between two signs of life of a client, and after the last event in which it must have reached everybody."""

Send = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run found. Times in milliseconds, from the sending of an event to its arrival at a client."""

    clients: int
    events: int
    fewest: int
    most: int
    missing: int
    doubles: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    bridge_mb: float
    bridge_cpu_percent: float


@dataclass(slots=True)
class Stream:
    """The events of a run, by number: when each was sent; they are known by a marker in their text."""

    marker: str = field(default_factory=lambda: f"fanout{uuid.uuid4().hex[:12]}n")
    sent: dict[int, float] = field(default_factory=dict)


class Listener(asyncio.Protocol):
    """One client: counts the events it gets and how late they are."""

    def __init__(self, stream: Stream, upgrade: bytes) -> None:
        self._sent, self._upgrade = stream.sent, upgrade
        self._event = re.compile(rb"%s(\d+)" % stream.marker.encode())
        self._rest = b""
        self._transport: asyncio.Transport | None = None
        self.open = asyncio.get_running_loop().create_future()
        self._more = asyncio.Event()
        self.got: Counter[int] = Counter()
        self.late: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask to become a WebSocket client."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._upgrade)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let nobody wait for the upgrade of a connection that is gone."""
        if not self.open.done():
            self.open.set_exception(exc or ConnectionResetError("the bridge closed the connection"))

    def data_received(self, data: bytes) -> None:
        """Take the whole frames; what comes before the first one is the answer to the upgrade."""
        now = time.perf_counter()
        self._rest += data
        if not self.open.done():
            self._welcome()
        if self.open.done():
            for payload in self._frames():
                self._take(payload, now)

    def ping(self) -> None:
        """Say that the client lives."""
        payload = b'{"type":"ping"}'
        if self._transport:
            self._transport.write(bytes([0x81, 0x80 | len(payload)]) + bytes(4) + payload)

    async def reached(self, count: int) -> None:
        """Wait until the client has so many events."""
        while len(self.got) < count:
            self._more.clear()
            await self._more.wait()

    def close(self) -> None:
        """Go."""
        if self._transport:
            self._transport.close()

    def _welcome(self) -> None:
        head, found, rest = self._rest.partition(b"\r\n\r\n")
        if found and head.startswith(b"HTTP/1.1 101"):
            self._rest = rest
            self.open.set_result(None)
        elif found:
            self.open.set_exception(ConnectionRefusedError(head.splitlines()[0].decode()))

    def _frames(self) -> Iterator[bytes]:
        """The payloads of the server's whole frames; they are not masked."""
        while len(self._rest) >= 2:
            short = self._rest[1]
            extra = {126: 2, 127: 8}.get(short, 0)
            begin = 2 + extra
            length = int.from_bytes(self._rest[2:begin]) if extra else short
            if len(self._rest) < begin + length:
                return
            yield self._rest[begin : begin + length]
            self._rest = self._rest[begin + length :]

    def _take(self, payload: bytes, now: float) -> None:
        if found := self._event.search(payload):
            number = int(found[1])
            self.got[number] += 1
            self._more.set()
            self.late.append(now - self._sent[number])


@asynccontextmanager
async def by_hooks(settings: Settings) -> AsyncIterator[Send]:
    """Make an event by a hook: the tool call's command bears the marker."""
    reader, writer = await asyncio.open_connection(settings.host, settings.port)
    session_id, rng = f"bench-{uuid.uuid4()}", random.Random()

    async def send(mark: str) -> None:
        payload = json.loads(body(session_id, rng))
        payload |= {"tool_name": "Bash", "tool_input": {"command": f"echo {mark}"}}
        [request] = requests(settings, iter([json.dumps(payload).encode()]))
        await post(reader, writer, request)

    yield send
    writer.close()


@asynccontextmanager
async def by_notify(settings: Settings) -> AsyncIterator[Send]:
    """Make an event by notifying the bridge: no API, no worker."""
    with connect_database(settings.database_url, "bench") as conn:

        def notify(mark: str) -> None:
            data = {"id": mark, "summary": "x" * 400}
            frame = {"channel": "global", "event": "action.created", "data": data, "timestamp": int(time.time() * 1000)}
            conn.execute("SELECT pg_notify(%s, %s)", [CHANNEL, json.dumps(frame)])

        async def send(mark: str) -> None:
            await asyncio.to_thread(notify, mark)

        yield send


def bridge_process(settings: Settings) -> psutil.Process:
    """The process that listens on the bridge's port."""
    for process in psutil.process_iter():
        try:
            if any(
                one.status == psutil.CONN_LISTEN and one.laddr.port == settings.ws_port
                for one in process.net_connections("tcp")
            ):
                return process
        except psutil.Error:
            continue
    raise SystemExit(f"No bridge of yours listens on port {settings.ws_port}: start DCM with `make up`.")


async def connected(settings: Settings, stream: Stream, count: int) -> list[Listener]:
    """So many clients, all upgraded."""
    loop, upgrade = asyncio.get_running_loop(), UPGRADE.format(host=settings.host, port=settings.ws_port).encode()
    listeners = [Listener(stream, upgrade) for _ in range(count)]
    for one in listeners:
        await loop.create_connection(lambda one=one: one, settings.host, settings.ws_port)  # type: ignore[misc]
        await one.open
    return listeners


async def keep_alive(listeners: list[Listener]) -> None:
    """Let every client ping, one after the other."""
    for one in itertools.cycle(listeners):
        await asyncio.sleep(PING_EVERY / len(listeners))
        one.ping()


async def watch(bridge: psutil.Process, sizes: list[int]) -> None:
    """Look at the bridge's resident memory every half second."""
    while True:
        sizes.append(bridge.memory_info().rss)
        await asyncio.sleep(0.5)


async def tell(send: Send, stream: Stream, rate: float, seconds: float) -> None:
    """Send events at a steady rate; one that is late does not make the next one late."""
    began = time.perf_counter()
    for number in range(round(rate * seconds)):
        await asyncio.sleep(began + number / rate - time.perf_counter())
        stream.sent[number] = time.perf_counter()
        await send(f"{stream.marker}{number}")


async def everybody(listeners: list[Listener], count: int) -> None:
    """Wait until everybody has everything, or the last wait is over."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LAST_WAIT):
            for one in listeners:
                await one.reached(count)


def figures(listeners: list[Listener], events: int, sizes: list[int], cpu_percent: float) -> Figures:
    """What was found."""
    late = sorted(itertools.chain.from_iterable(one.late for one in listeners)) or [0.0]
    got = [len(one.got) for one in listeners]
    return Figures(
        clients=len(listeners),
        events=events,
        fewest=min(got),
        most=max(got),
        missing=sum(events - one for one in got),
        doubles=sum(one.got.total() - len(one.got) for one in listeners),
        p50_ms=round(statistics.median(late) * 1000, 1),
        p99_ms=round(late[int(len(late) * 0.99)] * 1000, 1),
        max_ms=round(late[-1] * 1000, 1),
        bridge_mb=round(max(sizes) / 2**20, 1),
        bridge_cpu_percent=round(cpu_percent, 1),
    )


async def run(settings: Settings, options: argparse.Namespace) -> Figures:
    """Connect, tell, wait, count."""
    bridge, stream, sizes = bridge_process(settings), Stream(), list[int]()
    listeners = await connected(settings, stream, options.clients)
    asides = [asyncio.create_task(keep_alive(listeners)), asyncio.create_task(watch(bridge, sizes))]
    async with (by_hooks if options.through == "hooks" else by_notify)(settings) as send:
        cpu, began = sum(bridge.cpu_times()[:2]), time.perf_counter()
        await tell(send, stream, options.rate, options.seconds)
        await everybody(listeners, len(stream.sent))
        cpu = (sum(bridge.cpu_times()[:2]) - cpu) / (time.perf_counter() - began)
    for aside in asides:
        aside.cancel()
    for one in listeners:
        one.close()
    return figures(listeners, len(stream.sent), sizes, cpu * 100)


def table(found: Figures) -> str:
    """The figures for a person."""
    shown = asdict(found)
    widths = [max(len(name), len(str(value))) for name, value in shown.items()]
    rows = (list(shown), [str(value) for value in shown.values()])
    return "\n".join("  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)) for row in rows)


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300, help="length of the stream of events (default 300)")
    parser.add_argument("--clients", type=int, default=500, help="WebSocket clients (default 500)")
    parser.add_argument("--rate", type=float, default=20, help="events a second (default 20)")
    parser.add_argument("--through", choices=["hooks", "notify"], default="hooks", help="how events are made")
    parser.add_argument("--json", action="store_true", help="print JSON for a script")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    found = uvloop.run(run(settings_module.load(), options))
    print(json.dumps(asdict(found), indent=2) if options.json else table(found))
    raise SystemExit(1 if found.missing else 0)


if __name__ == "__main__":
    try:
        main()
    except ConnectionError as error:
        raise SystemExit(f"No DCM answers ({error}): start it with `make up`, then measure.") from None
