"""The WebSocket server: connections, what is sent on them and when they end."""

import asyncio
import contextlib
import logging
import time
from urllib.parse import parse_qs

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.typing import Origin

from dcm import secret
from dcm.domain import access
from dcm.settings import Settings
from wsbridge import deliveries, figures
from wsbridge.claims import Claims
from wsbridge.client import Client, Missed
from wsbridge.conversation import Conversation
from wsbridge.gate import Gate
from wsbridge.hub import Hub, now_ms
from wsbridge.metrics import tell_metrics
from wsbridge.pages import Pages, failed_upgrade
from wsbridge.protocol import BAD_FRAME, BadPosition, Beat, Connected, Error, event_position, write
from wsbridge.relay import Relay
from wsbridge.resume import resume

logger = logging.getLogger("dcm.wsbridge")

PING_EVERY, SILENT_FOR = 30.0, 60.0
"""Seconds between pings, and of silence after which a client is dropped (contract, section 10.9)."""

PING_TIMEOUT_CODE = 4000
TOO_SLOW = "You read too slowly: too many frames wait for you. Connect again and resume after the last event you saw."

CLOSE_TIMEOUT = 0.5
"""Seconds a client has to say goodbye."""

SLOW_CLOSE_TIMEOUT = 10.0
"""Seconds a client that read too slowly has to read on until the reason why it is dropped."""

FRAME_LIMIT = 64 * 1024
"""Bytes of the largest frame taken from a client."""


class Bridge:
    """One WebSocket server with its hub."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._secret = secret.load(settings)
        self._pages = Pages(settings, self._counters)
        self._claims = Claims(settings.database_url)
        self._gate = Gate(settings, self._pages, self._claims)
        self.hub = Hub(self._claims)
        figures.watch(self.hub.clients)
        self._relay = Relay(settings.database_url, self.hub)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until told to stop, or until the relay or the metrics break: then it raises what broke them."""
        works = (self._relay.run(), tell_metrics(self.hub, self._settings.database_url))
        tasks = [asyncio.create_task(stop.wait()), *(asyncio.create_task(work) for work in works)]
        async with serve(
            self._connected,
            self._settings.host,
            self._settings.ws_port,
            origins=[None, *map(Origin, sorted(self._pages.origins))],
            process_request=self._gate.answer,
            process_response=failed_upgrade,
            compression=None,
            ping_interval=None,
            max_size=FRAME_LIMIT,
            logger=connections_log(),
        ) as server:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.gather(*(_close(each, CloseCode.GOING_AWAY, "") for each in server.connections))
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        for broken in ended:
            if isinstance(broken, Exception):
                raise broken

    def _counters(self) -> dict[str, object]:
        stats = self.hub.channel_stats()
        return {
            "connectedClients": len(self.hub.clients),
            "activeChannels": len(stats),
            "channelStats": stats,
            "pendingDeliveries": self.hub.pending_deliveries(),
        }

    async def _connected(self, connection: ServerConnection) -> None:
        client = self.hub.join()
        client.shown = _shown(connection)
        talk = Conversation(
            self.hub,
            client,
            self._secret,
            production=self._settings.production,
            claims=self._claims,
        )
        client.send(write(Connected(client.id, now_ms())))
        tasks = {
            asyncio.create_task(work)
            for work in (
                self._send(connection, client),
                self._beat(connection, client),
                self._send_again(client),
                self._drop_when_slow(connection, client),
            )
        }
        try:
            self._welcome(connection, client, talk, tasks)
            async for text in connection:
                if client.too_slow.is_set():
                    continue
                client.heard_at = time.monotonic()
                await self._answer(client, talk, text, tasks)
        except ConnectionClosed:
            pass
        finally:
            self.hub.leave(client)
            talk.leave()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _welcome(
        self, connection: ServerConnection, client: Client, talk: Conversation, tasks: set[asyncio.Task[None]]
    ) -> None:
        """What the address says: who it is, and what it saw last."""
        assert connection.request
        said = {name: values[-1] for name, values in parse_qs(connection.request.path.partition("?")[2]).items()}
        wrong = talk.welcome(said.get("token", ""), said.get("agent_id", ""), said.get("session_id", ""))
        if wrong:
            client.send(write(wrong))
        try:
            after = event_position(said.get("last_event_id"))
        except BadPosition as error:
            client.send(write(Error(str(error), BAD_FRAME, now_ms())))
            return
        if after is not None:
            self._resume(client, Missed(after, frozenset(client.channels)), tasks)

    async def _answer(
        self, client: Client, talk: Conversation, text: str | bytes, tasks: set[asyncio.Task[None]]
    ) -> None:
        answer, missed = await talk.answer(text)
        if answer:
            client.send(write(answer))
        if missed:
            self._resume(client, missed, tasks)

    def _resume(self, client: Client, missed: Missed, tasks: set[asyncio.Task[None]]) -> None:
        """Hold what happens from now on, and tell the past; a second wish waits for the first."""
        figures.RESUMED.inc()
        client.missed.append(missed)
        if client.held is None:
            client.held, client.held_after = [], self._relay.position
            tasks.add(task := asyncio.get_running_loop().create_task(resume(self._relay, client)))
            task.add_done_callback(lambda done: _resumed(done, tasks))

    async def _send(self, connection: ServerConnection, client: Client) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await connection.send(await client.queue.get())
                figures.SENT.inc()
                client.queue.task_done()

    async def _send_again(self, client: Client) -> None:
        while True:
            await asyncio.sleep(deliveries.LOOK_EVERY)
            for text in client.deliveries.due(time.monotonic()):
                client.send(text)

    async def _beat(self, connection: ServerConnection, client: Client) -> None:
        while True:
            await asyncio.sleep(PING_EVERY)
            if time.monotonic() - client.heard_at > SILENT_FOR:
                await _close(connection, PING_TIMEOUT_CODE, "Ping timeout")
                return
            client.send(write(Beat("ping", now_ms())))

    async def _drop_when_slow(self, connection: ServerConnection, client: Client) -> None:
        await client.too_slow.wait()
        figures.DROPPED.inc()
        figures.LOST.inc(client.queue.qsize() + len(client.held or ()))
        logger.warning("a client read too slowly and was dropped", extra={"client": client.id})
        self.hub.leave(client)
        await _close(connection, CloseCode.TRY_AGAIN_LATER, TOO_SLOW, SLOW_CLOSE_TIMEOUT)


def _shown(connection: ServerConnection) -> tuple[bytes, ...]:
    """The digests of what the handshake presented: the credential of an agent, in its header or as a bearer."""
    assert connection.request
    headers = connection.request.headers
    return access.shown_digests(headers.get(access.AGENT_HEADER), headers.get("Authorization"))


def connections_log() -> logging.Logger:
    """The log of connections; never its debug lines, which hold addresses and with them tokens."""
    log = logging.getLogger("dcm.wsbridge.connections")
    log.setLevel(logging.INFO)
    if _is_news not in log.filters:
        log.addFilter(_is_news)
    return log


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a line is worth its place: a plain page that was asked for and given, like our health, is not."""
    status = record.args[0] if isinstance(record.args, tuple) and record.args else None
    answered = str(record.msg).startswith(("connection rejected", "HTTP response sent"))
    return not (answered and isinstance(status, int) and status < 400)


def _resumed(task: asyncio.Task[None], tasks: set[asyncio.Task[None]]) -> None:
    tasks.discard(task)
    if not task.cancelled() and (error := task.exception()):
        logger.error("a client was not told what it missed", exc_info=error)


async def _close(connection: ServerConnection, code: int, reason: str, within: float | None = None) -> None:
    """Close a connection; one whose client does not read would never let go and is cut off."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_TIMEOUT if within is None else within):
            await connection.close(code, reason)
    connection.transport.abort()
