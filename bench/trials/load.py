"""The load: sessions beside one another that tell their hooks, and an agent that sends messages."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from trials.ledger import TOOL, Ledger
from trials.posts import Post
from trials.sessions import Session, Told

HOOKS, MESSAGES = "/api/hooks/claude", "/api/messages"
REFUSED_PAUSE = 0.05
"""Seconds a session thinks after a hook that was refused, so that a dead API is not asked a thousand times."""


@dataclass(slots=True)
class Load:
    """`rate`: events a second, all sessions together. `disordered`: each event is posted twice, in any order."""

    port: int
    folder: Path
    now: Callable[[], float]
    rng: random.Random
    rate: float = 120.0
    beside: int = 6
    ledger: Ledger = field(default_factory=Ledger)
    disordered: bool = False
    _flows: asyncio.Event = field(default_factory=asyncio.Event)
    _outbox: list[Told] = field(default_factory=list)
    _late: list[Told] = field(default_factory=list)
    _busy: int = 0

    async def run(self) -> None:
        """Go on for ever."""
        self._flows.set()
        async with asyncio.TaskGroup() as tasks:
            for number in range(self.beside):
                tasks.create_task(self._sessions(random.Random(self.rng.random()), f"/srv/shop{number % 3}"))
            tasks.create_task(self._messages(random.Random(self.rng.random())))

    async def pause(self) -> None:
        """Stop, once what is on its way has its answer."""
        self._flows.clear()
        while self._busy:  # noqa: ASYNC110 - at most as long as an answer takes
            await asyncio.sleep(0.01)

    def go_on(self) -> None:
        """Go on."""
        self._flows.set()

    async def disorder(self, seconds: float) -> None:
        """For so long post each event twice and in any order, and tool calls once more after the others."""
        self.disordered = True
        posts = [Post(self.port) for _ in range(4)]
        until = time.monotonic() + seconds
        while time.monotonic() < until or self._outbox:
            await asyncio.sleep(0.3)
            if time.monotonic() >= until:
                self.disordered = False
            await self._post_all(posts, self._outbox)
        await self._post_all(posts, self._late)
        for post in posts:
            post.close()

    async def _post_all(self, posts: list[Post], told: list[Told]) -> None:
        """Post events in any order: tool calls twice, wherever; others twice in a row, for later they are news."""
        waiting = [[one] * (1 if one.key.event == TOOL else 2) for one in told]
        if told is self._outbox:
            waiting += [[one] for one in told if one.key.event == TOOL]
        told.clear()
        self.rng.shuffle(waiting)
        shares = [waiting[number :: len(posts)] for number in range(len(posts))]
        await asyncio.gather(*(self._post_share(post, share) for post, share in zip(posts, shares, strict=True)))

    async def _post_share(self, post: Post, share: list[list[Told]]) -> None:
        for copies in share:
            for told in copies:
                await self._post(post, told)

    async def _sessions(self, rng: random.Random, project: str) -> None:
        pause = self.beside / self.rate
        with contextlib.closing(Post(self.port)) as post:
            while True:
                async for told in Session(rng, self.folder, self.now, project).story():
                    began = time.monotonic()
                    await self._tell(post, told)
                    await asyncio.sleep(max(0.0, pause - (time.monotonic() - began)))

    async def _tell(self, post: Post, told: Told) -> None:
        """Post an event, or lay it aside for the others while there is disorder."""
        await self._flows.wait()
        if self.disordered and not told.compacts:
            self._outbox.append(told)
            if told.key.event == TOOL:
                self._late.append(told)
        elif await self._post(post, told) != 200:
            await asyncio.sleep(REFUSED_PAUSE)

    async def _post(self, post: Post, told: Told) -> int | None:
        self._busy += 1
        self.ledger.sent += 1
        try:
            status = await post(HOOKS, told.payload)
        finally:
            self._busy -= 1
        if status == 200:
            self.ledger.answer(told.key, time.monotonic())
        return status

    async def _messages(self, rng: random.Random) -> None:
        with contextlib.closing(Post(self.port)) as post:
            while True:
                await asyncio.sleep(0.4)
                await self._flows.wait()
                await self._message(post, f"mark-{rng.getrandbits(64):016x}")

    async def _message(self, post: Post, mark: str) -> None:
        told = {"from_agent": "trial", "topic": "workflow.progress", "content": {"mark": mark}}
        self._busy += 1
        try:
            status = await post(MESSAGES, {**told, "ttl_seconds": 86_400})
        finally:
            self._busy -= 1
        if status in {200, 201}:
            self.ledger.messages.add(mark)
