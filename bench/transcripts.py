"""Measure how fast a transcript is read, and how fast what it tells is stored.

.venv/bin/python bench/transcripts.py               # 10 MB, stores of its own in a temporary folder
.venv/bin/python bench/transcripts.py --mb 50
"""

import argparse
import importlib
import json
import os
import random
import shutil
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from db.migrate import migrate
from dcm.domain.hook_events import parse
from dcm.domain.readings import Reading
from dcm.domain.usage import together
from dcm.embedded import postgres, valkey
from dcm.transcript_files import Mark, mark_at, read_on, take

SESSION = str(uuid.uuid4())
WORDS = ("the", "cart", "cache", "query", "index", "table", "price", "order", "user", "test", "fails", "because",
         "retry", "import", "module", "of", "and", "in", "to")  # fmt: skip
TOOLS = {"Bash": 2500, "Read": 6000, "Grep": 1500, "Edit": 1200, "Write": 3000}
"""Tools and how many characters their results have, on average."""


def text(size: int) -> str:
    """Some words, and a line break now and then."""
    return " ".join(random.choice(WORDS) + random.choice(("", "", "", ",", "\n")) for _ in range(max(1, size // 6)))


def records() -> Iterator[dict[str, Any]]:
    """A session without an end: prompts, answers in several records, tool calls, attachments, side records."""
    at = datetime.now(UTC) - timedelta(days=2)
    turn = 0
    while True:
        turn += 1
        prompt_id = str(uuid.uuid4())

        def made(kind: str, prompt_id: str = prompt_id, **fields: Any) -> dict[str, Any]:
            nonlocal at
            at += timedelta(milliseconds=random.randint(50, 4000))
            known = {"parentUuid": str(uuid.uuid4()), "isSidechain": False, "type": kind, "uuid": str(uuid.uuid4())}
            place = {"cwd": "/home/ada/shop", "sessionId": SESSION, "version": "2.1.197", "gitBranch": "main"}
            who = {"promptId": prompt_id} if kind == "user" else {}
            return {**known, "timestamp": at.isoformat(), **place, **who, **fields}

        yield made("user", message={"role": "user", "content": text(300)})
        yield made("attachment", attachment={"type": "skill_listing", "content": text(800)})
        for _ in range(random.randint(3, 25)):
            yield from called(made)
        yield from answered(made, [{"type": "text", "text": text(900)}], "end_turn")
        yield {"type": "file-history-snapshot", "messageId": str(uuid.uuid4()), "snapshot": {}}


def called(made: Any) -> Iterator[dict[str, Any]]:
    """A tool call and its result."""
    name, size = random.choice(list(TOOLS.items()))
    call = f"toolu_{uuid.uuid4().hex[:24]}"
    asked = {"command": text(80), "file_path": "/home/ada/shop/cart.py", "old_string": text(300)}
    yield from answered(
        made,
        [{"type": "text", "text": text(120)}, {"type": "tool_use", "id": call, "name": name, "input": asked}],
        None,
    )
    content = text(int(random.expovariate(1 / size)))
    result = {"tool_use_id": call, "type": "tool_result", "content": content, "is_error": random.random() < 0.05}
    yield made("user", message={"role": "user", "content": [result]}, toolUseResult={"stdout": content, "stderr": ""})


def answered(made: Any, blocks: list[Any], stop: str | None) -> Iterator[dict[str, Any]]:
    """An answer: a record a block, each with the usage so far."""
    message_id = f"msg_{uuid.uuid4().hex[:24]}"
    for number, block in enumerate(blocks, 1):
        usage = {"input_tokens": 4, "cache_read_input_tokens": 90_000, "cache_creation_input_tokens": 700,
                 "output_tokens": 40 * number}  # fmt: skip
        message = {"id": message_id, "type": "message", "role": "assistant", "model": "claude-opus-5",
                   "content": [block], "stop_reason": stop, "usage": usage}  # fmt: skip
        yield made("assistant", message=message, requestId=f"req_{message_id}")


def write(path: Path, size: int) -> int:
    """Write a transcript of so many bytes; gives the number of its records."""
    count = written = 0
    with path.open("w", encoding="utf-8") as file:
        for record in records():
            written += file.write(json.dumps(record, separators=(",", ":")) + "\n")
            count += 1
            if written >= size:
                return count
    return count


def read(path: Path) -> tuple[float, int, int]:
    """(seconds, events, answers) of reading a transcript to its end."""
    began = time.perf_counter()
    reading, mark, events = Reading(None, SESSION), Mark(), 0
    while True:
        piece = read_on(path, mark)
        told, offset = take(reading, piece, datetime.now(UTC), lambda _: set())
        events += len(told)
        json.dumps(reading.state())
        mark = mark_at(path, offset)
        if not piece.more:
            return time.perf_counter() - began, events, len(together(reading.uses))


def store(path: Path, home: Path) -> tuple[float, int]:
    """(seconds, tool calls) of reading a transcript and storing what it tells, by the worker's own code."""
    home.parent.chmod(0o711)
    home.mkdir(mode=0o711)
    with postgres.running(home) as url, valkey.running(home) as redis_url:
        os.environ |= {"DCM_HOME": str(home), "DCM_DATABASE_URL": url, "DCM_REDIS_URL": redis_url}
        os.environ["DCM_LOG_LEVEL"] = "error"
        migrate(url)
        # The workers take their stores from the environment when they are imported.
        running, batch, ingest, readings = (
            importlib.import_module(f"workers.{name}") for name in ("running", "batch", "ingest", "readings")
        )
        start = {"session_id": SESSION, "hook_event_name": "SessionStart", "transcript_path": str(path)}
        with running.pool().connection() as conn:
            batch.write(conn, [parse("1-0", datetime.now(UTC), start)], 3_600_000)
            began, row = time.perf_counter(), None
            while not (row and row[0]):
                readings.read_transcript(SESSION)
                ingest.drain(0)
                row = conn.execute("SELECT read_to = size, (SELECT count(*) FROM actions) FROM transcripts").fetchone()
            seconds = time.perf_counter() - began
        running.pool().close()
    return seconds, int(row[1])


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=float, default=10)
    size = int(parser.parse_args().mb * 1_000_000)
    random.seed(7)
    folder = Path(tempfile.mkdtemp(prefix="dcm-transcripts-"))
    try:
        path = folder / f"{SESSION}.jsonl"
        count = write(path, size)
        runs = [read(path) for _ in range(5)]
        _, events, answers = runs[0]
        print(f"{path.stat().st_size / 1e6:.1f} MB, {count} records, {events} events, {answers} answers")
        print(f"read to events      {statistics.median(run[0] for run in runs):6.2f} s (goal: 1 s for 10 MB)")
        seconds, calls = store(path, folder / "home")
        print(f"read and stored     {seconds:6.2f} s, {calls} tool calls")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
