"""What is asked of a text after a compaction. Written before any brief was tuned to it: change it for a fault only."""

from collections.abc import Iterable, Iterator, Sequence

from sessions.facts import Fact, Probe, Proof
from sessions.ledger import Ledger

ERRORS, FILES, SETTLED, TODOS = 3, 8, 6, 4
"""How many of each are asked for: the newest."""


def probes(ledger: Ledger, facts: Sequence[Fact], calls: int) -> tuple[Probe, ...]:
    """The questions of all five types that this moment has an answer to."""
    asked = [*_recall(ledger, facts), *_artifact(ledger, facts, calls), *_decision(facts), *_continuation(facts)]
    asked += _command(ledger)
    return tuple(probe for probe in asked if probe.gold)


def _holding(facts: Iterable[Fact], *kinds: str) -> list[Fact]:
    """Newest first."""
    return sorted((f for f in facts if f.holds and f.kind in kinds), key=lambda fact: fact.said_at, reverse=True)


def _proofs(facts: Iterable[Fact]) -> tuple[Proof, ...]:
    return tuple(fact.proof for fact in facts)


def _recall(ledger: Ledger, facts: Sequence[Fact]) -> Iterator[Probe]:
    yield Probe("recall", "What exactly still fails?", _proofs(_holding(facts, "error_open")[:ERRORS]))
    if ledger.solved:
        was = ledger.facts[ledger.solved[-1]]
        yield Probe("recall", "Which error was put right last, word for word?", (was.proof,))


def _artifact(ledger: Ledger, facts: Sequence[Fact], calls: int) -> Iterator[Probe]:
    names = [path.rsplit("/", 1)[-1] for path in ledger.notable(calls)[:FILES]]
    yield Probe("artifact", "Which files were changed?", tuple(((name,),) for name in names))
    moved = _holding(facts, "file_deleted", "file_renamed")[:2]
    yield Probe("artifact", "Which files were deleted or renamed?", _proofs(moved))


def _decision(facts: Sequence[Fact]) -> Iterator[Probe]:
    settled = _holding(facts, "decision", "correction")[:SETTLED]
    yield Probe("decision", "What was settled?", _proofs(settled))
    yield Probe("decision", "Why was it settled so?", _proofs(_holding(facts, "reason")[:2]))
    ruled = _holding(facts, "requirement", "prohibition")[:SETTLED]
    yield Probe("decision", "What does the user require, and what is forbidden?", _proofs(ruled))


def _continuation(facts: Sequence[Fact]) -> Iterator[Probe]:
    yield Probe("continuation", "What was going to happen next?", _proofs(_holding(facts, "next")))
    yield Probe(
        "continuation",
        "What does the user want at the moment, and in all?",
        _proofs(_holding(facts, "request", "goal")),
    )
    yield Probe("continuation", "What is still to do?", _proofs(_holding(facts, "todo_open")[:TODOS]))


def _command(ledger: Ledger) -> Iterator[Probe]:
    for purpose in ("test", "all tests", "lint", "build", "run"):
        state = ledger.commands.get(purpose)
        if state:
            yield Probe("command", f"What is the exact command for: {purpose}?", (((state.text,),),))
