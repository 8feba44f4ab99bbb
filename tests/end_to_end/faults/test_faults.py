"""Whatever happens to a whole DCM under load, it loses and doubles nothing that it acknowledged, and gets well again.

A short campaign, the same for every run: each kind of fault twice. `bench/faults.py` runs as many as are wanted.
"""

import asyncio
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import cast
from unittest.mock import create_autospec

import pytest
from trials import campaign, kinds
from trials.campaign import GROUPS, Group
from trials.instance import Wrong
from trials.kinds import DISK, PLAIN
from trials.proxy import Proxy
from trials.trial import WELL_WITHIN, Outcome, Trial

pytestmark = pytest.mark.e2e

SEED, RATE = 5, 100.0
BY_NAME = {group.name: group for group in GROUPS}


def suffer(group: Group) -> list[Outcome]:
    """What becomes of a DCM that suffers each kind of fault of a group twice."""
    faults = [kind for _ in range(2) for kind in group.kinds]
    return asyncio.run(campaign.run(group, faults, SEED, RATE, lambda _: None))


def wrong(outcomes: list[Outcome]) -> list[str]:
    """What was lost, doubled or stuck, and after what."""
    return [
        f"{one.kind}: missing {one.missing[:5]}, doubled {one.doubled[:5]}, {one.problems}"
        for one in outcomes
        if not one.good
    ]


@pytest.mark.parametrize("name", ["plain", "clock", "disk"])
def test_nothing_acknowledged_is_lost_doubled_or_stuck_after_faults_that_are(name: str) -> None:
    outcomes = suffer(BY_NAME[name])
    assert wrong(outcomes) == []
    assert len(outcomes) == 2 * len(BY_NAME[name].kinds)
    assert all(outcome.recovery_s < WELL_WITHIN for outcome in outcomes)


def test_a_power_cut_takes_nothing_that_was_acknowledged_when_each_write_is_synced() -> None:
    outcomes = suffer(BY_NAME["power, always"])
    assert wrong(outcomes) == []
    assert [outcome.gone for outcome in outcomes] == [0, 0]


@pytest.mark.parametrize(("name", "store"), [
    ("Postgres refuses for half a minute", "postgres"), ("Valkey hangs for half a minute", "valkey"),
])  # fmt: skip
def test_a_cut_of_half_a_minute_is_a_kind_of_its_own(name: str, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(kinds.asyncio, "sleep", sleep)
    (kind,) = [each for each in PLAIN if each.name == name]
    trial = SimpleNamespace(
        instance=SimpleNamespace(**{store: create_autospec(Proxy)}), rng=SimpleNamespace(random=lambda: 1.0)
    )

    async def play() -> None:
        await kind.harm(cast("Trial", trial))

    asyncio.run(play())
    assert slept == [30.0]


@pytest.mark.parametrize("store", ["postgres", "valkey"])
def test_a_reset_that_found_no_connection_is_no_fault_that_was_survived(store: str, tmp_path: Path) -> None:
    (kind,) = [each for each in PLAIN if each.name.lower() == f"{store} resets"]
    trial = SimpleNamespace(instance=SimpleNamespace(**{store: Proxy(tmp_path / "none")}), rng=Random(SEED))  # noqa: S311

    async def play() -> None:
        await kind.harm(cast("Trial", trial))

    with pytest.raises(Wrong, match=f"no connection to {store}"):
        asyncio.run(play())


def test_every_kind_of_fault_comes_in_a_campaign_of_a_hundred() -> None:
    counts = campaign.shares(100)
    assert all(counts[group] >= len(group.kinds) for group in GROUPS)
    assert {*PLAIN, *DISK} <= {kind for group in counts for kind in group.kinds}
