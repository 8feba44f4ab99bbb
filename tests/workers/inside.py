"""A worker in the test's own process, on the stores of a server."""

import contextlib
from collections.abc import Callable, Iterator

import pytest

from dcm.broker import open_broker
from workers import batch, follow_up, ingest, running


@contextlib.contextmanager
def writing(database_url: str, valkey_url: str) -> Iterator[Callable[[], None]]:
    """Gives what writes all that these stores have accepted."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DCM_DATABASE_URL", database_url)
        patched.setenv("DCM_REDIS_URL", valkey_url)
        running.settings.cache_clear()
        running.pool.cache_clear()
        running.valkey.cache_clear()
        batch._months_made.clear()
        for sender in (ingest, follow_up):
            patched.setattr(sender, "broker", open_broker(running.settings()))
        yield lambda: ingest.drain.fn(0)
        running.pool().close()
        running.valkey().close()
    running.settings.cache_clear()
    running.pool.cache_clear()
    running.valkey.cache_clear()
