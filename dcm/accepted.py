"""What was accepted and is not stored yet: it waits in the streams of events and of telemetry."""

import time
from collections.abc import Mapping
from typing import Any

import redis

from dcm.broker import accepted_streams
from dcm.settings import Settings

LOOK_EVERY = 0.05
"""Seconds between two looks at whether something is stored."""

Marks = Mapping[str, bytes]
"""The newest entry of each stream that holds one."""


def count(client: redis.Redis, settings: Settings) -> int:
    """How many events and exports wait."""
    return sum(int(str(client.xlen(stream))) for stream in accepted_streams(settings))


def marks(client: redis.Redis, settings: Settings) -> Marks:
    """How far the streams go now."""
    newest: dict[str, Any] = {stream: client.xrevrange(stream, count=1) for stream in accepted_streams(settings)}
    return {stream: found[0][0] for stream, found in newest.items() if found}


def wait(client: redis.Redis, before: Marks) -> bool:
    """Whether something waits that was accepted up to there."""
    return any(client.xrange(stream, max=mark.decode(), count=1) for stream, mark in before.items())


def settle(client: redis.Redis, settings: Settings, seconds: float) -> int:
    """Wait until what was accepted before now is stored, so long at most; how many wait when it is not, else 0."""
    before, deadline = marks(client, settings), time.monotonic() + seconds
    while wait(client, before):
        if time.monotonic() >= deadline:
            return count(client, settings)
        time.sleep(LOOK_EVERY)
    return 0
