"""Tell a client that comes back what it missed, once and in order, before what happens meanwhile."""

import asyncio
import logging
from dataclasses import dataclass, replace

from db import publish
from db.pool import AWAY, connect
from dcm.domain.errors import Unavailable
from wsbridge.client import Client, Missed
from wsbridge.hub import now_ms, written
from wsbridge.protocol import NEWEST, Resumed, Told, write
from wsbridge.relay import Relay

logger = logging.getLogger("dcm.wsbridge")

PAGE = 500
"""Kept events read at a time; a page that is not full is the last: what is committed after it is notified."""

PAUSE = 1.0
"""Seconds until Postgres is asked again when it is away."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Kept events after one, and the ids between which everything is kept: `first` to `last`."""

    events: list[Told]
    first: int
    last: int


async def resume(relay: Relay, client: Client) -> None:
    """Send what the client missed, in the order it asked for it; then what was held meanwhile.

    The relay listens before the past is read, so that nothing falls between the two. The queue is empty when
    the client hears live again, so that a long past does not make it too slow.
    """
    await relay.listening.wait()
    while client.missed or client.held:
        if client.missed:
            missed = client.missed.popleft()
            last, complete = await _send_kept(relay, client, missed)
            await client.queue.put(write(Resumed(last, sorted(missed.channels), complete, now_ms())))
        else:
            await client.release()
        await client.queue.join()
    client.held = None


async def _send_kept(relay: Relay, client: Client, missed: Missed) -> tuple[int, bool]:
    """(the event up to which everything was sent, whether nothing it missed was gone already)."""
    wanted = _position(relay, client) if missed.after == NEWEST else missed.after
    kept = await _read(relay, wanted)
    complete = kept.first <= wanted + 1 <= kept.last + 1
    after = last = min(wanted, kept.last)
    while kept.events:
        await relay.hub.knows(kept.events)
        for told in kept.events:
            await _send(relay, client, told, missed)
            last = told.event_id or last
        if len(kept.events) < PAGE:
            break
        kept = await _read(relay, last)
    client.caught_up(missed.channels, after, last)
    return last, complete


def _position(relay: Relay, client: Client) -> int:
    """The event up to which the client, had it been on every channel, was told everything; what follows is held."""
    position = relay.began if client.held_after is None else client.held_after
    assert position is not None, "the relay listens"
    return position


async def _send(relay: Relay, client: Client, told: Told, missed: Missed) -> None:
    assert told.event_id is not None
    for channel in relay.hub.channels_of(told) if relay.hub.hears(client, told) else ():
        if channel in missed.channels and channel in client.channels and client.lacks(channel, told.event_id):
            await client.queue.put(written(replace(told, channel=channel)))


async def _read(relay: Relay, after: int) -> Kept:
    while True:
        try:
            return await asyncio.to_thread(_read_once, relay, after)
        except (*AWAY, Unavailable) as error:
            logger.warning("resume: Postgres is away (%s), next try in %.1f s", error, PAUSE)
            await asyncio.sleep(PAUSE)


def _read_once(relay: Relay, after: int) -> Kept:
    with connect(relay.database_url, "wsbridge resume") as conn:
        first, last = publish.kept_span(conn)
        return Kept([relay.kept(*found) for found in publish.kept_after(conn, after, PAGE)], first, last)
