"""Real stores for the tests: an embedded Postgres and Valkey a run, a database of its own a test."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

HOME = Path(tempfile.mkdtemp(prefix="dcm-tests-"))
OURS = ("DCM_", "DB_", "WS_", "OTEL_", "HONCHO_")
OTHERS = {"PORT", "HOST", "NODE_ENV", "DASHBOARD_PORT", "CONTEXT_MANAGER_URL", "CLAUDE_CONFIG_DIR"}
for name in [name for name in os.environ if name.startswith(OURS) or name in OTHERS]:
    del os.environ[name]
os.environ["DCM_HOME"] = str(HOME)

from db.migrate import migrate  # noqa: E402 - the environment is set before anything reads it
from db.pool import Conn  # noqa: E402
from dcm import settings as settings_module  # noqa: E402
from dcm.embedded import postgres, valkey  # noqa: E402
from dcm.settings import Settings  # noqa: E402

TEMPLATE = "dcm_template"


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """Commands that are tried in this process may set variables for the process they become: not for other tests."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


def pytest_unconfigure() -> None:
    """Leave nothing behind."""
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A Postgres whose database `dcm_template` has the current schema."""
    HOME.chmod(0o711)
    with postgres.running(HOME) as url:
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute(f"CREATE DATABASE {TEMPLATE}")
        migrate(url.replace("/dcm?", f"/{TEMPLATE}?"))
        yield url


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """A database of this test's own, with the current schema and nothing in it."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        yield postgres_url.replace("/dcm?", f"/{name}?")
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def conn(database_url: str) -> Iterator[Conn]:
    """A connection to this test's database, with autocommit."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[str]:
    """A Valkey for the run; gives its URL."""
    with valkey.running(HOME) as url:
        yield url


@pytest.fixture
def valkey_url(valkey_server: str) -> str:
    """The URL of a Valkey with nothing in it."""
    with redis.Redis.from_url(valkey_server) as client:
        client.flushall()
    return valkey_server


@pytest.fixture
def settings(database_url: str, valkey_url: str) -> Settings:
    """Settings that lead to this test's stores, with ports that are free."""
    return settings_module.load({"DCM_HOME": str(HOME), "DCM_DATABASE_URL": database_url, "DCM_REDIS_URL": valkey_url})
