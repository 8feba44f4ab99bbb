"""The bridge and its clients, for the tests of this folder."""

import os
import uuid
from collections.abc import Iterator

import psycopg
import pytest

from dcm import settings as settings_module
from dcm.settings import Settings


@pytest.fixture(scope="module")
def quiet_settings(postgres_url: str) -> Iterator[Settings]:
    """Settings that lead to a database where nothing is written, one for all tests of a module."""
    name = f"quiet_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE dcm_template")
        yield settings_module.load(
            {"DCM_HOME": os.environ["DCM_HOME"], "DCM_DATABASE_URL": postgres_url.replace("/dcm?", f"/{name}?")}
        )
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")
