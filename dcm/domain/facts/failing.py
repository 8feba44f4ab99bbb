"""The failures that nothing has put right yet, found by the words of the programs that failed."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dcm.domain.facts.calls import ToolCall
from dcm.domain.facts.shell import RUN_ALL, is_whole_suite, runs_tests

Thing = tuple[str, str]
"""What a failed call was about: a later call about the same can put it right."""

_INCLUDES = {
    ("cargo", "test"): ("build", "check"), ("cargo", "run"): ("build", "check"), ("cargo", "build"): ("check",),
    ("go", "test"): ("build", "vet"), ("go", "run"): ("build",), ("dotnet", "test"): ("build",),
    ("dotnet", "run"): ("build",), ("swift", "test"): ("build",), ("mvn", "test"): ("compile",),
}  # fmt: skip
"""What a program does on its way, so that its success is theirs too."""

_TYPE_CHECKS = frozenset({"typecheck", "type-check", "check-types", "tsc"})
"""How the scripts of a package are called that run `tsc`."""

_BARE = frozenset({("git", "push"), ("git", "pull"), ("git", "fetch")})
"""Programs that, told nothing, do what they do when told more."""


@dataclass(slots=True)
class Failure:
    """A failed call, the programs of its command that have not succeeded since, and the same before, newest first."""

    call: ToolCall
    left: list[list[str]] = field(default_factory=list)
    settings: Sequence[str] = ()
    before: list[ToolCall] = field(default_factory=list)


class Failing:
    """What has failed, each thing once.

    A success must not be held against every failure there is: they are found by (settings, program, word).
    """

    def __init__(self) -> None:
        self._failures: dict[Thing, Failure] = {}
        self._by_word: defaultdict[tuple[str, ...], set[Thing]] = defaultdict(set)

    def get(self, thing: Thing) -> Failure | None:
        """The failure of a thing."""
        return self._failures.get(thing)

    def all(self) -> list[Failure]:
        """Every failure."""
        return list(self._failures.values())

    def add(self, thing: Thing, failure: Failure) -> None:
        """Note a failure of a thing that is not known to fail."""
        self._failures[thing] = failure
        for key in _keys(failure):
            self._by_word[key].add(thing)

    def take(self, thing: Thing) -> Failure | None:
        """Forget the failure of a thing, and give it back."""
        failure = self._failures.pop(thing, None)
        for key in _keys(failure) if failure else ():
            self._by_word[key].discard(thing)
        return failure

    def put_right(self, done: Sequence[list[str]], settings: Sequence[str]) -> list[Failure]:
        """Take out those whose programs have each succeeded by now, set the same, given the programs that did."""
        right: list[Failure] = []
        for program in (proven for ran in done for proven in _proven(ran)):
            near = self._near(program, settings)
            right += [failure for thing in near if (failure := self._strike(thing, program))]
        return sorted(right, key=lambda failure: failure.call.number)

    def _strike(self, thing: Thing, program: list[str]) -> Failure | None:
        """Strike a program that succeeded from what a thing has left; the failure, taken out, when nothing is."""
        failure = self._failures[thing]
        left = [tried for tried in failure.left if not covers(program, tried)]
        if left == failure.left:
            return None
        self.take(thing)
        failure.left = left
        if left:
            self.add(thing, failure)
        return None if left else failure

    def _near(self, program: list[str], settings: Sequence[str]) -> list[Thing]:
        """The things one of whose programs may be put right by this one: those with its rarest word."""
        words = program[:2] if tuple(program[:2]) in _BARE else program
        keys = [(*settings, program[0], word) for word in words]
        rarest = min(keys, key=lambda key: len(self._by_word.get(key, ())))
        near = set(self._by_word.get(rarest, ()))
        if is_whole_suite(program):
            near |= self._by_word.get((*settings, *_TESTS), set())
        return list(near)


_TESTS = ("", "tests")
"""Under this stand the failures of tests, whatever program ran them."""


def _keys(failure: Failure) -> Iterator[tuple[str, ...]]:
    for tried in failure.left:
        yield from ((*failure.settings, tried[0], word) for word in tried)
        if runs_tests(tried):
            yield (*failure.settings, *_TESTS)


def _proven(program: list[str]) -> Iterator[list[str]]:
    """A program that succeeded, and those that must have succeeded with it."""
    yield program
    for verb in _INCLUDES.get((program[0], program[1]), ()) if len(program) > 1 else ():
        yield [program[0], verb, *program[2:]]
    if len(program) > 1 and program[-1] in _TYPE_CHECKS:
        yield ["tsc"]


def covers(done: list[str], tried: list[str]) -> bool:
    """It succeeds on all of what it failed on: `pytest` after `pytest -k x`, but not `make` after `make x`."""
    if is_whole_suite(done) and runs_tests(tried):
        return True
    if len(done) == 1 and done[0] not in RUN_ALL:
        return done == tried
    if tuple(tried) in _BARE and done[:2] == tried:
        return True
    return done[0] == tried[0] and set(done) <= set(tried)
