"""How the room of a brief is shared among its sections: by view, and by how small the brief is."""

from collections.abc import Mapping

DEVELOPER: Mapping[str, float] = {
    "asked": 9, "decided": 40, "open": 30, "tasks": 6, "words": 7, "blocked": 2, "agents": 26, "changed": 12,
    "committed": 20, "gone": 4, "last_lines": 2, "commands": 8, "commits": 4, "messages": 4, "solved": 3,
    "answers": 2, "used": 14, "programs": 5,
}  # fmt: skip
"""The shares when there is something to say of everything, measured with bench/brief.py."""

WEIGHS_MORE: Mapping[str, Mapping[str, float]] = {
    "developer": {},
    "orchestrator": {"agents": 1.5, "tasks": 2, "messages": 2, "blocked": 3, "changed": 0.7, "used": 0.5},
    "validator": {"open": 1.3, "commands": 2, "changed": 1.2, "last_lines": 3, "solved": 2.5, "agents": 0.3},
    "specialist": {"decided": 1.3, "agents": 0.3},
}
"""By view: how many times as much a section counts as for a developer. The facts are the same."""

ROOMY = 6_000
"""Characters from which on there is room for what is only useful."""

SMALL: Mapping[str, float] = {
    "asked": 2.4, "changed": 3.4, "committed": 3.4, "used": 3.4, "programs": 3.4, "words": 1.6,
    "last_lines": 0.01, "answers": 0.01, "solved": 0.01,
}  # fmt: skip
"""How many times as much a section counts in a small brief: the request and what names much in little room counts
more, what is only useful next to nothing."""


def shares(view: str, limit: int) -> Mapping[str, float]:
    """The share of each section in a brief of `limit` characters, against the others."""
    more, small = WEIGHS_MORE[view], {} if limit >= ROOMY else SMALL
    return {part: share * more.get(part, 1) * small.get(part, 1) for part, share in DEVELOPER.items()}
