"""What a shell command is: the programs it runs, the files it names, what it is for."""

import re
from collections.abc import Iterator
from functools import lru_cache

_HEREDOC = re.compile(r"(<<-?\s*(['\"]?)(\w+)\2[^\n]*)\n.*?(?:\n\s*\3\b|\Z)", re.DOTALL)
_PREFIX = re.compile(r"^(?:cd\s+\S+\s*(?:&&|;)\s*|[A-Z_][A-Z0-9_]*=(?:'[^']*'|\"[^\"]*\"|\S*)\s+)+")
_SUFFIX = re.compile(r"\s*(?:\d?>|\||&&|;).*", re.DOTALL)
_OPENING = re.compile(r"^\s*(?:(?:do|then|else|if|elif|while|until|!)\s+|[({]\s*)+")
_BIN = re.compile(r"^\S*/\.?bin/")
_PYTHON = re.compile(r"(?:python|py)[\d.]*$")
_SEQUENCE, _CHAIN = re.compile(r"\|\||;|\n"), re.compile(r"&&")
_PARTS = re.compile(r"&&|\|\||[;|\n]")
_INLINE = re.compile(r"\b(?:python3?|node|ruby|perl|bash|sh|psql|php)\s+(?:-\S+\s+)*-(?:c|e|r)\b")
_NAME = re.compile(r"[\w./~@-]+$")
_WORD = re.compile(r"\w")
_NO_WORD = re.compile(r"\[redacted|^%\d")
_FILE = re.compile(
    r"(?:[\w.@~-]+/|/)*[\w.@-]+\.(?:tsx?|jsx?|mjs|cjs|vue|svelte|py|ipynb|go|rs|java|kt|swift|rb|php|c|h|cc|cpp|hpp|cs|"
    r"sh|sql|html|css|scss|md|rst|txt|json|ya?ml|toml|ini|cfg|conf|xml|csv|lock|tf|proto|graphql|prisma)\b"
)

ASIDE = frozenset(
    {"cd", "export", "source", ".", "set", "echo", "true", ":", "exit", "wait", "read", "break", "continue"}
)
"""Programs nobody waits for the success of."""

LOOKING = frozenset(
    {"ls", "cat", "grep", "rg", "head", "tail", "find", "sed", "awk", "wc", "pwd", "which", "tree", "stat", "du", "df",
     "file", "diff", "sort", "uniq", "cut", "tr", "xargs", "jq", "less", "test", "[", "sleep", "true", "ps", "env",
     "date", "mkdir", "rm", "cp", "mv", "touch", "chmod", "printf", "kill", "pkill"}
)  # fmt: skip
"""Programs that look around or tidy up: nothing is built, tested or run by them."""

_LOOKS = {
    "git": {"status", "diff", "log", "show", "branch", "stash", "blame", "remote", "rev-parse", "ls-files"},
    "kubectl": {"get", "describe", "logs", "top", "events"},
    "docker": {"ps", "logs", "inspect", "images", "stats", "top"},
    "gh": {"view", "list", "status", "checks", "diff"},
    "systemctl": {"status"},
}
"""Words with which a program only looks, the first or, in `docker compose ps` and `gh pr view`, the second."""

COMMONPLACE = frozenset(
    {"ls", "cat", "grep", "rg", "head", "tail", "find", "sed", "wc", "pwd", "mkdir", "rm", "sleep", "true"}
)
"""Programs whose use says nothing of the work."""

_LOOP_ENDS = frozenset({"for", "done", "fi", "case", "esac", "}", ")"})
"""Words that begin a part of a command in which no program is run."""

_NO_PROGRAMS = ASIDE | _LOOP_ENDS

WORDS_OF_SHELL = frozenset({"for", "do", "done", "if", "then", "else", "fi", "while", "case", "esac", "until", "in"})

_NO_HEADS = COMMONPLACE | ASIDE | WORDS_OF_SHELL

RUN_ALL = frozenset({"pytest", "tox", "nox", "jest", "vitest", "mocha", "tsc", "mypy", "rspec", "phpunit"})
"""Programs that check everything when they are told nothing."""

_ASSIGNMENT = re.compile(r"[A-Z_][A-Z0-9_]*=(?:'[^']*'|\"[^\"]*\"|\S*)")
_ASSIGNMENTS = re.compile(rf"^\s*(?:(?:time|env)\s+)?(?:{_ASSIGNMENT.pattern}\s+)+")
_COSMETIC = frozenset(
    {"NO_COLOR", "FORCE_COLOR", "CI", "DEBUG", "VERBOSE", "RUST_BACKTRACE", "RUST_LOG", "PYTHONPATH",
     "PYTHONUNBUFFERED", "LOG_LEVEL", "TERM", "COLUMNS", "LANG", "LC_ALL", "GIT_PAGER", "PAGER"}
)  # fmt: skip
_SHOWING = re.compile(r"(?:\s*2>&1|\s*\|\s*(?:tail|head|tee|cat)\b[^|;&]*)+\s*$")
_LEADING = re.compile(rf"\s*(?:time\s+|(?:{'|'.join(sorted(_COSMETIC))})=\S*\s+)?")
_WRAPPERS = frozenset({"time", "npx", "pnpx", "bunx", "env", "sudo", "nice", "nohup", "exec", "command", "xvfb-run"})
_RUNNERS = frozenset(
    {("poetry", "run"), ("uv", "run"), ("pipenv", "run"), ("hatch", "run"), ("rye", "run"), ("pnpm", "exec"),
     ("yarn", "exec"), ("bundle", "exec"), ("pdm", "run")}
)  # fmt: skip
_MODULES = RUN_ALL | {"pip", "unittest", "ruff", "black", "flake8", "pylint"}
"""Programs that are run as modules of Python too."""

_RENAMED = {"pip3": "pip", "bash": "sh", "zsh": "sh"}
_RUN_BY = {"py": "python", "sh": "sh"}
"""What runs a script with such an ending."""
_TESTERS = frozenset({"pytest", "tox", "nox", "jest", "vitest", "mocha", "rspec", "phpunit", "unittest", "ctest"})

CHECKS = re.compile(
    r"\b(?:pytest|tox|nox|jest|vitest|mocha|tsc|mypy|ruff|flake8|pylint|eslint|prettier|rspec|phpunit|playwright|cypress"
    r"|ctest|unittest|tests?|lint|check|build|compile|typecheck|clippy|vet|validate|plan)\b"
)
"""Words of a command that builds, tests or checks."""

_ASKS_ONLY = frozenset({"--version", "-V", "--help", "-h", "--collect-only", "--co", "--dry-run", "--list"})
"""Options with which a program does nothing that could fail."""


def without_heredocs(command: str) -> str:
    """The command without what is written into its programs."""
    return _HEREDOC.sub(r"\1", command) if "<<" in command else command


def programs(command: str) -> list[list[str]]:
    """The words of each program a command runs."""
    return [words for part in _SEQUENCE.split(command) for words in _chained(part)]


def certain_programs(command: str) -> list[list[str]]:
    """The words of those programs that have succeeded when the command has: not of `a` in `a; b` or `a | b`."""
    last = _SEQUENCE.split(command.strip())[-1]
    sure = [part for part in _CHAIN.split(last) if "|" not in part or "pipefail" in command]
    return _chained(" && ".join(part for part in sure if _ASKS_ONLY.isdisjoint(part.split())))


def is_masked(command: str) -> bool:
    """Whether its exit code is another program's, as in `pytest | tail`."""
    certain = certain_programs(command)
    return any(words not in certain for words in programs(command))


def _chained(command: str) -> list[list[str]]:
    parts = [program_words(part) for part in _CHAIN.split(command)]
    return [words for words in parts if words and words[0] not in _NO_PROGRAMS]


def program_words(command: str) -> list[str]:
    """The words of a command without options, leading `cd`, assignments and wrappers, and what follows it.

    What is called by several names goes by one: `.venv/bin/python3 x.py` and `./x.py` are `python x.py`.
    """
    return list(_words(command))


@lru_cache(maxsize=8192)
def _words(command: str) -> tuple[str, ...]:
    """The same, kept: every fact asks it of every command anew."""
    bare = _SUFFIX.sub("", _PREFIX.sub("", _opened(command.strip())))
    words = _usual([word for word in bare.split() if not word.startswith("-")])
    while cut := _wrapper(words):
        words = _usual(words[cut:])
    return tuple(words)


def _opened(command: str) -> str:
    """A command of a loop, a branch or a subshell without what opens and closes that."""
    bare = _OPENING.sub("", command)
    return bare.removesuffix(")") if "(" not in bare else bare


def _usual(words: list[str]) -> list[str]:
    """The words with the program by its usual name, and a script by what runs it."""
    if not words:
        return words
    name = _BIN.sub("", words[0])
    name = "python" if _PYTHON.match(name) else _RENAMED.get(name, name)
    script = _RUN_BY.get(name.rpartition(".")[2], "") if "." in name else ""
    if script:
        return [script, name.removeprefix("./"), *words[1:]]
    if name in _RUN_BY.values() and len(words) > 1:
        return [name, words[1].removeprefix("./"), *words[2:]]
    return [name, *words[1:]]


def _wrapper(words: list[str]) -> int:
    """How many leading words only start the program that follows them."""
    if len(words) < 2:
        return 0
    is_module = words[0] == "python" and words[1] in _MODULES
    if words[0] in _WRAPPERS or "=" in words[0] or is_module or words[:2] == ["uv", "pip"]:
        return 1
    return 2 if (words[0], words[1]) in _RUNNERS or words[0] == "timeout" else 0


def is_whole_suite(words: list[str]) -> bool:
    """Whether a program runs all the tests there are, as `npm test` and `pytest` do."""
    rest = [word for word in words if word not in {"run", "./...", "all"}]
    return rest[0] in _TESTERS if len(rest) == 1 else rest[1:] == ["test"]


def runs_tests(words: list[str]) -> bool:
    """Whether a program runs tests of the suite."""
    return words[0] in _TESTERS or "test" in words[1:3]


def variant(command: str) -> str:
    """What variants of a command share, however they are wrapped, piped or made quiet."""
    bare = without_heredocs(command)
    return " && ".join([*settings_of(bare), *(" ".join(words) for words in programs(bare))]) or command


def plain(command: str) -> str:
    """The command as one would run it again: without what only shows, cuts or colours its output."""
    bare = _SHOWING.sub("", command)
    while (match := _LEADING.match(bare)) and match[0]:
        bare = bare[match.end() :]
    return bare.strip() or command


def settings_of(command: str) -> list[str]:
    """The assignments of a command that make it another one: not those that only change what it prints."""
    found = [_ASSIGNMENTS.match(part) for part in _PARTS.split(command)]
    made = [assignment for match in found if match for assignment in _ASSIGNMENT.findall(match[0])]
    return [assignment for assignment in made if assignment.partition("=")[0] not in _COSMETIC]


def heads(command: str) -> Iterator[str]:
    """Program and first word of each part of a command, as `git commit`; commonplace ones are left out.

    A word that was blotted out or is the number of a job says nothing: the program stands alone.
    """
    for part in _PARTS.split(without_heredocs(command)):
        words = [word for word in part.split() if "=" not in word and not word.startswith("-")]
        if words and words[0] not in _NO_HEADS and _NAME.match(words[0]):
            yield " ".join(word for word in words[:2] if not _NO_WORD.search(word))


def files_in(command: str) -> list[str]:
    """The files a command names, each once."""
    return list(dict.fromkeys(_FILE.findall(command)))


def is_script(command: str) -> bool:
    """Whether what it runs is written into the command itself."""
    return command != without_heredocs(command) or bool(_INLINE.search(command))


def told(command: str) -> str:
    """A command as it is told: of one with a file written into it, what it runs besides."""
    bare = without_heredocs(command)
    if bare == command:
        return command
    lines = [line.strip() for line in bare.split("\n") if _WORD.search(line)]
    return "; ".join([line for line in lines if not only_looks(line)] or lines)


def only_looks(command: str) -> bool:
    """Whether nothing is built, tested or run by it."""
    return all(_looks(words) for words in programs(without_heredocs(command)))


def _looks(words: list[str]) -> bool:
    verbs = words[1:2] if words[0] == "git" else words[1:3]
    return words[0] in LOOKING or not _LOOKS.get(words[0], set()).isdisjoint(verbs)


def is_check(command: str) -> bool:
    """Whether it builds, tests or checks something."""
    return any(
        CHECKS.search(" ".join(words)) for words in programs(without_heredocs(command)) if words[0] not in LOOKING
    )
