"""Sessions by seed: the main one with its compactions, one in a sibling worktree, one of another project."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sessions import facts as shapes
from sessions import stages
from sessions.compactions import compact
from sessions.facts import Fact, Planted
from sessions.pen import Pen
from sessions.projects import HOME, KINDS, Project, project
from sessions.story import Story

FEWEST, MOST, AFTER, BESIDE = 300, 1500, 70, 80
"""Tool calls of a session, those after its last compaction at least, and those of a session beside it."""

BEGIN, DAYS = datetime(2026, 3, 2, 7, 30, tzinfo=UTC), 200
"""When the session of the first seed begins; of each further one a day later, for so many days."""

TOLD_KINDS = frozenset(
    {"goal", "request", "requirement", "prohibition", "error_open", "agent_result", "todo_open", "commit"}
)
"""Kinds of facts of another session whose words must never appear."""

NEVER = 40
"""Texts of other sessions that are looked for."""


def generate(folder: Path, seed: int, calls: int | None = None) -> Path:
    """Write the sessions of a seed into a folder; gives the transcript of the main one."""
    rng = random.Random(seed)
    kind = KINDS[seed % len(KINDS)]
    other = rng.choice([one for one in KINDS if one != kind])
    begin = BEGIN + timedelta(days=seed % DAYS, minutes=rng.randrange(120))
    main = _session(project(kind, rng), begin, _ends(rng, calls or rng.randrange(FEWEST, MOST)))
    sibling = _session(_worktree(main.project, rng), begin, [BESIDE])
    stranger = _session(project(other, rng), begin, [BESIDE])
    paths = [_save(folder, story) for story in (main, sibling, stranger)]
    text = main.pen.lines() + "".join(agent.lines() for agent in main.agents)
    never = tuple(dict.fromkeys(_foreign(text, sibling, stranger)))[:NEVER]
    planted = Planted(
        session_id=main.pen.session_id,
        boundaries=tuple(replace(boundary, never=never) for boundary in main.boundaries),
        beside=tuple(f"../{path.parent.name}/{path.name}" for path in paths[1:]),
        home=HOME,
        trees=((_tree(main), ""), (_tree(sibling), _tree(main)), (_tree(stranger), "")),
        archetype=kind.key,
        seed=seed,
    )
    shapes.write(paths[0].with_suffix(".facts.json"), planted)
    return paths[0]


def _tree(story: Story) -> str:
    return story.project.root.removeprefix(f"{HOME}/")


def _worktree(main: Project, rng: random.Random) -> Project:
    """The same project in a linked worktree; what is worked on there is another matter."""
    return project(main.kind, rng, main.name, f"{main.root}-wt-{rng.randrange(10, 99)}")


def _ends(rng: random.Random, total: int) -> list[int]:
    """After how many calls the session is compacted, and where it ends."""
    last = total - AFTER - rng.randrange(40)
    count = 1 if total < 450 else rng.choice((1, 2)) if total < 900 else rng.choice((2, 3))
    between = [round(last * (number + 1) / count) - rng.randrange(30) for number in range(count - 1)]
    return [*between, last, total]


def _session(made: Project, begin: datetime, ends: list[int]) -> Story:
    """A session that ends after the last of `ends`; at the others it is compacted."""
    rng = made.rng
    branch = f"{rng.choice(('develop', 'release', made.kind.areas[0]))}-{rng.randrange(100, 9999)}"
    story = Story(rng, made, Pen(rng, made.root, branch, begin), ends[:-1])
    story.at_boundary = compact
    story.pen.attachment("skill_listing", "- simplify: Review changed code.")
    stages.opening(story)
    while story.pen.calls < ends[-1]:
        stages.piece(story)
    return story


def _save(folder: Path, story: Story) -> Path:
    home = folder / "".join(letter if letter.isalnum() else "-" for letter in story.project.root)
    for agent in story.agents:
        agent.save(home)
    return story.pen.save(home)


def _foreign(text: str, *others: Story) -> Iterator[str]:
    """What others know and this session never met."""
    known = text.casefold()
    for story in others:
        found = [fact for fact in story.ledger.at(story.pen.calls, story.pen.branch) if fact.kind in TOLD_KINDS]
        yield from (proof for fact in found for proof in _first(fact) if proof.casefold() not in known)


def _first(fact: Fact) -> tuple[str, ...]:
    return tuple(text for text in fact.proof[0] if len(text) > 16)
