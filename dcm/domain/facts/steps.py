"""The programs a shell command runs, one by one: with which words, in which folder, and what they write."""

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from dcm.domain.facts.shell import without_heredocs

_TOKEN = re.compile(
    r"(?P<space>(?:[ \t\r]|\\\n)+)"
    r"|(?P<comment>(?<![^\s;&|()])#[^\n]*)"
    r"|(?P<redirect>(?:\d+|&)?(?:<<<|<<-?|<>|<&|<|>>|>\||>&|>))"
    r"|(?P<mark>&&|\|\||;;|\|&|[;&|\n()])"
    r"|(?P<word>(?:\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"|\$\((?:[^()]|\([^()]*\))*\)|`[^`]*`|[^\s;&|<>()'\"\\`])+)",
    re.DOTALL,
)
_ASSIGNMENT = re.compile(r"\w+=")
_OUTPUT = frozenset({">", ">>", ">|", "1>", "1>>", "&>", "&>>"})
_WRAPPERS = frozenset({"sudo", "time", "env", "nohup", "command", "exec", "nice", "!"})
_OPENING = frozenset({"if", "for", "while", "until", "case", "select", "{"})
_CLOSING = frozenset({"fi", "done", "esac", "}"})
_INNER = frozenset({"then", "else", "elif", "do"}) | _OPENING | _CLOSING
_GIT_OPTIONS_WITH_VALUE = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace"})


@dataclass(frozen=True, slots=True)
class Step:
    """A program that a command runs, its words as the program gets them.

    `folder` is where it runs, seen from where the command began, None when that cannot be told; `into` are the files
    its output goes to, each with its redirection; a step is not `sure` when it runs only in some case.
    """

    words: list[str]
    folder: str | None = ""
    into: list[tuple[str, str]] = field(default_factory=list)
    sure: bool = True


@dataclass(slots=True)
class _Part:
    """What stands between two marks, and the mark before it and after it."""

    before: str
    words: list[str] = field(default_factory=list)
    into: list[tuple[str, str]] = field(default_factory=list)
    after: str = ""


def steps(command: str) -> list[Step]:
    """The programs of a command in their order; none when it cannot be taken apart."""
    return list(_steps(without_heredocs(command)))


@lru_cache(maxsize=4096)
def _steps(text: str) -> tuple[Step, ...]:
    """The same, kept: the files, the commits and the branch each ask it of every command."""
    tokens = list(_TOKEN.finditer(text))
    if "".join(token[0] for token in tokens) != text:
        return ()
    try:
        return tuple(_git_step(step) if step.words[:1] == ["git"] else step for step in _walked(_parts(tokens)))
    except ValueError:
        return ()


def joined(folder: str | None, path: str) -> str | None:
    """A path seen from a folder, None where only the shell knows it."""
    if any(mark in path for mark in "$`{") or path.startswith("~"):
        return None
    if path.startswith("/"):
        return posixpath.normpath(path)
    return None if folder is None else posixpath.normpath(posixpath.join(folder, path))


def until_dashes(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """The words before `--` and those after it."""
    found = list(words)
    cut = found.index("--") if "--" in found else len(found)
    return found[:cut], found[cut + 1 :]


def _parts(tokens: list[re.Match[str]]) -> Iterator[_Part]:
    part, redirect = _Part(before=""), ""
    for token in tokens:
        if token.lastgroup == "mark":
            part.after = token[0]
            yield part
            part, redirect = _Part(before=token[0]), ""
        elif token.lastgroup == "redirect":
            redirect = token[0]
        elif token.lastgroup == "word":
            if redirect in _OUTPUT:
                part.into.append((redirect, _unquoted(token[0])))
            elif not redirect:
                part.words.append(_unquoted(token[0]))
            redirect = ""
    yield part


_QUOTING = frozenset("'\"\\")


def _unquoted(word: str) -> str:
    """A word without its quotes; one that a substitution makes stays as it is written."""
    if _QUOTING.isdisjoint(word):
        return word  # shlex takes its time
    words = shlex.split(word)
    return words[0] if len(words) == 1 else word


def _walked(parts: Iterator[_Part]) -> Iterator[Step]:
    """The steps of the parts, with the folder that `cd` leads to."""
    folders: list[str | None] = [""]
    depth = 0
    for part in parts:
        depth += _depth(part.words)
        words = _program(part.words)
        if words and words[0] in {"cd", "pushd", "popd"}:
            folders[-1] = joined(folders[-1], words[1]) if len(words) == 2 and words[1] != "-" else None
        elif words:
            sure = depth == 0 and part.before != "||" and part.words[0] not in _INNER
            yield Step(words, folders[-1], part.into, sure)
        if part.after == "(":
            folders.append(folders[-1])
        elif part.after == ")" and len(folders) > 1:
            folders.pop()


def _depth(words: list[str]) -> int:
    """How many blocks of the shell a part opens or, below zero, closes."""
    return (words[:1] != [] and words[0] in _OPENING) - (words[:1] != [] and words[0] in _CLOSING)


def _program(words: list[str]) -> list[str]:
    """The words from the program on, which is told by its name alone."""
    rest = words
    while rest and (rest[0] in _WRAPPERS | _INNER or _ASSIGNMENT.match(rest[0])):
        rest = rest[1:]
    return [posixpath.basename(rest[0]), *rest[1:]] if rest else []


def _git_step(step: Step) -> Step:
    """A step of git without the options before its verb: `git -C web mv a b` is `git mv a b` in `web`."""
    rest, folder = step.words[1:], step.folder
    while rest and rest[0].startswith("-"):
        taken = 2 if rest[0] in _GIT_OPTIONS_WITH_VALUE else 1
        if rest[0] == "-C" and len(rest) > 1:
            folder = joined(folder, rest[1])
        elif rest[0].startswith(("--git-dir", "--work-tree")):
            folder = None
        rest = rest[taken:]
    return Step(["git", *rest], folder, step.into, step.sure)
