"""The faults: what each does, and until when."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import psutil

from trials import disks, power
from trials.instance import SERVICES, STORES, Wrong, alive, until
from trials.proxy import Proxy
from trials.trial import WELL_WITHIN, Trial

HOUR, DAY = 3600, 86_400
"""Seconds."""

A_MOMENT, LONG = (0.3, 2.5), 30.0
"""How many seconds a cut lasts: one as they come by the dozen, and one that outlasts every patience."""

Harm = Callable[[Trial], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault. `weight`: how often it comes beside the others of its group."""

    name: str
    harm: Harm
    weight: int = 1


async def _kill(find: Callable[[], psutil.Process]) -> None:
    """kill -9 a process that may just be coming up, and see it dead."""
    victims: list[psutil.Process] = []

    def killed() -> bool:
        with contextlib.suppress(psutil.Error):
            victims.append(find())
            victims[-1].kill()
            return True
        return False

    await until(killed, 10, "there is something to kill")
    await until(lambda: not alive(victims[-1]), 5, f"{victims[-1]} is dead")


def _first(line: str) -> Harm:
    async def harm(trial: Trial) -> None:
        await _kill(lambda: trial.instance.first_of(line))

    return harm


def _child(line: str, mark: str = "") -> Harm:
    """Kill one of the processes of a line's first one, of those that say `mark`."""

    def find(trial: Trial) -> psutil.Process:
        children = [each for each in trial.instance.first_of(line).children() if alive(each)]
        found = [each for each in children if mark in " ".join(each.cmdline())]
        if not found:
            raise psutil.NoSuchProcess(0, line)
        return trial.rng.choice(found)

    async def harm(trial: Trial) -> None:
        await _kill(lambda: find(trial))

    return harm


async def _keeper(trial: Trial) -> None:
    line = trial.rng.choice((*SERVICES, *STORES))
    await _kill(lambda: trial.instance.keeper_of(line))


async def _several(trial: Trial) -> None:
    """Kill three lines at once."""
    lines = trial.rng.sample((*SERVICES, *STORES), 3)
    await asyncio.gather(*(_kill(lambda line=line: trial.instance.first_of(line)) for line in lines))  # type: ignore[misc]


def _refused(store: str, seconds: float | None = None) -> Harm:
    """Refuse connections for so many seconds, a moment when they are not said."""

    async def harm(trial: Trial) -> None:
        proxy: Proxy = getattr(trial.instance, store)
        await proxy.refuse()
        await asyncio.sleep(seconds or trial.rng.uniform(*A_MOMENT))
        await proxy.accept()

    return harm


def _hanging(store: str, seconds: float | None = None) -> Harm:
    """The same, and let connections hang."""

    async def harm(trial: Trial) -> None:
        proxy: Proxy = getattr(trial.instance, store)
        proxy.hang()
        await asyncio.sleep(seconds or trial.rng.uniform(*A_MOMENT))
        if trial.rng.random() < 0.5:
            proxy.reset()
        proxy.go_on()

    return harm


def _reset(store: str) -> Harm:
    async def harm(trial: Trial) -> None:
        proxy: Proxy = getattr(trial.instance, store)
        broken, met = 0, proxy.met
        for _ in range(3):
            broken += proxy.reset()
            await asyncio.sleep(trial.rng.uniform(0, 0.2))
        if not broken:
            raise Wrong(f"no connection to {store} was there to be reset")
        await until(lambda: proxy.met > met, WELL_WITHIN, f"{store} is connected to anew")

    return harm


async def _stopped(trial: Trial) -> None:
    """Hold a process still, as a machine that is suspended or swaps, and let it go on."""
    line = trial.rng.choice((*SERVICES, *STORES))
    with contextlib.suppress(psutil.NoSuchProcess):
        victim = trial.instance.first_of(line)
        family = [victim, *victim.children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(trial.rng.uniform(0.5, 2.5))
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)


def _jump(seconds: float) -> Harm:
    """Let every clock jump by up to so many seconds, forwards or backwards, and stay there."""

    async def harm(trial: Trial) -> None:
        jump = trial.rng.uniform(0.05, 1.0) * seconds
        trial.instance.move_clock(round(trial.instance.shift + jump))
        await asyncio.sleep(1.2)  # libfaketime looks at its file once a second

    return harm


async def _there_and_back(trial: Trial) -> None:
    """Let every clock jump by days and back."""
    shift = trial.instance.shift
    trial.instance.move_clock(round(shift + trial.rng.choice((-1, 1)) * trial.rng.uniform(1, 40) * DAY))
    await asyncio.sleep(trial.rng.uniform(1.2, 2.5))
    trial.instance.move_clock(shift)
    await asyncio.sleep(1.2)


async def _jump_and_kill(trial: Trial) -> None:
    """Let every clock jump back by a day while a worker dies with what it was doing."""
    await _kill(lambda: trial.instance.first_of(trial.rng.choice(("worker", "ingest"))))
    await _jump(-DAY)(trial)


async def _disorder(trial: Trial) -> None:
    await trial.load.disorder(1.5)


async def _redelivered(trial: Trial) -> None:
    """Deliver every Dramatiq message that is seen in the queues twice more, and drains by the dozen."""
    with trial.instance.queue() as queue:
        seen: set[bytes] = set()
        until_then = time.monotonic() + 1.5
        while time.monotonic() < until_then:
            for name in ("ingest", "default", "default.DQ"):
                found = queue.hgetall(f"dcm:dramatiq:{name}.msgs")
                for message_id, message in found.items():  # type: ignore[union-attr]
                    if message_id not in seen:
                        _again(queue, name, message_id, message, seen)
            await asyncio.sleep(0.01)


def _again(queue: "object", name: str, message_id: bytes, message: bytes, seen: set[bytes]) -> None:
    for number in range(2):
        copy = message_id + b"-again%d" % number
        seen.add(copy)
        body = message.replace(message_id, copy)
        queue.hset(f"dcm:dramatiq:{name}.msgs", copy, body)  # type: ignore[attr-defined]
        queue.rpush(f"dcm:dramatiq:{name}", copy)  # type: ignore[attr-defined]
    seen.add(message_id)


PLAIN = (
    Kind("kill an API worker", _child("api"), 3),
    Kind("kill the API's master", _first("api"), 3),
    Kind("kill the ingest worker", _first("ingest"), 5),
    Kind("kill the general worker", _first("worker"), 4),
    Kind("kill the bridge", _first("wsbridge"), 4),
    Kind("kill the clock", _first("clock"), 2),
    Kind("kill Valkey", _first("valkey"), 5),
    Kind("kill Postgres", _first("postgres"), 4),
    Kind("kill a backend of Postgres", _child("postgres", "[local]"), 3),
    Kind("kill a keeper", _keeper, 4),
    Kind("kill three lines at once", _several, 3),
    Kind("hold a process still", _stopped, 3),
    Kind("Postgres refuses", _refused("postgres"), 3),
    Kind("Postgres hangs", _hanging("postgres"), 3),
    Kind("Postgres resets", _reset("postgres"), 3),
    Kind("Postgres refuses for half a minute", _refused("postgres", LONG)),
    Kind("Valkey refuses", _refused("valkey"), 3),
    Kind("Valkey hangs", _hanging("valkey"), 3),
    Kind("Valkey resets", _reset("valkey"), 3),
    Kind("Valkey hangs for half a minute", _hanging("valkey", LONG)),
    Kind("hooks twice and in any order", _disorder, 3),
    Kind("messages of queues thrice", _redelivered, 3),
)

CLOCK = (
    Kind("clocks go forward by hours", _jump(9 * HOUR)),
    Kind("clocks go back by hours", _jump(-9 * HOUR)),
    Kind("clocks go forward by days", _jump(9 * DAY)),
    Kind("clocks go back by days", _jump(-9 * DAY)),
    Kind("clocks go days away and back", _there_and_back),
    Kind("clocks go back while a worker dies", _jump_and_kill),
)

DISK = (
    Kind("Postgres' disk is full", disks.full_for_postgres),
    Kind("Valkey's disk is full", disks.full_for_valkey),
    Kind("both disks are full", disks.full_for_both),
)

POWER = (Kind("power cut", power.cut),)
