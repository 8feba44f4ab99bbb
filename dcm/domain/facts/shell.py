"""What a shell command is: the programs it runs, the files it names, what it is for."""

import re
from collections.abc import Iterator

_HEREDOC = re.compile(r"(<<-?\s*(['\"]?)(\w+)\2[^\n]*)\n.*?(?:\n\s*\3\b|\Z)", re.DOTALL)
_PREFIX = re.compile(r"^(?:cd\s+\S+\s*(?:&&|;)\s*|[A-Z_][A-Z0-9_]*=(?:'[^']*'|\"[^\"]*\"|\S*)\s+)+")
_SUFFIX = re.compile(r"\s*(?:\d?>|\||&&|;).*", re.DOTALL)
_SEQUENCE, _CHAIN = re.compile(r"\|\||;|\n"), re.compile(r"&&")
_PARTS = re.compile(r"&&|\|\||[;|\n]")
_INLINE = re.compile(r"\b(?:python3?|node|ruby|perl|bash|sh|psql|php)\s+(?:-\S+\s+)*-(?:c|e|r)\b")
_NAME = re.compile(r"[\w./~@-]+$")
_FILE = re.compile(
    r"(?:[\w.@~-]+/|/)*[\w.@-]+\.(?:tsx?|jsx?|mjs|cjs|vue|svelte|py|ipynb|go|rs|java|kt|swift|rb|php|c|h|cc|cpp|hpp|cs|"
    r"sh|sql|html|css|scss|md|rst|txt|json|ya?ml|toml|ini|cfg|conf|xml|csv|lock|tf|proto|graphql|prisma)\b"
)

ASIDE = frozenset({"cd", "export", "source", ".", "set", "echo"})
"""Programs nobody waits for the success of."""

LOOKING = frozenset(
    {"ls", "cat", "grep", "rg", "head", "tail", "find", "sed", "awk", "wc", "pwd", "which", "tree", "stat", "du", "df",
     "file", "diff", "sort", "uniq", "cut", "tr", "xargs", "jq", "less", "test", "[", "sleep", "true", "ps", "env",
     "date", "mkdir", "rm", "cp", "mv", "touch", "chmod", "printf", "kill", "pkill"}
)  # fmt: skip
"""Programs that look around or tidy up: nothing is built, tested or run by them."""

_LOOKS = frozenset(
    ("git", word)
    for word in ("status", "diff", "log", "show", "branch", "stash", "blame", "remote", "rev-parse", "ls-files")
)

COMMONPLACE = frozenset(
    {"ls", "cat", "grep", "rg", "head", "tail", "find", "sed", "wc", "pwd", "mkdir", "rm", "sleep", "true"}
)
"""Programs whose use says nothing of the work."""

WORDS_OF_SHELL = frozenset({"for", "do", "done", "if", "then", "else", "fi", "while", "case", "esac", "until", "in"})

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
_PYTHONS = frozenset({"python", "python3", "py"})
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
    return _HEREDOC.sub(r"\1", command)


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
    return [words for words in programs(command) if words not in certain_programs(command)] != []


def _chained(command: str) -> list[list[str]]:
    parts = [program_words(part) for part in _CHAIN.split(command)]
    return [words for words in parts if words and words[0] not in ASIDE]


def program_words(command: str) -> list[str]:
    """The words of a command without options, leading `cd`, assignments and wrappers, and what follows it."""
    bare = _SUFFIX.sub("", _PREFIX.sub("", command.strip()))
    words = [word for word in bare.split() if not word.startswith("-")]
    while cut := _wrapper(words):
        words = words[cut:]
    return words


def _wrapper(words: list[str]) -> int:
    """How many leading words only start the program that follows them."""
    if len(words) < 2:
        return 0
    if words[0] in _WRAPPERS or "=" in words[0] or (words[0] in _PYTHONS and words[1] in RUN_ALL):
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
    """Program and first word of each part of a command, as `git commit`; commonplace ones are left out."""
    for part in _PARTS.split(without_heredocs(command)):
        words = [word for word in part.split() if "=" not in word and not word.startswith("-")]
        if words and words[0] not in COMMONPLACE | ASIDE | WORDS_OF_SHELL and _NAME.match(words[0]):
            yield " ".join(words[:2])


def files_in(command: str) -> list[str]:
    """The files a command names, each once."""
    return list(dict.fromkeys(_FILE.findall(command)))


def is_script(command: str) -> bool:
    """Whether what it runs is written into the command itself."""
    return command != without_heredocs(command) or bool(_INLINE.search(command))


def only_looks(command: str) -> bool:
    """Whether nothing is built, tested or run by it."""
    return all(words[0] in LOOKING or tuple(words[:2]) in _LOOKS for words in programs(without_heredocs(command)))


def is_check(command: str) -> bool:
    """Whether it builds, tests or checks something."""
    return any(
        CHECKS.search(" ".join(words)) for words in programs(without_heredocs(command)) if words[0] not in LOOKING
    )
