"""How tool calls move a keyword's score. Rule: contract, section 6.2.

A run of clamped additions is itself one clamped addition, so a whole batch becomes one row per
(keyword, tool) that gives exactly what its calls one by one would.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

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


def _begin(keyword: str, tool_name: str, tool_type: str, success: bool) -> Score:
    step = SUCCESS if success else FAILURE
    return Score(keyword, tool_name, tool_type, step, LOWEST, HIGHEST, FIRST, 1, int(success))


def _then(score: Score, success: bool) -> Score:
    step = SUCCESS if success else FAILURE
    return replace(
        score,
        delta=score.delta + step,
        low=clamped(score.low + step, LOWEST, HIGHEST),
        high=clamped(score.high + step, LOWEST, HIGHEST),
        first=clamped(score.first + step, LOWEST, HIGHEST),
        uses=score.uses + 1,
        successes=score.successes + int(success),
    )


def fold(uses: Iterable[tuple[str, str, str, bool]]) -> list[Score]:
    """The scores of a batch of (keyword, tool name, tool type, success), sorted by keyword and tool."""
    scores: dict[tuple[str, str], Score] = {}
    for keyword, tool_name, tool_type, success in uses:
        known = scores.get((keyword, tool_name))
        scores[keyword, tool_name] = _then(known, success) if known else _begin(keyword, tool_name, tool_type, success)
    return [scores[pair] for pair in sorted(scores)]
