"""A TCP proxy in front of a store's Unix socket, whose connections can be refused, left hanging or reset."""

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field
from pathlib import Path

AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER that makes a close a reset."""


@dataclass(slots=True)
class Proxy:
    """Forwards what comes to `port` to a Unix socket while it is open. `met`: how many connections it was asked for."""

    target: Path
    port: int = 0
    met: int = 0
    _server: asyncio.Server | None = None
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _links: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        """Listen, on the port of before when there was one."""
        self._open.set()
        self._server = await asyncio.start_server(self._met, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Cut all connections and refuse new ones."""
        assert self._server
        self._server.close()
        self.reset()

    async def accept(self) -> None:
        """Be there again."""
        await self.start()

    def hang(self) -> None:
        """Take whatever comes and answer nothing, as a network that loses every packet."""
        self._open.clear()

    def go_on(self) -> None:
        """Forward again, what was held first."""
        self._open.set()

    def reset(self) -> int:
        """Reset every connection in the middle of what it does; how many there were."""
        broken = 0
        for link in list(self._links):
            end = link.get_extra_info("socket")
            with contextlib.suppress(OSError):
                if end is not None and end.family == socket.AF_INET:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
                    broken += 1
            link.transport.abort()
        return broken

    async def stop(self) -> None:
        """End."""
        self.go_on()
        await self.refuse()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self.met += 1
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        ends = [writer]
        self._links.add(writer)
        try:
            await self._open.wait()
            upstream_reader, upstream = await asyncio.open_unix_connection(str(self.target))
            ends.append(upstream)
            self._links.add(upstream)
            await asyncio.gather(self._pump(reader, upstream), self._pump(upstream_reader, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for end in ends:
                self._links.discard(end)
                end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            chunk = await reader.read(65536)
            await self._open.wait()
            if not chunk:
                writer.close()
                return
            writer.write(chunk)
            await writer.drain()
