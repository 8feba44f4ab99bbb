"""A home, a server of the contract's shapes, and the real API on stores of its own."""

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from api_server import ApiServer, OwnValkey, empty, serving
from inside import writing
from moves import live
from recorder import Recorder, recording


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home for one test; the .env of this clone is not read."""
    monkeypatch.setattr("dcm.cli.up.ROOT", tmp_path)
    made = tmp_path / "my home"
    made.mkdir()
    return made


@pytest.fixture
def stores(database_url: str, valkey_url: str, home: Path) -> Iterator[dict[str, str]]:
    """Stores of the person's own, as variables; what a restore leaves beside them is removed."""
    yield {"DCM_DATABASE_URL": database_url, "DCM_REDIS_URL": valkey_url, "DCM_HOME": str(home)}
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    with psycopg.connect(database_url.replace(f"/{name}?", "/postgres?"), autocommit=True) as conn:
        for suffix in ("_restoring", "_before_restore"):
            conn.execute(f"DROP DATABASE IF EXISTS {name}{suffix} WITH (FORCE)")


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A recorder for one test."""
    with recording() as recorder:
        yield recorder


@pytest.fixture(scope="module")
def module_server(postgres_url: str) -> Iterator[ApiServer]:
    """The real API with a database and a Valkey of its own, one for all tests of a module."""
    name = f"cli_{uuid.uuid4().hex}"
    home = Path(tempfile.mkdtemp(prefix="dcm-cli-"))
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE dcm_template")
        valkey = OwnValkey(home)
        try:
            with serving(valkey, postgres_url.replace("/dcm?", f"/{name}?")) as serving_:
                yield serving_
        finally:
            valkey.close()
            shutil.rmtree(home)
            conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def server(module_server: ApiServer) -> ApiServer:
    """The module's server with nothing in its stores."""
    module_server.valkey.client.flushall()
    with psycopg.connect(module_server.database_url, autocommit=True) as conn:
        empty(conn)
    return module_server


@pytest.fixture
def write_all(server: ApiServer) -> Iterator[Callable[[], None]]:
    """Writes what the server has accepted, as the worker does."""
    with writing(server.database_url, server.valkey.url) as write:
        yield write


@pytest.fixture
def lived(server: ApiServer, write_all: Callable[[], None]) -> ApiServer:
    """A DCM that has a row of every kind."""
    return live(server, write_all)
