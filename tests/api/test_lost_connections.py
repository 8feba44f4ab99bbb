"""What the door does when its connections to Valkey are reset: it makes them anew, and nobody notices."""

import asyncio
import time
from dataclasses import replace

import pytest
import uvloop
from trials.proxy import Proxy

from api.ingest import Door
from dcm.embedded.places import places
from dcm.settings import Settings


async def reset(proxy: Proxy, turns: int) -> int:
    """Reset the door's connection, and give its loop turns to see it; how many connections there were by then."""
    assert proxy.reset() == 1
    for _ in range(turns):
        await asyncio.sleep(0)
    return proxy.met


@pytest.mark.parametrize("turns", [0, 200])
def test_a_connection_that_was_reset_is_made_anew_and_nobody_notices(
    settings: Settings, valkey_url: str, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Door, "ask", lambda *_: None)  # nudges have connections of their own

    async def through_resets() -> None:
        proxy = Proxy(places(settings.home).valkey_socket)
        await proxy.start()
        door = Door(replace(settings, redis_url=f"redis://127.0.0.1:{proxy.port}/0"))
        try:
            await door.mark("dcm:nothing")
            for number in range(5):
                met = await reset(proxy, turns)
                await door.take("s1", b'{"number": %d}' % number, time.time_ns())
                assert proxy.met > met
                met = await reset(proxy, turns)
                assert await door.mark("dcm:nothing") is None
                assert proxy.met > met
                met = await reset(proxy, turns)
                await door.settled()
                assert proxy.met > met
        finally:
            await door.close()
            await proxy.stop()

    uvloop.run(through_resets())
