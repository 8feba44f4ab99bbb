"""Tell how busy the system is, every five seconds, while somebody listens (contract, section 10.7)."""

import asyncio
import logging

from db import metrics
from db.pool import DatabaseError, connect
from dcm.domain.errors import Unavailable
from wsbridge.hub import Hub, now_ms
from wsbridge.protocol import Told

logger = logging.getLogger("dcm.wsbridge")

CHANNEL, EVERY = "metrics", 5.0
"""The channel, and seconds between two tellings."""


async def tell_metrics(hub: Hub, database_url: str) -> None:
    """Tell for ever."""
    while True:
        if hub.wanted(CHANNEL):
            try:
                figures = await asyncio.to_thread(_read, database_url)
            except (DatabaseError, Unavailable) as error:
                logger.warning("no metrics: %s", error)
            else:
                data = {**figures, "timestamp": now_ms()}
                hub.tell_channel(Told(hub.next_id(None), CHANNEL, "metric.update", data, now_ms()))
        await asyncio.sleep(EVERY)


def _read(database_url: str) -> dict[str, object]:
    with connect(database_url, "wsbridge metrics") as conn:
        return metrics.read(conn)
