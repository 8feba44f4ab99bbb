"""The shell commands of a session: what builds, tests and runs here, and how each ended last."""

from collections.abc import Iterable

from dcm.domain.facts.calls import ToolCall, command_of, printed
from dcm.domain.facts.errors import COMMAND_LIMIT, error_text, failed, what
from dcm.domain.facts.names import Weights
from dcm.domain.facts.outputs import summary_line
from dcm.domain.facts.shell import heads, is_check, only_looks, plain, variant, without_heredocs
from dcm.domain.snapshots import Command, Name, OpenError
from dcm.domain.tools import one_line

CHECK_WEIGHT = 3.0
"""How much more than another command one weighs that builds, tests or checks."""

MENDED = "failed, not since another way was taken"
"""The outcome of a command whose failure is not open any more."""


def commands(calls: Iterable[ToolCall], still_open: Iterable[OpenError], folder: str = "") -> list[Command]:
    """The commands that do something, with their last outcome, those first that are likely to be run again.

    A failure that is not open any more was mended by another command since.
    """
    is_open = {error.what for error in still_open}
    last: dict[str, ToolCall] = {}
    times: dict[str, int] = {}
    weights = Weights()
    for call in calls:
        command = command_of(call)
        if not command or only_looks(command):
            continue
        kind = variant(command)
        last[kind] = call
        times[kind] = times.get(kind, 0) + 1
        weights.add(kind, call.number, (CHECK_WEIGHT if is_check(command) else 1.0) * _whose(call))
    return [_command(last[kind], times[kind], weight, folder, is_open) for kind, weight in weights.heaviest()]


def shown(command: str, folder: str) -> str:
    """A command as it is told: without the way to the session's folder, a script in it by its first line."""
    bare = without_heredocs(command)
    line = bare if bare == command else bare.split("\n", 1)[0]
    return one_line(plain(line.removeprefix(f"cd {folder} && ")), COMMAND_LIMIT)


def _command(call: ToolCall, times: int, weight: float, folder: str, is_open: set[str]) -> Command:
    text = shown(command_of(call), folder)
    error = error_text(call) if failed(call) else ""
    if error and what(call) not in is_open:
        return Command(text, times, "", call.at, MENDED, weight)
    return Command(text, times, error, call.at, "" if error else summary_line(printed(call)), weight)


def run_heads(calls: Iterable[ToolCall]) -> list[Name]:
    """Programs with their first word, as `git commit`, those first that are likely to be run again."""
    weights = Weights()
    for call in calls:
        for head in dict.fromkeys(heads(command_of(call))):
            weights.add(head, call.number, _whose(call))
    return [Name(one_line(head, 60), weight) for head, weight in weights.heaviest()]


def _whose(call: ToolCall) -> float:
    return 0.3 if call.by_subagent else 1.0
