"""The relay as a process: made of the settings, kept until a signal ends it."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from dcm import __version__, lease, ports, token_file
from dcm.domain.errors import SettingsError, StartError
from dcm.domain.instants import instant
from dcm.domain.server_urls import ServerUrl, is_own, needs_encryption, refusal, server_url
from dcm.embedded.places import make_home, places
from dcm.logs import log_to_stderr
from dcm.relay import transcripts
from dcm.relay.door import Door
from dcm.relay.forwarding import Forwarding
from dcm.relay.spool import Spool
from dcm.relay.transcripts import Transcripts
from dcm.relay.upstream import Away, Upstream
from dcm.settings import Settings

logger = logging.getLogger("dcm.relay")

LOOPBACK = "127.0.0.1"

CLOCK_SLACK = 30.0
"""Seconds by which two clocks may differ before it is said."""


def server_of(settings: Settings) -> ServerUrl:
    """The server this machine reports to.

    Raises:
        SettingsError: none is named, or it must not be spoken to as it is named.
    """
    if not settings.server:
        raise SettingsError("DCM_SERVER_URL is not set: name the server, like https://dcm.example.org:3847.")
    server = server_url(settings.server)
    if is_own(server, settings.port):
        raise SettingsError(
            f"DCM_SERVER_URL is {server}, where the relay itself listens: name the server's own address, or let the "
            "relay listen on another PORT."
        )
    if needs_encryption(server) and not settings.relay_insecure:
        raise SettingsError(refusal(server))
    return server


def token_of(settings: Settings) -> Callable[[], str]:
    """Gives the token: the one that is set, or what the file holds at the moment, or none."""
    path = token_file.of_server(settings)

    def read() -> str:
        if settings.token:
            return settings.token
        try:
            return path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            if settings.token_file is None:
                return ""
            raise Away(f"there is no token file {path}") from None
        except (OSError, UnicodeDecodeError) as error:
            raise Away(f"the token cannot be read from {path}: {error}") from error

    return read


class Relay:
    """All parts of it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        token = token_of(settings)
        upstream = Upstream(server_of(settings), token, insecure=settings.relay_insecure)
        spool = Spool(settings.home / "relay", settings.relay_spool_mb * 1_000_000)
        self.transcripts = Transcripts(
            lambda: self.forwarding.away_since is not None, lambda paths: transcripts.run(paths, token())
        )
        self.forwarding = Forwarding(upstream, spool, self.transcripts.note)
        self.door = Door(self.forwarding, self.health)

    def health(self) -> Mapping[str, Any]:
        """What is to be said of it; `healthy` is the relay itself, whose work it is to do without a server."""
        forwarding, spool = self.forwarding, self.forwarding.spool
        since, off = forwarding.away_since, forwarding.upstream.clock_off
        return {
            "status": "healthy",
            "version": __version__,
            "relay": {
                "server": str(forwarding.upstream.server),
                "reachable": since is None,
                "away_since": instant(datetime.fromtimestamp(since, UTC)) if since else None,
                "reason": forwarding.reason or None,
                "waiting": spool.count,
                "waiting_bytes": spool.size,
                "spool_bytes": spool.limit,
                "dropped": spool.dropped,
                "dropped_why": spool.dropped_why or None,
                "unreadable": spool.unreadable,
                "refused": forwarding.refused,
                "forwarded": forwarding.forwarded,
                "clock_off_seconds": round(off) if abs(off) > CLOCK_SLACK else 0,
            },
        }

    async def run(self, stop: asyncio.Event) -> None:
        """Take hooks until told to stop."""
        listening = await asyncio.start_server(self.door.serve, LOOPBACK, self._settings.port, backlog=1024)
        work = [self.forwarding.run(), self.forwarding.sync(), self.transcripts.run()]
        tasks = [asyncio.create_task(each) for each in work]
        logger.info(
            "the relay takes hooks at %s:%d for %s", LOOPBACK, self._settings.port, self.forwarding.upstream.server
        )
        ends = asyncio.create_task(stop.wait())
        await asyncio.wait([*tasks, ends], return_when=asyncio.FIRST_COMPLETED)
        listening.close()
        self.door.close()
        for task in (*tasks, ends):
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        self.forwarding.spool.close()
        self.forwarding.upstream.close()
        for failed in (one for one in ended if isinstance(one, Exception)):
            raise failed


def hold_home(settings: Settings) -> None:
    """Make sure that this is the only relay of its DCM_HOME, and that its port is free; held until the process ends.

    Raises:
        StartError: it is not, or the port is taken.
    """
    make_home(settings.home)
    if (held := lease.take(places(settings.home).run / "relay.keeper")) is None:
        raise StartError(
            f"A relay already runs in {settings.home}: stop it first, or give this one a DCM_HOME of its own."
        )
    lease.write_pid(held, os.getpid())
    ports.require_free(LOOPBACK, settings.port, "PORT", "the relay")


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    await Relay(settings).run(stop)


def run(settings: Settings) -> None:
    """Run the relay until a signal ends it.

    Raises:
        DcmError: it cannot start.
    """
    log_to_stderr(settings.log_level)
    server_of(settings)
    hold_home(settings)
    asyncio.run(_run(settings))
