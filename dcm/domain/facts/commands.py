"""The shell commands of a session: what builds, tests and runs here, and how each ended last."""

from collections.abc import Container, Iterable

from dcm.domain.facts.calls import ToolCall, command_of, is_started, printed, was_refused, was_stopped
from dcm.domain.facts.errors import COMMAND_LIMIT, error_text, failed
from dcm.domain.facts.names import Weights
from dcm.domain.facts.outputs import summary_line
from dcm.domain.facts.shell import heads, is_check, only_looks, plain, told, variant
from dcm.domain.snapshots import Command, Name
from dcm.domain.tools import one_line

CHECK_WEIGHT = 3.0
"""How much more than another command one weighs that builds, tests or checks."""

KEPT = 150
"""The commands that are told at most, the most likely to be run again: more find no room in any brief."""

MENDED = "failed, not since another way was taken"
"""The outcome of a command whose failure is not open any more."""

STARTED, INTERRUPTED = "started in the background", "interrupted by the user"
"""Outcomes of commands that did not end by themselves."""


def commands(calls: Iterable[ToolCall], still_open: Container[int], folder: str = "") -> list[Command]:
    """The commands that do something, with their last outcome, those first that are likely to be run again.

    `still_open`: the numbers of the calls whose failure is open; another's was mended by another command since.
    """
    last: dict[str, ToolCall] = {}
    times: dict[str, int] = {}
    weights = Weights()
    for call in calls:
        command = command_of(call)
        if not command or was_refused(call) or only_looks(command):
            continue
        kind = variant(command)
        last[kind] = call
        times[kind] = times.get(kind, 0) + (not is_started(call))
        weights.add(kind, call.number, (CHECK_WEIGHT if is_check(command) else 1.0) * _whose(call))
    heaviest = weights.heaviest()[:KEPT]
    return [_command(last[kind], times[kind], weight, folder, still_open) for kind, weight in heaviest]


def shown(command: str, folder: str) -> str:
    """A command as it is told: without the way to the session's folder and the scripts written into it."""
    return one_line(plain(told(command).removeprefix(f"cd {folder} && ")), COMMAND_LIMIT)


def _command(call: ToolCall, times: int, weight: float, folder: str, still_open: Container[int]) -> Command:
    has_failed = failed(call)
    error = error_text(call) if has_failed and call.number in still_open else ""
    outcome = "" if error else MENDED if has_failed else _outcome(call)
    return Command(shown(command_of(call), folder), max(times, 1), error, call.at, outcome, weight)


def _outcome(call: ToolCall) -> str:
    """How a command ended that did not fail."""
    if is_started(call):
        return STARTED
    return INTERRUPTED if was_stopped(call) else summary_line(printed(call))


def run_heads(calls: Iterable[ToolCall]) -> list[Name]:
    """Programs with their first word, as `git commit`, those first that are likely to be run again."""
    weights = Weights()
    for call in calls:
        for head in dict.fromkeys(heads(command_of(call))):
            weights.add(head, call.number, _whose(call))
    return [Name(one_line(head, 60), weight) for head, weight in weights.heaviest()]


def _whose(call: ToolCall) -> float:
    return 0.3 if call.by_subagent else 1.0
