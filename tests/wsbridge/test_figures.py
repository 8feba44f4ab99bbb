"""What the bridge counts: clients, frames, and who read too slowly."""

import asyncio
from collections.abc import Callable

import pytest
from bridge import heard, say, serving
from prometheus_client import generate_latest

from dcm.figures import REGISTRY
from dcm.settings import Settings


@pytest.fixture
def counted() -> Callable[[str], float]:
    """What a figure grew by since the test began, or its value."""

    def values() -> dict[str, float]:
        lines = [line.rsplit(" ", 1) for line in generate_latest(REGISTRY).decode().splitlines() if line[0] != "#"]
        return {name: float(value) for name, value in lines}

    before = values()
    return lambda name: values()[name] - (before[name] if name.endswith("_total") else 0)


def test_clients_frames_and_resumes_are_counted(settings: Settings, counted: Callable[[str], float]) -> None:
    async def scenario() -> None:
        async with serving(settings) as running:
            async with running.client() as client:
                assert counted("dcm_bridge_clients") == 1
                await say(client, type="ping", id="1")
                assert counted("dcm_bridge_frames_sent_total") >= 2
            async with running.client("/?last_event_id=0") as client:
                while (await heard(client))["type"] != "resumed":
                    pass
                assert counted("dcm_bridge_resumes_total") == 1
                running.break_all()
                await client.wait_closed()
                assert counted("dcm_bridge_clients_dropped_total") == 1

    asyncio.run(scenario())
