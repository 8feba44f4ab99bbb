"""What programs print: runs of tests that fail and pass, lists of files, logs, and sentences."""

import random

from sessions.projects import Project, Unit

WHO = (
    "The importer",
    "This branch",
    "The cache",
    "A second caller",
    "The old path",
    "The scheduler",
    "Each row",
    "The wrapper",
    "The parser",
    "That flag",
    "The retry loop",
    "The guard",
    "Nothing here",
    "The fixture",
)
DOES = (
    "keeps",
    "drops",
    "reads",
    "merges",
    "skips",
    "copies",
    "checks",
    "returns",
    "expects",
    "rounds",
    "locks",
    "ignores",
)
WHAT = (
    "the last entry",
    "a stale handle",
    "every empty group",
    "the first window",
    "what came before",
    "the whole page",
    "an older format",
    "the caller's order",
    "two rows at once",
    "its own copy",
    "the trailing part",
    "a missing key",
)
WHEN = (
    "before the commit",
    "when the list is empty",
    "on the second pass",
    "under load",
    "for late rows",
    "in staging",
    "after a restart",
    "unless it is told otherwise",
    "since the last release",
    "while the lock is held",
)


def sentence(rng: random.Random) -> str:
    """A sentence about nothing in particular."""
    return f"{rng.choice(WHO)} {rng.choice(DOES)} {rng.choice(WHAT)} {rng.choice(WHEN)}."


def prose(rng: random.Random, length: int) -> str:
    """Sentences, so many characters in all at most."""
    text = sentence(rng)
    while len(text) < length:
        text += f" {sentence(rng)}"
    return text[:length].rstrip()


def some(rng: random.Random, project: Project, count: int) -> list[Unit]:
    """Some units of the project."""
    return rng.sample(project.units, min(count, len(project.units)))


def failing(rng: random.Random, project: Project, unit: Unit, error: str) -> str:
    """A run that fails: what passed, where it broke, the error, and the count."""
    passed = [f"{one.test} {'.' * rng.randrange(2, 20)} ok" for one in some(rng, project, rng.randrange(1, 9))]
    frame = [f"{number:>5} |     {rng.choice(project.kind.code).strip().splitlines()[0]}" for number in range(41, 47)]
    where = [f"  at {unit.source}:{rng.randrange(10, 300)}", f"  at {unit.test}:{rng.randrange(10, 300)}"]
    end = f"{unit.test}: 1 failed, {rng.randrange(3, 60)} passed in {rng.randrange(1, 40)}.{rng.randrange(10, 99)} s"
    return "\n".join([*passed, "", f"---- {unit.area} {unit.role} ----", *frame, error, *where, "", end])


def passing(rng: random.Random, project: Project) -> str:
    """A run that passes."""
    lines = [f"{one.test} {'.' * rng.randrange(2, 20)} ok" for one in some(rng, project, rng.randrange(1, 14))]
    return "\n".join([*lines, f"{rng.randrange(3, 90)} passed in {rng.randrange(1, 60)}.{rng.randrange(10, 99)} s"])


def of_command(rng: random.Random, project: Project, command: str, unit: Unit) -> str:
    """What a small command prints."""
    files = [one.source for one in some(rng, project, rng.randrange(1, 8))] + [unit.source]
    if "status" in command:
        return "\n".join(f" M {path}" for path in files)
    if "diff" in command:
        return "\n".join(
            f" {path} | {rng.randrange(2, 60)} {'+' * rng.randrange(1, 9)}{'-' * rng.randrange(4)}" for path in files
        )
    if "log" in command:
        return "\n".join(f"{rng.getrandbits(28):07x} {sentence(rng)[:50]}" for _ in range(8))
    if command.startswith(("grep", "rg", "find", "ls")):
        return "\n".join(
            f"{path}:{rng.randrange(4, 300)}: {rng.choice(project.kind.code).strip().splitlines()[0]}" for path in files
        )
    return prose(rng, rng.choice((30, 120, 500, 1800)))


def listing(rng: random.Random, project: Project, unit: Unit, length: int) -> str:
    """A file's lines with numbers, as Read shows them."""
    lines: list[str] = []
    size = 0
    while size < length:
        number = len(lines) + 1
        code = rng.choice(project.kind.code).splitlines()[0]
        line = rng.choice((code, f"# {sentence(rng)}", "", f"{unit.role}_{number % 13} = {unit.area}({number})"))
        lines.append(f"{number:>6}\t{line}")
        size += len(lines[-1])
    return "\n".join(lines)
