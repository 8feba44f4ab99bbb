"""Measure how many bytes on disk a tool call of a typical session costs, table by table and index by index.

.venv/bin/python bench/storage.py                # the sessions of six seeds, in stores of its own
.venv/bin/python bench/storage.py --seeds 12 --json
"""

import argparse
import json
import random
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from sessions.generator import generate

from db import counts
from db.migrate import migrate
from db.pool import Conn
from db.pool import connect as connect_database
from dcm.domain.hook_events import HookEvent, parse
from dcm.domain.readings import Reading
from dcm.embedded import postgres
from dcm.transcript_files import Mark, mark_at, read_on, take
from workers.batch import write


@dataclass(frozen=True, slots=True)
class Cost:
    """Bytes a tool call: of the rows of a table and what was moved out of them, or of an index."""

    name: str
    bytes_a_call: float


def events(path: Path, number: int) -> Iterator[HookEvent]:
    """What the hooks of a session would have told."""
    reading, mark, told = Reading(None, path.stem), Mark(), 0
    while True:
        piece = read_on(path, mark)
        past, offset = take(reading, piece, datetime.now(UTC), lambda _: set())
        for one in past:
            told += 1
            yield parse(f"{number}-{told}", datetime.fromisoformat(one["at"]), one["payload"])
        mark = mark_at(path, offset)
        if not piece.more:
            return


def fill(conn: Conn, folder: Path, seeds: int) -> None:
    """Store the sessions of so many seeds."""
    for seed in range(seeds):
        generate(folder, random.Random(seed).randrange(10_000))
    for number, path in enumerate(sorted(folder.rglob("*.jsonl"))):
        if not path.stem.startswith("agent-"):
            told = list(events(path, number))
            for start in range(0, len(told), 100):
                write(conn, told[start : start + 100], 3_600_000)
    counts.fold(conn)
    conn.execute("VACUUM FULL")


def costs(conn: Conn) -> tuple[int, list[Cost]]:
    """How many tool calls there are, and what each costs."""
    row = conn.execute("SELECT count(*) FROM actions").fetchone()
    calls = int(row[0]) if row else 0
    rows = conn.execute(
        """
        SELECT coalesce(p.relname, c.relname) AS name,
               sum(pg_relation_size(c.oid) + CASE c.relkind WHEN 'r' THEN
                   coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0) ELSE 0 END)::float8 AS size
        FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent
        WHERE c.relkind IN ('r', 'i') AND c.relnamespace = 'public'::regnamespace
        GROUP BY 1 HAVING sum(pg_relation_size(c.oid)) > 0 ORDER BY 2 DESC
        """
    ).fetchall()
    return calls, [Cost(str(name), round(size / calls, 1)) for name, size in rows]


def main() -> None:
    """Fill, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=6, help="seeds of sessions (default 6)")
    parser.add_argument("--json", action="store_true", help="print JSON for a script")
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="dcm-bench-"))
    home.chmod(0o711)
    try:
        with postgres.running(home) as url:
            migrate(url)
            with connect_database(url, "bench") as conn:
                fill(conn, home / "sessions", options.seeds)
                calls, found = costs(conn)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    total = round(sum(one.bytes_a_call for one in found), 1)
    if options.json:
        told = {"calls": calls, "bytes_a_call": total, "parts": [asdict(one) for one in found]}
        print(json.dumps(told, indent=2))
        return
    print(f"{calls:,} tool calls, {total:,} bytes each")
    for one in found:
        print(f"{one.name:<52} {one.bytes_a_call:>8,}")


if __name__ == "__main__":
    main()
