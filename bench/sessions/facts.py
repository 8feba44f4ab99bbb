"""What was planted in a session, and what a text must hold to prove that it knows it.

The file beside a generated transcript, `<session>.facts.json`:

    {"seed": 3, "archetype": "python", "session_id": "...", "home": "/home/ada/work",
     "beside": ["<another worktree's>.jsonl", "<another project's>.jsonl"],
     "trees": [["name", ""], ["name-wt-12", "name"], ["another", ""]],
     "boundaries": [{"at": "2026-03-02T10:12:13.000Z", "calls": 412,
                     "facts": [fact, ...], "probes": [probe, ...], "never": ["text of another worktree", ...]}]}

`trees` are the folders below `home`; one with a second name is a linked worktree of that one.
A fact: {"kind", "says", "proof": [[text, ...], ...], "said_at", "holds", "new": [text, ...]}. It is proved where all
texts of one of the alternatives in `proof` stand in one item of a brief or in the headings over it; case and white
space do not count. `holds` is false for what was true once: `new` is what took its place.
A probe: {"kind", "question", "gold": [proof, ...]}: each proof of `gold` counts alone.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

Proof = tuple[tuple[str, ...], ...]

WEIGHTS = {
    "requirement": 3.0,
    "prohibition": 3.0,
    "decision": 3.0,
    "correction": 3.0,
    "goal": 2.0,
    "request": 3.0,
    "todo_open": 2.0,
    "error_open": 3.0,
    "agent_result": 2.0,
    "agent_running": 2.0,
    "file_changed": 1.0,
    "file_deleted": 1.0,
    "file_renamed": 1.0,
    "file_uncommitted": 0.5,
    "command": 1.5,
    "command_outcome": 1.0,
    "branch": 1.0,
    "commit": 0.5,
    "next": 2.0,
}
"""How much each kind of fact counts in the total of those that hold; of other kinds only staleness is asked."""

PROBES = ("recall", "artifact", "decision", "continuation", "command")


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that was true once, and perhaps still is."""

    kind: str
    says: str
    proof: Proof
    said_at: str
    holds: bool = True
    new: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Probe:
    """A question that who goes on must be able to answer, and what its answer holds."""

    kind: str
    question: str
    gold: tuple[Proof, ...]


@dataclass(frozen=True, slots=True)
class Boundary:
    """A compaction: what is known at that moment, and what may never be said."""

    at: str
    calls: int
    facts: tuple[Fact, ...]
    probes: tuple[Probe, ...]
    never: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Planted:
    """The facts file of a session."""

    session_id: str
    boundaries: tuple[Boundary, ...]
    beside: tuple[str, ...] = ()
    home: str = ""
    trees: tuple[tuple[str, str], ...] = ()
    archetype: str = ""
    seed: int = 0
    version: int = 1


def write(path: Path, planted: Planted) -> None:
    """Write a facts file."""
    path.write_text(json.dumps(asdict(planted), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def beside(transcript: Path) -> Planted | None:
    """The facts file of a transcript; None when it has none."""
    path = transcript.with_suffix(".facts.json")
    if not path.exists():
        return None
    found = json.loads(path.read_bytes())
    boundaries = tuple(_boundary(item) for item in found.pop("boundaries"))
    trees = tuple((name, linked_to) for name, linked_to in found["trees"])
    return Planted(**(found | {"boundaries": boundaries, "beside": tuple(found["beside"]), "trees": trees}))


def _boundary(item: Mapping[str, Any]) -> Boundary:
    facts = tuple(
        Fact(**(fact | {"proof": _proof(fact["proof"]), "new": tuple(fact["new"])})) for fact in item["facts"]
    )
    probes = tuple(
        Probe(**(probe | {"gold": tuple(_proof(gold) for gold in probe["gold"])})) for probe in item["probes"]
    )
    return Boundary(item["at"], item["calls"], facts, probes, tuple(item["never"]))


def _proof(value: Sequence[Sequence[str]]) -> Proof:
    return tuple(tuple(texts) for texts in value)
