"""A load that goes on: events of many sessions, accepted, stored, scored and told, and where the time goes."""

import asyncio
import statistics
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from db.pool import Conn
from db.pool import connect as connect_database
from dcm.broker import redis_client, stream_key
from dcm.domain import keywords, tools
from dcm.settings import Settings
from measure import hooks, noop, processes
from measure.listener import Listener, listening
from measure.poster import Poster, post

HOOKS = "/api/hooks/claude"
SESSIONS, NOOP_SECONDS, PATIENCE = 50, 5.0, 120.0
"""Sessions that are at work, seconds of the empty server's load, seconds until what was accepted must be stored."""


@dataclass(frozen=True, slots=True)
class Sustained:
    """What came of it. `ratio`: of what the server does with nothing behind it; `cpu_us`: of an accepted event."""

    seconds: float
    noop_per_s: float
    accepted: int
    accepted_per_s: float
    tool_calls: int
    p50_ms: float
    p99_ms: float
    stored: int
    scored_rightly: bool
    told: int
    done_per_s: float
    ratio: float
    backlog_s: float
    cpu_us: dict[str, float]


def by_connection(connections: int, events: list[list[hooks.Made]]) -> list[Iterator[tuple[bytes, bool]]]:
    """Each connection's bodies: a session stays on one, so that its events come in order."""
    return [in_turn([hooks.laps(one) for one in events[number::connections]]) for number in range(connections)]


def in_turn(sources: list[Iterator[tuple[bytes, bool]]]) -> Iterator[tuple[bytes, bool]]:
    """One of each source after the other, without end."""
    while True:
        for source in sources:
            yield next(source)


async def run(settings: Settings, connections: int, seconds: float, *, only_tools: bool) -> Sustained:
    """The empty server first, then DCM; everything DCM accepted is waited for."""
    with noop.served() as address:
        empty = [in_turn([hooks.laps(hooks.tool_calls("noop", n))]) for n in range(connections)]
        rate = sum(len(one.seconds) for one in await post(address, "/", empty, NOOP_SECONDS)) / NOOP_SECONDS
    ids = [f"bench-{uuid.uuid4()}" for _ in range(SESSIONS)]
    make = hooks.tool_calls if only_tools else hooks.session
    events = [make(session_id, number) for number, session_id in enumerate(ids)]
    with connect_database(settings.database_url, "bench") as conn:
        scored = _uses(conn)
        async with listening(settings.host, settings.ws_port) as listener:
            cpu, own = processes.cpu_seconds(settings), processes.own_cpu_seconds()
            began = time.perf_counter()
            posters = await post((settings.host, settings.port), HOOKS, by_connection(connections, events), seconds)
            loaded, own = time.perf_counter() - began, processes.own_cpu_seconds() - own
            calls = sum(poster.tools for poster in posters)
            stored = await _settled(conn, settings, ids, calls, listener)
            took = time.perf_counter() - began
            used = {line: spent - cpu.get(line, 0.0) for line, spent in processes.cpu_seconds(settings).items()}
        right = _uses(conn) - scored == _expected(events, posters, connections)
    told, used = listener.actions, used | {"this load": own}
    return _figures(posters, rate, loaded, took, stored=stored, told=told, scored_rightly=right, used=used)


def _figures(posters: list[Poster], rate: float, loaded: float, took: float, **known: Any) -> Sustained:
    times = sorted(one for poster in posters for one in poster.seconds)
    count = len(times)
    used = known.pop("used")
    return Sustained(
        seconds=round(loaded, 1),
        noop_per_s=round(rate),
        accepted=count,
        accepted_per_s=round(count / loaded),
        tool_calls=sum(poster.tools for poster in posters),
        p50_ms=round(statistics.median(times) * 1000, 2),
        p99_ms=round(times[int(count * 0.99)] * 1000, 2),
        done_per_s=round(count / took),
        ratio=round(count / took / rate, 3),
        backlog_s=round(took - loaded, 2),
        cpu_us={line: round(spent / count * 1e6, 1) for line, spent in sorted(used.items())},
        **known,
    )


async def _settled(conn: Conn, settings: Settings, ids: list[str], calls: int, listener: Listener) -> int:
    """Wait until the stream is empty and every tool call is stored and told; how many are stored."""
    client, deadline = redis_client(settings), time.perf_counter() + PATIENCE
    while time.perf_counter() < deadline:
        if not any(client.xlen(stream_key(shard)) for shard in range(settings.shards)) and listener.actions >= calls:
            break
        await asyncio.sleep(0.02)
    row = conn.execute("SELECT count(*) FROM actions WHERE session_id = ANY(%s)", [ids]).fetchone()
    return int(row[0]) if row else 0


def _uses(conn: Conn) -> int:
    row = conn.execute("SELECT coalesce(sum(usage_count), 0) FROM keyword_tool_scores").fetchone()
    return int(row[0]) if row else 0


def _expected(events: list[list[hooks.Made]], posters: list[Poster], connections: int) -> int:
    """How often words were to be scored, by what was posted."""
    expected = 0
    for number, poster in enumerate(posters):
        own = [[_words(event) for event in one] for one in events[number::connections]]
        for turn, one in enumerate(own):
            laps, rest = divmod((len(poster.seconds) - turn + len(own) - 1) // len(own), len(one))
            expected += laps * sum(one) + sum(one[:rest])
    return expected


def _words(event: hooks.Made) -> int:
    return len(keywords.extract(tools.values_text(event.asked))) if event.tool else 0
