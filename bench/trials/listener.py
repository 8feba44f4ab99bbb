"""A WebSocket client that resumes after the last event it saw, and remembers what it was told, in order."""

import asyncio
import contextlib
import json
from dataclasses import dataclass, field

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

SENT_AGAIN = ("task.", "subtask.", "message.")
"""Events that are sent again until they are acknowledged."""


@dataclass(slots=True)
class Listener:
    """`seen`: the kept events it was told. `late`: those that came after a younger one. `gaps`: incomplete resumes."""

    port: int
    last: int = 0
    first: int | None = None
    seen: set[int] = field(default_factory=set)
    late: list[int] = field(default_factory=list)
    gaps: int = 0
    resumed: int = 0
    live: bool = False

    async def run(self) -> None:
        """Listen for ever, and come back after each loss."""
        while True:
            with contextlib.suppress(OSError, WebSocketException, TimeoutError, EOFError):
                await self._connection()
            self.live = False
            await asyncio.sleep(0.1)

    async def _connection(self) -> None:
        after = "newest" if self.first is None else str(self.last)
        address = f"ws://127.0.0.1:{self.port}/?last_event_id={after}"
        async with connect(address, compression=None, open_timeout=3, close_timeout=0.5, max_queue=None) as socket:
            async for text in socket:
                frame = json.loads(text)
                self._hear(frame)
                if str(frame.get("event", "")).startswith(SENT_AGAIN) and frame.get("id"):
                    await socket.send(json.dumps({"type": "ack", "message_id": frame["id"]}))

    def _hear(self, frame: dict[str, object]) -> None:
        if frame.get("type") == "resumed":
            self._resume(frame)
        elif isinstance(event_id := frame.get("event_id"), int) and self.first is not None:
            if event_id not in self.seen and event_id < self.last:
                self.late.append(event_id)
            self.seen.add(event_id)
            self.last = max(self.last, event_id)

    def _resume(self, frame: dict[str, object]) -> None:
        last = frame["last_event_id"]
        assert isinstance(last, int)
        self.live = True
        self.resumed += 1
        self.gaps += frame.get("complete") is not True
        if self.first is None:
            self.first = self.last = last
