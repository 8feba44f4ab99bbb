"""A trial: one DCM, its load and its listener; faults happen to it, and after each it is held to its promises."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import redis

from db import partitions
from db.pool import DatabaseError
from dcm.domain.errors import DcmError
from trials import truth
from trials.instance import Instance, Wrong, until
from trials.ledger import TOLD_BY_TRANSCRIPTS, Key
from trials.listener import Listener
from trials.load import Load

WELL_WITHIN, STORED_WITHIN, RECOVERED_WITHIN, SILENT_WITHIN = 120.0, 300.0, 40.0, 120.0
"""Seconds until all lines live and /health is well, until what was accepted is stored, and where
Valkey lost some read from transcripts, until nothing is left to do."""


@dataclass(slots=True)
class Outcome:
    """What became of one fault. Times in seconds; `recovery_s` counts from the end of the fault."""

    kind: str
    recovery_s: float = 0.0
    acknowledged: int = 0
    missing: list[Key] = field(default_factory=list)
    doubled: list[Key] = field(default_factory=list)
    recovered: int = 0
    gone: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        return not (self.missing or self.doubled or self.problems)


@dataclass(slots=True)
class Trial:
    """Runs while it is entered by `running`."""

    instance: Instance
    load: Load
    listener: Listener
    rng: random.Random

    async def suffer(self, kind: str, harm: "Callable[[Trial], Awaitable[None]]", *, power: bool = False) -> Outcome:
        """Have one fault happen, wait until DCM is well again, and see whether it kept its promises.

        `power`: what the fault took from Valkey may be gone where no transcript tells it.
        """
        outcome, before = Outcome(kind), self.load.ledger.answered
        try:
            await harm(self)
            healed = time.monotonic()
            await until(self.instance.well, WELL_WITHIN, f"every line lives and /health is well after {kind}")
            await self._accepts(healed)
            outcome.recovery_s = time.monotonic() - healed
            await self._settle(outcome, power=power)
        except Wrong as wrong:
            outcome.problems.append(str(wrong))
        outcome.acknowledged = self.load.ledger.answered - before
        return outcome

    async def _accepts(self, since: float) -> None:
        ledger = self.load.ledger
        await until(lambda: ledger.last_answer > since, WELL_WITHIN, "hooks are answered 200 again")

    async def _settle(self, outcome: Outcome, *, power: bool) -> None:
        """Wait until all that was acknowledged so far is stored, and the listener knows what was told so far.

        What is still missing when the stream no longer holds anything of that time is lost, however busy the machine.
        """
        ledger = self.load.ledger
        keys = set(ledger.acknowledged)
        last = await self._newest()
        await until(lambda: self._drained(last), STORED_WITHIN, "the stream is drained of what was accepted")
        deadline = time.monotonic() + (RECOVERED_WITHIN if power else 0)
        pending = keys & ledger.acknowledged.keys()
        while pending:
            await asyncio.to_thread(self._find, pending, outcome)
            pending = keys & ledger.acknowledged.keys()
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(0.1)
        if power:
            self._forgive(keys, pending, outcome)
        else:
            outcome.missing += pending
        ledger.found(pending)
        await until(self._heard, STORED_WITHIN, "the listener was told every kept event")

    async def _newest(self) -> str:
        """The newest entry of the stream; a Valkey that was killed lives before it has read what it kept."""
        found: list[str] = []

        def asked() -> list[str]:
            with contextlib.suppress(OSError, redis.RedisError):
                found.append(truth.newest_entry(self.instance.queue()))
            return found

        await until(asked, WELL_WITHIN, "Valkey has read what it kept")
        return found[0]

    def _drained(self, last: str) -> bool:
        with contextlib.suppress(OSError, redis.RedisError):
            return truth.drained(self.instance.queue(), last)
        return False

    def _find(self, pending: set[Key], outcome: Outcome) -> None:
        with self.instance.database() as conn, truth.at_one_moment(conn):
            found = truth.counted(conn, pending)
            outcome.doubled += [key for key, count in found.items() if count > 1]
            self.load.ledger.found(found)

    def _forgive(self, keys: set[Key], pending: set[Key], outcome: Outcome) -> None:
        with self.instance.database() as conn:
            outcome.recovered = len(truth.recovered(conn, keys))
        outcome.missing += [key for key in pending if key.event in TOLD_BY_TRANSCRIPTS]
        outcome.gone = sum(key.event not in TOLD_BY_TRANSCRIPTS for key in pending)

    def _heard(self) -> bool:
        with contextlib.suppress(DatabaseError, DcmError), self.instance.database() as conn:
            told = truth.kept_after(conn, self.listener.first or 0)
            return set(told) <= self.listener.seen
        return False

    async def rest(self) -> list[str]:
        """Stop the load, wait until nothing is left to do, and compare everything with everything. What is wrong."""
        await self.load.pause()
        problems = []
        try:
            await until(self._silent, SILENT_WITHIN, "streams and queues are empty")
        except Wrong as wrong:
            problems.append(f"{wrong}: {truth.waiting(self.instance.queue())}")
        problems += await asyncio.to_thread(self._compare)
        self.load.go_on()
        return problems

    def _silent(self) -> bool:
        with contextlib.suppress(OSError, redis.RedisError):
            return not truth.waiting(self.instance.queue())
        return False

    def _compare(self) -> list[str]:
        problems = []
        with self.instance.database() as conn:
            problems += [f"{name}: {rows}" for name, rows in truth.wrong_figures(conn).items()]
            problems += [f"stored more than once: {row}" for row in truth.doubled(conn)[:5]]
            if not self.instance.clock:  # a clock that jumps lets messages expire
                stored = truth.messages(conn, self.load.ledger.messages)
                problems += [f"message {m}: {stored[m]} times" for m in self.load.ledger.messages if stored[m] != 1][:5]
        problems += [f"failed for good: {dead.actor}: {dead.reason}" for dead in truth.dead(self.instance.queue())]
        if self.listener.late:
            problems.append(f"events told after younger ones: {self.listener.late[:5]}")
        if self.listener.gaps:
            problems.append(f"resumes that said they were incomplete: {self.listener.gaps}")
        return problems


@contextlib.asynccontextmanager
async def running(
    folder: Path, rng: random.Random, *, rate: float = 120.0, fsync: str = "everysec", clock: bool = False
) -> AsyncIterator[Trial]:
    """A trial in a folder of its own, for a `with` block."""
    instance = Instance(folder, fsync=fsync, clock=clock)
    await instance.start()
    tasks = []
    try:
        if clock:
            await asyncio.to_thread(_make_months, instance)
        load = Load(instance.port, folder / "transcripts", instance.now, rng, rate)
        listener = Listener(instance.ws_port)
        tasks = [asyncio.create_task(listener.run()), asyncio.create_task(load.run())]
        await until(lambda: (listener.live and load.ledger.stored) or load.ledger.answered > 50, 30, "the load runs")
        yield Trial(instance, load, listener, rng)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await instance.stop()


def _make_months(instance: Instance) -> None:
    """Make the partitions of the months that the clocks may jump to."""
    with instance.database() as conn:
        now = datetime.now(UTC)
        partitions.ensure(conn, [now + timedelta(days=30 * months) for months in range(-6, 7)])
