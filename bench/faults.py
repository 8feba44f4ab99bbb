"""Have a whole DCM under load suffer faults, and see that it loses and doubles nothing that it acknowledged.

    .venv/bin/python bench/faults.py --injections 150
    .venv/bin/python bench/faults.py --injections 1000 --seed 7 --json
    .venv/bin/python bench/faults.py --group disk --injections 20

Starts a DCM of its own in a temporary folder, on ports of its own. Needs root (small disks are mounted) and Debian's
libfaketime. Ends with 1 when something was lost, doubled or stuck. What is played: docs/reliability.md.
"""

import argparse
import asyncio
import json
import logging
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict

from trials import campaign
from trials.campaign import Row
from trials.instance import Missing
from trials.trial import Outcome

HEADS = ("injections", "acknowledged", "missing", "doubled", "wrong", "recovered", "gone", "median s", "longest s")


def table(rows: Sequence[Row]) -> str:
    """The figures for a person."""
    lines = [f"{'fault':34}" + "".join(f"{head:>13}" for head in HEADS)]
    for row in rows:
        kind, *values = asdict(row).values()
        lines.append(f"{kind:34}" + "".join(f"{value:>13}" for value in values))
    return "\n".join(lines)


async def suffer(options: argparse.Namespace) -> list[Outcome]:
    """Run the campaign of a seed, group by group."""
    rng, outcomes, began = random.Random(options.seed), list[Outcome](), time.monotonic()
    groups = {group: count for group, count in campaign.shares(options.injections).items() if _wanted(group, options)}
    total = options.injections if options.group else sum(groups.values())

    def tell(outcome: Outcome) -> None:
        outcomes.append(outcome)
        how = "well" if outcome.good else "WRONG: " + "; ".join(outcome.problems[:2]) + f" {outcome.missing[:3]}"
        passed = time.monotonic() - began
        told = f"{len(outcomes):>5}/{total} {passed:>6.0f} s  {outcome.kind:34} {outcome.recovery_s:>6.2f} s  {how}"
        print(told, file=sys.stderr, flush=True)

    for group, count in groups.items():
        faults = campaign.chosen(group.kinds, options.injections if options.group else count, rng)
        await campaign.run(group, faults, rng.randrange(2**32), options.rate, tell)
    return outcomes


def _wanted(group: campaign.Group, options: argparse.Namespace) -> bool:
    return options.group in {None, group.name}


def main() -> int:
    """Run the campaign and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--injections", type=int, default=150, help="faults in all (default 150)")
    parser.add_argument("--seed", type=int, default=1, help="what chance begins with (default 1)")
    parser.add_argument("--rate", type=float, default=120, help="hook events a second (default 120)")
    parser.add_argument("--group", choices=[group.name for group in campaign.GROUPS], help="only these faults")
    parser.add_argument("--json", action="store_true", help="print JSON for a script")
    options = parser.parse_args()
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    try:
        outcomes = asyncio.run(suffer(options))
    except Missing as missing:
        raise SystemExit(str(missing)) from None
    rows = campaign.figures(outcomes)
    wrong = [{"kind": one.kind, "missing": one.missing, "doubled": one.doubled, "problems": one.problems}
             for one in outcomes if not one.good]  # fmt: skip
    if options.json:
        print(json.dumps({"seed": options.seed, "kinds": [asdict(row) for row in rows], "wrong": wrong}, indent=2))
    else:
        print(table(rows))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
