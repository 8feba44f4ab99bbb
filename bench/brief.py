"""Measure the brief: what of a session it still holds at each of its compactions.

    .venv/bin/python bench/brief.py /tmp/sessions --generate 12       # write sessions with facts planted in them
    .venv/bin/python bench/brief.py /tmp/sessions                     # replay them through a DCM of its own
    .venv/bin/python bench/brief.py ~/.claude/projects --budget 2000 --json

Each compaction is replayed alone: a copy of its session that ends there goes into a DCM with nothing else in it, which
is then asked for the brief. bench/README.md tells what the figures mean.
"""

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path

from measure import system, table
from measure.baselines import baselines
from measure.cases import Case, NoCases, cases
from measure.figures import Row, Timing, row, same, taken_together
from measure.noise import Uses, useless
from measure.replay import copy
from rich.console import Console
from rich.progress import track
from sessions.generator import generate

from dcm.client import Client, ClientError

CHARACTERS_A_TOKEN = 4
"""What a budget of tokens means for a text that is cut."""

LEAST, MOST = 100, 8000
"""The budgets the API takes."""

NO_BUDGET = ("nothing", "summary, whole")
"""The baselines that are the same at every budget."""

System = Callable[[], AbstractContextManager[Client]]


def briefs(case: Case, client: Client, budgets: Sequence[int], timing: Timing) -> dict[int, str]:
    """The briefs of a case; each is asked for twice."""
    with tempfile.TemporaryDirectory(prefix="dcm-replay-") as folder:
        replay = copy(case, Path(folder))
        system.bring_in(client, replay)
        made: dict[int, str] = {}
        for tokens in budgets:
            made[tokens] = _timed(client, replay.session_id, tokens, timing.again if made else timing.first)
            timing.asked += 1
            timing.differed += not same(made[tokens], _timed(client, replay.session_id, tokens, timing.again))
        return made


def _timed(client: Client, session_id: str, tokens: int, times: list[float]) -> str:
    began = time.perf_counter()
    text = system.ask(client, session_id, tokens)
    times.append((time.perf_counter() - began) * 1000)
    return text


def rows(case: Case, made: dict[int, str]) -> Iterator[tuple[Row, str]]:
    """Every text of a case, scored."""
    uses = Uses(case)
    for tokens, brief in made.items():
        texts = {f"brief {tokens}": brief, f"brief {tokens} + summary": f"{brief}\n\n{case.summary}"}
        for name, text in baselines(case, tokens * CHARACTERS_A_TOKEN).items():
            if name not in NO_BUDGET or tokens == max(made):
                texts[name if name in NO_BUDGET else f"{name} {tokens}"] = text
        yield from ((row(name, text, case, uses), text) for name, text in texts.items())


def run(found: Sequence[Case], start: System, options: argparse.Namespace) -> tuple[list[Row], Timing]:
    """Replay and score every case."""
    console, timing, scored = Console(stderr=True), Timing(), list[Row]()
    for case in track(found, "Replaying", console=console, disable=not console.is_terminal):
        with start() as client:
            made = briefs(case, client, options.budget, timing)
        for one, text in rows(case, made):
            scored.append(one)
            if options.texts and one.text.startswith("brief"):
                keep(options.texts, one, text, case)
    order = {name: place for place, name in enumerate(dict.fromkeys(one.text for one in scored))}
    return sorted(scored, key=lambda one: (_rank(one.text), order[one.text])), timing


def _rank(name: str) -> int:
    return 2 if not name.startswith("brief") else int("summary" in name)


def keep(folder: Path, one: Row, text: str, case: Case) -> None:
    """Keep a brief, and what is wrong with it, for a person to read."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{one.case}-{one.text.replace(' ', '')}"
    (folder / f"{stem}.md").write_text(text, encoding="utf-8")
    wrong = {
        "names_missing": sorted(name for _, name in case.next_names if name not in text),
        "stale": one.stale,
        "out_of_scope": one.out_of_scope,
        "noise": useless(text, Uses(case)),
    }
    (folder / f"{stem}.json").write_text(json.dumps(wrong, indent=1, ensure_ascii=False), encoding="utf-8")


def measure(options: argparse.Namespace) -> None:
    """Replay, score, and print."""
    found = cases(options.folders)
    with contextlib.ExitStack() as stack:
        start: System = lambda: system.running(options.url)  # noqa: E731 - one of two ways to start
        if not options.url:
            start = stack.enter_context(system.stores()).system
        scored, timing = run(found, start, options)
    figures = taken_together(scored)
    if options.json:
        each = [asdict(one) for one in scored] if options.cases else []
        print(json.dumps({"figures": figures, "timing": timing.shown(), "cases": each}, indent=2, ensure_ascii=False))
    else:
        table.show(table.console(), figures, timing.shown())


def budgets(text: str) -> list[int]:
    """Token budgets, by commas."""
    parts = text.split(",")
    if not all(part.isdecimal() and LEAST <= int(part) <= MOST for part in parts):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list of token budgets from {LEAST} to {MOST}, as 500,1000,2000,2500"
        )
    return [int(part) for part in parts]


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="transcripts, or folders with them")
    parser.add_argument(
        "--generate", type=int, metavar="SEEDS", help="write the sessions of so many seeds into DIR, and end"
    )
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="the first seed to generate (default 0)")
    parser.add_argument(
        "--budget", type=budgets, default="500,1000,2000,2500", help="token budgets (default 500,1000,2000,2500)"
    )
    parser.add_argument("--url", help="measure the DCM that runs there; the sessions stay in it")
    parser.add_argument(
        "--texts", type=Path, metavar="FOLDER", help="keep the briefs, and what is wrong with each, there"
    )
    parser.add_argument("--cases", action="store_true", help="with --json: every case too")
    parser.add_argument("--json", action="store_true", help="print JSON for a script")
    return parser.parse_args()


def main() -> None:
    """Generate, or measure."""
    options = parsed()
    missing = [str(path) for path in options.folders if not path.exists()]
    if options.generate:
        for seed in range(options.first, options.first + options.generate):
            print(generate(options.folders[0], seed), file=sys.stderr)
    elif missing:
        raise SystemExit(f"There is no {', '.join(missing)}: write sessions there with --generate 12.")
    else:
        measure(options)


if __name__ == "__main__":
    try:
        main()
    except (NoCases, system.NotMeasured, ClientError) as error:
        raise SystemExit(str(error)) from None
