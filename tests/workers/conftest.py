"""Workers that write to this test's stores."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import story

from dcm.settings import Settings
from workers import batch, running


@pytest.fixture(autouse=True)
def months_of_no_other_database() -> None:
    """A worker remembers which partitions it made; each test has a database of its own."""
    batch._months_made.clear()


@pytest.fixture
def worker(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A worker process whose settings and pool lead to this test's stores."""
    monkeypatch.setenv("DCM_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("DCM_REDIS_URL", settings.redis_url)
    running.settings.cache_clear()
    running.pool.cache_clear()
    running.valkey.cache_clear()
    yield running.settings()
    running.pool().close()
    running.valkey().close()
    running.settings.cache_clear()
    running.pool.cache_clear()
    running.valkey.cache_clear()


@pytest.fixture
def valkey(worker: Settings) -> redis.Redis:
    """A client of the worker's Valkey."""
    return redis.Redis.from_url(worker.redis_url)


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    """The story's main transcript, its subagent's beside it; both untouched for long."""
    return story.write(tmp_path) / f"{story.SESSION}.jsonl"
