"""A database with nothing in it, for the migrations."""

import uuid
from collections.abc import Iterator

import psycopg
import pytest


@pytest.fixture
def blank_url(postgres_url: str) -> Iterator[str]:
    """A database without any schema."""
    name = f"blank_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}".encode())
        yield postgres_url.replace("/dcm?", f"/{name}?")
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
