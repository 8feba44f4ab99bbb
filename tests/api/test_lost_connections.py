"""What the door does when its connections to Valkey are reset: it makes them anew, and nobody notices."""

import asyncio
import time
from dataclasses import replace

import uvloop
from trials.proxy import Proxy

from api.ingest import Door
from dcm.embedded.places import places
from dcm.settings import Settings


async def reset(proxy: Proxy) -> None:
    """Reset the door's connection, and give its loop turns enough to see it."""
    proxy.reset()
    for _ in range(200):
        await asyncio.sleep(0)


def test_a_connection_that_was_reset_is_made_anew_and_nobody_notices(settings: Settings, valkey_url: str) -> None:
    async def through_resets() -> None:
        proxy = Proxy(places(settings.home).valkey_socket)
        await proxy.start()
        door = Door(replace(settings, redis_url=f"redis://127.0.0.1:{proxy.port}/0"))
        try:
            for number in range(5):
                await door.take("s1", b'{"number": %d}' % number, time.time_ns())
                await reset(proxy)
                assert await door.mark("dcm:nothing") is None
                await reset(proxy)
                await door.settled()
                await reset(proxy)
        finally:
            await door.close()
            await proxy.stop()

    uvloop.run(through_resets())
