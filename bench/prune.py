"""Measure pruning: half a year of tool calls cut to a month, while hook events go on being written.

    .venv/bin/python bench/prune.py                       # 5,000,000 tool calls in stores of its own; takes a while
    .venv/bin/python bench/prune.py --actions 200000 --json

Sessions of 200 tool calls, each with its words to search for, six prompts, twelve other hook events and a brief.
"""

import argparse
import contextlib
import json
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from measure import hooks, rows

from db import counts, pruning
from db.migrate import migrate
from db.pool import Conn
from db.pool import connect as connect_database
from dcm.domain.hook_events import parse
from dcm.domain.retention import everything
from dcm.embedded import postgres
from workers.batch import write

BATCHES_A_SECOND = 10
"""How often what came is written, as the drain does."""

COUNTED = """
    SELECT 'actions', count(*) FROM actions UNION ALL SELECT 'hook_events', count(*) FROM hook_events
    UNION ALL SELECT 'search_entries', count(*) FROM search_entries UNION ALL SELECT 'requests', count(*) FROM requests
    UNION ALL SELECT 'sessions', count(*) FROM sessions UNION ALL SELECT 'briefs', count(*) FROM briefs
"""


@dataclass(frozen=True, slots=True)
class Step:
    """What became of one table. Sizes in MB, of the table with its indexes."""

    table: str
    rows_before: int
    rows_after: int
    mb_before: int
    mb_after: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Writing:
    """What writing batches of events took, in milliseconds."""

    batches: int
    events_per_s: float
    p50_ms: float
    p99_ms: float
    longest_ms: float


class Writer(threading.Thread):
    """Writes so many events a second until told to stop; `times` are the seconds of its batches."""

    def __init__(self, url: str, events_per_s: int) -> None:
        super().__init__(daemon=True)
        self.url, self.each = url, events_per_s // BATCHES_A_SECOND
        self.stopped = threading.Event()
        self.times: list[float] = []
        self.seconds = 0.0

    def run(self) -> None:
        """Write a batch a tenth of a second, the next at once where one took longer."""
        bodies = hooks.laps(hooks.session(f"bench-{uuid.uuid4()}", random.randrange(2**32)))
        began = due = time.perf_counter()
        with connect_database(self.url, "bench writer") as conn:
            while not self.stopped.wait(max(0.0, due - time.perf_counter())):
                events = [
                    parse(f"{len(self.times)}-{n}", datetime.now(UTC), json.loads(next(bodies)[0]))
                    for n in range(self.each)
                ]
                begins = time.perf_counter()
                write(conn, events, 3_600_000)
                self.times.append(time.perf_counter() - begins)
                due += 1 / BATCHES_A_SECOND
        self.seconds = time.perf_counter() - began

    def found(self) -> Writing:
        """The figures, once it stopped."""
        self.stopped.set()
        self.join()
        times = sorted(one * 1000 for one in self.times)
        return Writing(
            len(times),
            round(len(times) * self.each / self.seconds, 1),
            round(statistics.median(times), 1),
            round(times[int(len(times) * 0.99)], 1),
            round(times[-1], 1),
        )


@contextlib.contextmanager
def filled(actions: int) -> Iterator[str]:
    """A database that holds half a year; it is gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="dcm-bench-"))
    home.chmod(0o711)
    try:
        with postgres.running(home) as url:
            migrate(url)
            with connect_database(url, "bench") as conn:
                fill(conn, actions)
            yield url
    finally:
        shutil.rmtree(home, ignore_errors=True)


def fill(conn: Conn, actions: int) -> None:
    """Store half a year, a sixth at a time; indexes and figures are made when it is whole."""
    indexes = conn.execute(
        """
        SELECT indexname, indexdef FROM pg_indexes
        WHERE tablename IN ('actions', 'search_entries', 'hook_events', 'message_usage') AND indexname ~ '^idx_'
        """
    ).fetchall()
    conn.execute("SET session_replication_role = replica")
    conn.execute(f"DROP INDEX {', '.join(row[0] for row in indexes)}".encode())
    for file in ("rows.sql", "half_year.sql"):
        for title in rows.lay(conn, file, actions=actions, days=180, parts=6):
            conn.execute("ANALYZE sessions, requests, task_lists, subtasks")
            print(f"filled: {title}", file=sys.stderr)
    conn.execute("SET maintenance_work_mem = '512MB'")
    for row in indexes:
        conn.execute(str(row[1]).replace(" ON ONLY ", " ON ").encode())
    conn.execute("RESET session_replication_role")
    conn.execute("RESET maintenance_work_mem")
    print("filled: indexes", file=sys.stderr)
    counts.recount(conn)
    conn.execute("VACUUM ANALYZE")
    conn.execute("CHECKPOINT")


def sizes(conn: Conn) -> dict[str, int]:
    """Bytes of each table, its partitions and indexes included."""
    rows = conn.execute(
        """
        SELECT coalesce(p.relname, c.relname), sum(pg_total_relation_size(c.oid))::bigint
        FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1
        """
    ).fetchall()
    return {str(row[0]): int(row[1]) for row in rows}


def measured(conn: Conn, days: int) -> list[Step]:
    """What pruning to so many days did to each table."""
    before, counted = sizes(conn), dict(conn.execute(COUNTED).fetchall())
    taken: dict[str, float] = {}
    last = began = time.perf_counter()

    def tell(table: str, _rows: int, _freed: int) -> None:
        nonlocal last
        taken[table] = taken.get(table, 0.0) + time.perf_counter() - last
        print(f"pruned: {table}, {time.perf_counter() - began:.1f} s", file=sys.stderr)
        last = time.perf_counter()

    assert pruning.begin(conn)
    pruning.prune(conn, everything(days, datetime.now(UTC)), {}, tell)
    pruning.end(conn)
    after, left = sizes(conn), dict(conn.execute(COUNTED).fetchall())
    return [
        Step(name, counted.get(name, 0), left.get(name, 0), before[name] >> 20, after[name] >> 20, round(spent, 1))
        for name, spent in taken.items()
    ]


def counts_differ(conn: Conn) -> bool:
    """Whether any figure is not what counting everything anew gives."""
    figures = "SELECT * FROM counts_now ORDER BY 1, 2, 3", "SELECT * FROM session_actions ORDER BY 1"
    counts.fold(conn)
    kept = [conn.execute(figure.encode()).fetchall() for figure in figures]
    counts.recount(conn)
    return kept != [conn.execute(figure.encode()).fetchall() for figure in figures]


def table(steps: list[Step], writings: dict[str, Writing], differ: bool) -> str:
    """The figures for a person."""
    lines = [f"{'table':<20} {'rows before':>12} {'after':>10} {'MB before':>10} {'after':>7} {'s':>6}"]
    lines += [
        f"{one.table:<20} {one.rows_before:>12,} {one.rows_after:>10,} {one.mb_before:>10,} {one.mb_after:>7,}"
        f" {one.seconds:>6}"
        for one in steps
    ]
    total = round(sum(one.seconds for one in steps), 1)
    freed = sum(one.mb_before - one.mb_after for one in steps)
    lines += ["", f"{freed:,} MB came back in {total} s (goal: 60 s); counts {'DIFFER' if differ else 'are true'}", ""]
    lines += [f"{'events written':<20} {'a second':>9} {'p50 ms':>8} {'p99 ms':>8} {'longest ms':>11}"]
    lines += [
        f"{name:<20} {one.events_per_s:>9} {one.p50_ms:>8} {one.p99_ms:>8} {one.longest_ms:>11}"
        for name, one in writings.items()
    ]
    return "\n".join(lines)


def main() -> None:
    """Fill, prune, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--actions", type=int, default=5_000_000, help="tool calls to store (default 5000000)")
    parser.add_argument("--days", type=int, default=30, help="days that are kept (default 30)")
    parser.add_argument("--events", type=int, default=200, help="events written a second meanwhile (default 200)")
    parser.add_argument("--json", action="store_true", help="print JSON for a script")
    options = parser.parse_args()
    with filled(options.actions) as url, connect_database(url, "bench") as conn:
        writings = {}
        for name in ("before", "while pruning"):
            writer = Writer(url, options.events)
            writer.start()
            if name == "before":
                time.sleep(10)
            else:
                steps = measured(conn, options.days)
            writings[name] = writer.found()
        differ = counts_differ(conn)
    if options.json:
        told = {"steps": [asdict(one) for one in steps], "counts_true": not differ}
        print(json.dumps(told | {"writing": {name: asdict(one) for name, one in writings.items()}}, indent=2))
    else:
        print(table(steps, writings, differ))


if __name__ == "__main__":
    main()
