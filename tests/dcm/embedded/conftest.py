import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dcm.embedded.places import ROOT_STORE, places


@pytest.fixture
def home() -> Iterator[Path]:
    """A DCM_HOME to be made in a folder others can pass through, so that root's Postgres lives in it."""
    with tempfile.TemporaryDirectory(prefix="dcm-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "home"


@pytest.fixture
def private_home() -> Iterator[Path]:
    """A DCM_HOME to be made in a folder closed to everybody else."""
    with tempfile.TemporaryDirectory(prefix="dcm-") as folder:
        home = Path(folder) / "home"
        store = places(home).postgres_data.parent
        yield home
        if ROOT_STORE in store.parents:
            shutil.rmtree(store, ignore_errors=True)
