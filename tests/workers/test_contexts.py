"""Watching how large contexts grow (contract, section 11.5)."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from stories import agent_tool, at, rows, sent, store, subagent, tool

from db.pool import Conn
from dcm.settings import Settings
from workers.briefs import make_brief
from workers.contexts import COOLDOWN_S, RED_BYTES, YELLOW_BYTES, watch_context


def grow(path: Path, size: int) -> None:
    """A transcript of so many bytes, which take no room."""
    with path.open("wb") as file:
        file.truncate(size)


def warnings(caplog: pytest.LogCaptureFixture) -> int:
    """How often a large context was logged since the last time this was asked."""
    found = [record for record in caplog.records if "context is large" in record.message]
    caplog.clear()
    return len(found)


Watched = Callable[[], tuple[int, int]]


@pytest.fixture
def watched(worker: Settings, caplog: pytest.LogCaptureFixture) -> Watched:
    """Watches session s1 once: (warnings logged, snapshots asked for)."""
    caplog.set_level(logging.WARNING, "dcm.contexts")

    def watch() -> tuple[int, int]:
        watch_context("s1")
        return warnings(caplog), len(sent(redis.Redis.from_url(worker.redis_url), "make_brief"))

    return watch


@pytest.mark.contract("HOOK a large context is saved before it is compacted")
def test_a_snapshot_is_saved_past_the_red_line_with_a_pause_for_each_session(
    worker: Settings, conn: Conn, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "dcm.contexts")
    valkey = redis.Redis.from_url(worker.redis_url)
    paths = {session: tmp_path / f"{session}.jsonl" for session in ("s1", "s2")}
    store(conn, *(tool(n, session_id=s, transcript_path=str(p)) for n, (s, p) in enumerate(paths.items())))

    def watch(session: str, size: int) -> tuple[int, int]:
        """(warnings logged, snapshots asked for in all) once the transcript has this size."""
        grow(paths[session], size)
        watch_context(session)
        return warnings(caplog), len(sent(valkey, "make_brief"))

    assert watch("s1", YELLOW_BYTES - 1) == (0, 0)
    assert watch("s1", YELLOW_BYTES) == (1, 0)
    assert watch("s1", RED_BYTES - 1) == (1, 0)
    assert watch("s1", RED_BYTES) == (1, 1)
    assert watch("s1", RED_BYTES + 1) == (1, 1)
    assert watch("s2", RED_BYTES) == (1, 2)
    conn.execute("UPDATE sessions SET proactive_snapshot_at = now() - make_interval(secs => %s)", [COOLDOWN_S])
    assert watch("s1", RED_BYTES) == (1, 3)
    assert sorted((args[0], args[2]) for args in sent(valkey, "make_brief")) == [
        ("s1", "proactive"), ("s1", "proactive"), ("s2", "proactive")]  # fmt: skip
    assert rows(conn, "SELECT id, context_bytes FROM sessions ORDER BY id") == [("s1", RED_BYTES), ("s2", RED_BYTES)]


@pytest.mark.contract("HOOK a large context is saved before it is compacted")
def test_the_snapshot_of_a_large_context_is_kept_while_subagents_run(worker: Settings, conn: Conn) -> None:
    store(conn, tool(1, cwd="/w"), agent_tool(2, "PreToolUse"), subagent(3, "SubagentStart"))
    make_brief("s1", at(10).isoformat(), "proactive")
    assert rows(conn, "SELECT trigger, subject FROM briefs") == [("proactive", "main")]
    assert rows(conn, "SELECT role_context ->> 'trigger' FROM agent_contexts") == [("proactive",)]


def test_a_session_whose_transcript_cannot_be_read_is_left_alone(worker: Settings, conn: Conn, tmp_path: Path) -> None:
    store(conn, tool(1), tool(2, session_id="s2", transcript_path=str(tmp_path / "missing")))
    for session in ("s1", "s2", "unknown"):
        watch_context(session)
    assert rows(conn, "SELECT context_bytes FROM sessions") == [(None,), (None,)]
    assert sent(redis.Redis.from_url(worker.redis_url), "make_brief") == []


@pytest.mark.parametrize(
    ("told", "expected"),
    [((119_000, "claude-sonnet-4-5"), (0, 0)), ((120_000, "claude-sonnet-4-5"), (1, 0)),
     ((160_000, "claude-sonnet-4-5"), (1, 1)), ((160_000, "claude-opus-5"), (0, 0)),
     ((900_000, "claude-opus-5"), (1, 1)), ((900_000, "other-model"), (0, 0))],
)  # fmt: skip
def test_the_tokens_that_answers_tell_count_before_the_size_of_the_file(
    watched: Watched, conn: Conn, tmp_path: Path, told: tuple[int, str], expected: tuple[int, int]
) -> None:
    tokens, model = told
    usage = {"input_tokens": 10, "cache_read_input_tokens": tokens - 10, "output_tokens": 5}
    answer = {"type": "assistant", "sessionId": "s1", "timestamp": "2026-11-20T12:00:00.000Z", "isSidechain": False}
    path = tmp_path / "s1.jsonl"
    line = json.dumps(answer | {"message": {"id": "m1", "model": model, "usage": usage, "content": []}})
    path.write_text(f"{line}\n", encoding="utf-8")
    store(conn, tool(1, transcript_path=str(path)))
    assert watched() == expected
