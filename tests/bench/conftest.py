"""A generated session with two compactions, made once."""

from pathlib import Path

import pytest
from measure.cases import Case, cases
from sessions import facts as shapes
from sessions.facts import Planted
from sessions.generator import generate

SEED, CALLS = 2, 800


@pytest.fixture(scope="session")
def transcript(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(tmp_path_factory.mktemp("sessions"), SEED, CALLS)


@pytest.fixture(scope="session")
def planted(transcript: Path) -> Planted:
    found = shapes.beside(transcript)
    assert found
    return found


@pytest.fixture(scope="session")
def case(transcript: Path) -> Case:
    return cases([transcript])[-1]
