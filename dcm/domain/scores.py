"""How tool calls move a keyword's score. Rule: contract, section 6.2.

A run of clamped additions is itself one clamped addition, so a whole batch becomes one row per
(keyword, tool) that gives exactly what its calls one by one would.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SUCCESS, FAILURE = 0.1, -0.05
CHOSEN, PASSED_OVER = 0.2, -0.1
"""What feedback on a suggested tool adds (contract, section 6.3)."""

LOWEST, HIGHEST = 0.1, 5.0
FIRST = 1.0
"""The score of a pair seen for the first time, whether the call succeeded or not."""


@dataclass(frozen=True, slots=True)
class Score:
    """What a batch does to one (keyword, tool).

    A known pair's score x becomes min(high, max(low, x + delta)); an unknown pair starts at `first`.
    """

    keyword: str
    tool_name: str
    tool_type: str
    delta: float
    low: float
    high: float
    first: float
    uses: int
    successes: int


def clamped(value: float, low: float, high: float) -> float:
    """The value, no lower than `low` and no higher than `high`."""
    return min(high, max(low, value))


def _of(pair: tuple[str, str], tool_type: str, ended: Sequence[bool]) -> Score:
    """What one pair's calls do, in the order in which they `ended` well or not."""
    if all(ended):
        further = SUCCESS * (len(ended) - 1)
        low, first = min(LOWEST + further, HIGHEST), min(FIRST + further, HIGHEST)
        return Score(*pair, tool_type, SUCCESS + further, low, HIGHEST, first, len(ended), len(ended))
    delta, low, high, first = 0.0, LOWEST, HIGHEST, FIRST
    for number, success in enumerate(ended):
        step = SUCCESS if success else FAILURE
        delta += step
        if number:
            low, high, first = (clamped(bound + step, LOWEST, HIGHEST) for bound in (low, high, first))
    return Score(*pair, tool_type, delta, low, high, first, len(ended), sum(ended))


def fold(uses: Iterable[tuple[str, str, str, bool]]) -> list[Score]:
    """The scores of a batch of (keyword, tool name, tool type, success), sorted by keyword and tool."""
    ended: dict[tuple[str, str], list[bool]] = {}
    types: dict[str, str] = {}
    for keyword, tool_name, tool_type, success in uses:
        types.setdefault(tool_name, tool_type)
        ended.setdefault((keyword, tool_name), []).append(success)
    return [_of(pair, types[pair[1]], ended[pair]) for pair in sorted(ended)]
