"""A campaign: many faults, one after the other, of a seed's choice; and its figures."""

import contextlib
import random
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dcm.embedded.places import places
from trials import disks, trial
from trials.kinds import CLOCK, DISK, PLAIN, POWER, Kind
from trials.trial import Outcome

REST_EVERY = 25
"""Faults between two moments at which the load stops and everything is compared with everything."""


@dataclass(frozen=True, slots=True)
class Group:
    """Kinds of faults that one DCM suffers. `share`: of all faults of a campaign, in a hundred."""

    name: str
    kinds: tuple[Kind, ...]
    share: int
    fsync: str = "everysec"
    clock: bool = False
    small_disks: bool = False
    power: bool = False


GROUPS = (
    Group("plain", PLAIN, 82),
    Group("clock", CLOCK, 7, clock=True),
    Group("disk", DISK, 5, small_disks=True),
    Group("power", POWER, 3, power=True),
    Group("power, always", POWER, 3, fsync="always", power=True),
)


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of a kind. Recovery in seconds, from the end of the fault."""

    kind: str
    injections: int
    acknowledged: int
    missing: int
    doubled: int
    problems: int
    recovered: int
    gone: int
    median_s: float
    longest_s: float


def shares(injections: int) -> dict[Group, int]:
    """How many of a campaign's faults each group suffers; each kind of a group at least once."""
    return {group: max(round(injections * group.share / 100), len(group.kinds)) for group in GROUPS}


def chosen(kinds: Sequence[Kind], count: int, rng: random.Random) -> list[Kind]:
    """So many faults, each kind as often as its weight says and at least once, in an order of chance."""
    first = list(kinds)[:count]
    more = rng.choices(kinds, weights=[kind.weight for kind in kinds], k=count - len(first))
    return rng.sample(first + more, count)


async def run(
    group: Group, faults: Sequence[Kind], seed: int, rate: float, tell: Callable[[Outcome], None]
) -> list[Outcome]:
    """Have a DCM of its own suffer faults, one after the other; `tell` hears what became of each."""
    outcomes: list[Outcome] = []
    name = group.name if not group.power else f"power cut, {group.fsync}"
    with _folder(group) as folder:
        async with trial.running(
            folder, random.Random(seed), rate=rate, fsync=group.fsync, clock=group.clock
        ) as running:
            for number, kind in enumerate(faults, 1):
                outcome = await running.suffer(name if group.power else kind.name, kind.harm, power=group.power)
                if number % REST_EVERY == 0 or number == len(faults):
                    outcome.problems += await running.rest()
                if not outcome.good:
                    outcome.problems.append(running.instance.last_words())
                outcomes.append(outcome)
                tell(outcome)
    return outcomes


@contextlib.contextmanager
def _folder(group: Group) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="dcm-trial-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        with disks.small(folder) if group.small_disks else contextlib.nullcontext():
            yield folder
            assert places(folder / "home").postgres_data.is_relative_to(folder), "nothing is left elsewhere"


def figures(outcomes: Sequence[Outcome]) -> list[Row]:
    """The figures by kind, and of all together."""
    kinds = dict.fromkeys(outcome.kind for outcome in outcomes)
    rows = [_row(kind, [one for one in outcomes if one.kind == kind]) for kind in kinds]
    return [*rows, _row("all", outcomes)]


def _row(kind: str, outcomes: Sequence[Outcome]) -> Row:
    times = [outcome.recovery_s for outcome in outcomes]
    return Row(
        kind=kind,
        injections=len(outcomes),
        acknowledged=sum(outcome.acknowledged for outcome in outcomes),
        missing=sum(len(outcome.missing) for outcome in outcomes),
        doubled=sum(len(outcome.doubled) for outcome in outcomes),
        problems=sum(not outcome.good for outcome in outcomes),
        recovered=sum(outcome.recovered for outcome in outcomes),
        gone=sum(outcome.gone for outcome in outcomes),
        median_s=round(statistics.median(times), 2),
        longest_s=round(max(times), 2),
    )
