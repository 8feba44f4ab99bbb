"""A server a module, on a database and a Valkey of its own; empty for every test."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from api_server import ApiServer, OwnValkey, empty, serving

from db.pool import Conn


@pytest.fixture(scope="module")
def module_database(postgres_url: str) -> Iterator[str]:
    """A database of this module's own, with the current schema."""
    name = f"api_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE dcm_template")
        yield postgres_url.replace("/dcm?", f"/{name}?")
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def module_valkey() -> Iterator[OwnValkey]:
    """A Valkey of this module's own."""
    home = Path(tempfile.mkdtemp(prefix="dcm-api-"))
    own = OwnValkey(home)
    yield own
    own.close()
    shutil.rmtree(home)


@pytest.fixture(scope="module")
def module_server(module_database: str, module_valkey: OwnValkey) -> Iterator[ApiServer]:
    """The server of this module."""
    with serving(module_valkey, module_database) as running:
        yield running


@pytest.fixture
def server(module_server: ApiServer) -> ApiServer:
    """The module's server with nothing in its Valkey."""
    module_server.valkey.client.flushall()
    return module_server


@pytest.fixture
def conn(server: ApiServer) -> Iterator[Conn]:
    """A connection, with autocommit, to the server's database with nothing in it."""
    with psycopg.connect(server.database_url, autocommit=True) as conn:
        empty(conn)
        yield conn
