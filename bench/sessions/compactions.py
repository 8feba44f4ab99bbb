"""A compaction: what is known just before it, and the summary the client's model writes."""

import random
from collections.abc import Iterable, Sequence

from sessions import outputs, stages
from sessions.facts import Boundary, Fact
from sessions.probes import probes
from sessions.story import Story

KEPT = {
    "goal": 0.97, "request": 0.97, "requirement": 0.88, "prohibition": 0.9, "decision": 0.88, "correction": 0.92,
    "reason": 0.6, "todo_open": 0.85, "next": 0.95, "agent_result": 0.75, "agent_running": 0.6, "error_open": 0.45,
    "command": 0.38, "file_deleted": 0.6, "file_renamed": 0.6, "file_changed": 0.78, "branch": 0.7, "commit": 0.5,
    "file_uncommitted": 0.25,
}  # fmt: skip
"""How often a summary says a fact so that it can be proved."""

READ_KEPT, SOLVED_KEPT, PROGRAM_KEPT = 0.25, 0.25, 0.6
"""How often it names a file that was only looked at, and quotes an error that was put right, and
names a program by its first words alone."""

HEADS = (
    "Primary Request and Intent", "Key Technical Concepts", "Files and Code Sections", "Errors and fixes",
    "Problem Solving", "All user messages", "Pending Tasks", "Current Work", "Optional Next Step",
)  # fmt: skip


def compact(story: Story) -> None:
    """Note what is known, then compact."""
    known = story.ledger.facts.values()
    if not any(fact.kind == "error_open" and fact.holds for fact in known):
        stages.leave_open(story)
    if story.rng.random() < 0.8:
        story.say_next()
    calls, at = story.pen.calls, story.pen.now
    facts = story.ledger.at(calls, story.pen.branch)
    story.boundaries.append(Boundary(at, calls, tuple(facts), probes(story.ledger, facts, calls)))
    story.pen.boundary(summary(story, facts), "auto" if story.rng.random() < 0.85 else "manual")


def summary(story: Story, facts: Sequence[Fact]) -> str:
    """What a model would write: most of the talk, some of the files, few commands and errors word for word."""
    rng = story.rng
    kept = [fact for fact in facts if fact.holds and rng.random() < KEPT.get(fact.kind, 0)]
    parts = [
        _lines(_said(kept, "goal", "request", "requirement", "prohibition")),
        _lines([outputs.prose(rng, 70) for _ in range(6)]),
        _files(story, kept),
        _errors(story, facts, kept),
        outputs.prose(rng, 600) + ".",
        _lines([*_said(kept, "decision", "correction", "reason"), *(f'"{outputs.prose(rng, 60)}"' for _ in range(5))]),
        _lines([*_said(kept, "todo_open", "agent_running", "agent_result")]),
        "\n".join(
            [outputs.prose(rng, 300) + ".", *_said(kept, "branch", "commit"), *_commands(kept), _programs(story)]
        ),
        "\n".join(_said(kept, "next")) or "None.",
    ]
    shown = [f"{number}. {head}:\n{text}" for number, (head, text) in enumerate(zip(HEADS, parts, strict=True), 1)]
    return "\n\n".join(shown)


def _said(kept: Iterable[Fact], *kinds: str) -> list[str]:
    return [_words(fact) for fact in kept if fact.kind in kinds]


def _words(fact: Fact) -> str:
    """A fact in the summary's words: its paraphrase where it has one."""
    return " / ".join(fact.proof[-1]) if len(fact.proof) > 1 and len(fact.proof[-1]) == 1 else fact.says


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(f"   - {text}" for text in texts)


def _files(story: Story, kept: Sequence[Fact]) -> str:
    rng = story.rng
    looked = [unit.source for unit in story.familiar[-30:] if rng.random() < READ_KEPT]
    known = [proof for fact in kept if fact.kind == "file_changed" for proof in fact.proof[0]]
    parts = [f"{name}: {outputs.prose(rng, 80)}\n```\n{_snippet(story)}\n```" for name in known]
    return _lines(
        [
            *parts,
            *(f"{path}: {outputs.prose(rng, 60)}" for path in looked),
            *_said(kept, "file_deleted", "file_renamed", "file_uncommitted"),
        ]
    )


def _snippet(story: Story) -> str:
    return "\n".join(story.rng.choice(story.project.kind.code) for _ in range(3))


def _errors(story: Story, facts: Sequence[Fact], kept: Sequence[Fact]) -> str:
    rng = story.rng
    exact = [fact.says for fact in kept if fact.kind == "error_open"]
    solved = [fact for fact in facts if fact.kind == "error_open" and not fact.holds][-8:]
    past = [
        f"{_vague(rng, fact)}, fixed since" if rng.random() > SOLVED_KEPT else f"Fixed: {fact.proof[0][0]}"
        for fact in solved
    ]
    vague = [_vague(rng, fact) for fact in facts if fact.kind == "error_open" and fact.holds and fact not in kept]
    return _lines([*exact, *vague, *past])


def _vague(rng: random.Random, fact: Fact) -> str:
    return f"A {fact.proof[0][0].split(':')[0].split()[0].strip('[')[:12]} failure in {outputs.prose(rng, 30)}"


def _commands(kept: Iterable[Fact]) -> list[str]:
    return [f"`{fact.proof[0][0]}`" for fact in kept if fact.kind == "command"]


def _programs(story: Story) -> str:
    """What was run, without its arguments: enough to know the tool, too little to type it again."""
    ran = [state.text for state in story.ledger.commands.values() if story.rng.random() < PROGRAM_KEPT]
    short = [" ".join(word for word in text.split()[:3] if "=" not in word) for text in ran]
    return f"Tools in use: {', '.join(dict.fromkeys([*short, 'git add', 'git commit']))}."
