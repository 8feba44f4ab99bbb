"""A server that keeps what it is asked."""

from collections.abc import Iterator

import pytest
from recorder import Recorder, recording


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A recorder for one test."""
    with recording() as recorder:
        yield recorder
