"""Tell a client that comes back what it missed, once and in order, before what happens meanwhile."""

import asyncio
from collections.abc import Collection
from dataclasses import replace

from db import publish
from db.pool import connect
from wsbridge.hub import Client, channels_of, now_ms, written
from wsbridge.protocol import Resumed, Told, write
from wsbridge.relay import Relay

PAGE = 500
"""Kept events read at a time."""


async def resume(relay: Relay, client: Client, after: int, channels: Collection[str]) -> None:
    """Send what was kept after the event `after` on these channels; what the relay tells meanwhile follows it."""
    if client.held is not None:
        return
    client.held = []
    try:
        await relay.listening.wait()
        last, complete = await _send_kept(relay, client, after, channels)
        client.send(write(Resumed(last, complete, now_ms())))
    finally:
        held, client.held = client.held, None
    for told, text in held:
        already = told.event_id is not None and told.event_id <= last and told.channel in channels
        if not already:
            client.tell(told, text)


async def _send_kept(relay: Relay, client: Client, after: int, channels: Collection[str]) -> tuple[int, bool]:
    oldest = await asyncio.to_thread(_oldest, relay.database_url)
    complete = oldest is None or after + 1 >= oldest
    while kept := await asyncio.to_thread(_read, relay, after):
        for told in kept:
            for channel in channels_of(told):
                if channel in channels:
                    await client.queue.put(written(replace(told, channel=channel)))
        after = kept[-1].event_id or after
    return after, complete


def _read(relay: Relay, after: int) -> list[Told]:
    with connect(relay.database_url, "wsbridge resume") as conn:
        return [relay.kept(*found) for found in publish.kept_after(conn, after, PAGE)]


def _oldest(database_url: str) -> int | None:
    with connect(database_url, "wsbridge resume") as conn:
        return publish.oldest_kept(conn)
