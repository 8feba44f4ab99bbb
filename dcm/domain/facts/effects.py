"""What the programs of a command do to files; git's part is in `git_effects`."""

import posixpath
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from dcm.domain.facts.calls import ToolCall
from dcm.domain.facts.steps import Step, joined, until_dashes
from dcm.domain.facts.tree import Tree, is_pattern, matched

_PASSING = ("/tmp/", "/var/tmp/", "/private/tmp/", "/dev/", "/proc/", "/var/folders/")  # nosec B108 # noqa: S108 - read
_LOGS = (".log", ".out", ".err", ".pid", ".tmp")
"""Places and names of files that nobody means to keep."""

_IN_PLACE = re.compile(r"-[nErsuz]*i|--in-place")
_SED_SCRIPT = re.compile(r"-[nErsuz]*[ef]$|--expression=|--file=")


@dataclass(frozen=True, slots=True)
class Doing:
    """A step at work: the files it works on, the call it is part of, the session's folder."""

    step: Step
    tree: Tree
    call: ToolCall
    home: str

    def path(self, word: str) -> str | None:
        """The path a word names, relative to the session's folder where it lies in it; None when that is not known."""
        path = joined(self.step.folder, word) if word else None
        return None if path is None else inside(joined(self.home, path) or path, self.home)

    def paths(self, words: Iterable[str]) -> list[str]:
        """The paths that words name, those that are known."""
        return [path for word in words if (path := self.path(word)) is not None]


def inside(path: str, folder: str) -> str:
    """A path as it is told: relative to the folder where it lies in it, the folder itself as `.`."""
    root = folder.rstrip("/") + "/"
    shown = posixpath.normpath(path.removeprefix(root) if folder else path)
    return "." if folder and shown == root.rstrip("/") else shown


def plain_words(words: Iterable[str]) -> list[str]:
    """The words that are no options; all of them after `--`."""
    before, after = until_dashes(words)
    return [word for word in before if not word.startswith("-")] + after


def has_option(words: Iterable[str], short: str, *long: str) -> bool:
    """Whether options hold a short letter, alone or among others, or one of the long names."""
    before, _ = until_dashes(words)
    letters = "".join(word[1:] for word in before if re.fullmatch(r"-[A-Za-z]+", word))
    return bool(set(short) & set(letters)) or any(word in long for word in before)


def remove(doing: Doing, words: list[str], *, staged: bool = False) -> None:
    """Remove the files that words name."""
    for path in doing.paths(plain_words(words)):
        if path != ".":
            doing.tree.remove(path, doing.call, staged=staged)


def move(doing: Doing, words: list[str], *, staged: bool = False) -> None:
    """Move the files that the words before the last one name."""
    for old, new in _targets(doing, words):
        doing.tree.move(old, new, doing.call, staged=staged)


def _targets(doing: Doing, words: list[str]) -> list[tuple[str, str]]:
    """From where to where the words of `mv` and `cp` lead, a file at a time; none where that is not certain."""
    if has_option(words, "tnTb", "--no-clobber", "--backup", "--target-directory"):
        return []
    named = plain_words(words)
    new = doing.path(named[-1]) if len(named) > 1 else None
    if new is None or is_pattern(new):
        return []
    olds = [old for path in doing.paths(named[:-1]) for old in _matching(doing.tree, path)]
    is_folder = posixpath.basename(named[-1]) in {".", ".."} or doing.tree.is_folder(new)
    if is_folder or len(named) > 2 or is_pattern(named[0]):
        return [(old, posixpath.normpath(posixpath.join(new, posixpath.basename(old)))) for old in olds]
    into = named[-1].endswith("/")
    return [
        (old, posixpath.join(new, posixpath.basename(old)) if into and not doing.tree.is_folder(old) else new)
        for old in olds
    ]


def _matching(tree: Tree, path: str) -> list[str]:
    """The path, or what matches it when it is a pattern."""
    return list(dict.fromkeys(matched(use.place, path) for use in tree.below(path))) if is_pattern(path) else [path]


def _copy(doing: Doing, words: list[str]) -> None:
    if not has_option(words, "rRalsu", "--recursive", "--archive"):
        for _, new in _targets(doing, words):
            _write(doing, new)


def _tee(doing: Doing, words: list[str]) -> None:
    appends = has_option(words, "a", "--append")
    for path in doing.paths(plain_words(words)):
        _write(doing, path, appends=appends)


def _sed(doing: Doing, words: list[str]) -> None:
    """Only files named in full: a pattern may match files in which nothing was found to replace."""
    if not any(_IN_PLACE.match(word) for word in words):
        return
    given = next((at for at, word in enumerate(words) if _SED_SCRIPT.match(word)), None)
    named = [word for at, word in enumerate(words) if word and not word.startswith("-") and not _is_script(words, at)]
    for path in doing.paths(named if given is not None else named[1:]):
        _write(doing, path, appends=True)


def _is_script(words: list[str], at: int) -> bool:
    """Whether a word is the script or script file of the option before it."""
    before = words[at - 1] if at else ""
    return bool(_SED_SCRIPT.match(before)) and "=" not in before


def _find(doing: Doing, words: list[str]) -> None:
    """`find FOLDER... [-type f] -name PATTERN -delete`, nothing that is harder to read."""
    first = next((at for at, word in enumerate(words) if word.startswith("-")), len(words))
    match words[first:]:
        case ["-name", pattern, "-delete"] | ["-type", "f", "-name", pattern, "-delete"]:
            pass
        case ["-name", pattern, "-type", "f", "-delete"]:
            pass
        case _:
            return
    for folder in doing.paths(words[:first] or ["."]):
        for use in doing.tree.below(folder):
            if fnmatchcase(posixpath.basename(use.place), pattern):
                doing.tree.remove(use.place, doing.call)


def _make_folders(doing: Doing, words: list[str]) -> None:
    for path in doing.paths(plain_words(words)):
        doing.tree.make_folder(path)


def redirected(doing: Doing) -> None:
    """Note the files a step's output went to."""
    for redirect, word in doing.step.into:
        if path := doing.path(word):
            _write(doing, path, appends=redirect.endswith(">>"))


def _write(doing: Doing, path: str, *, appends: bool = False) -> None:
    """Note that a file was written. One that is appended to or edited was there before, and git knows it."""
    if path != "." and not is_pattern(path) and not path.startswith(_PASSING) and not path.endswith(_LOGS):
        doing.tree.write(path, doing.call, "edited" if appends else "written", in_git=appends)


EFFECTS: dict[str, Callable[[Doing, list[str]], None]] = {
    "rm": remove, "mv": move, "cp": _copy, "tee": _tee, "sed": _sed, "find": _find, "mkdir": _make_folders,
}  # fmt: skip
"""What a program does with the words after its name."""
