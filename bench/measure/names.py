"""The files and commands that tool calls name. A file is known by its last part, a command by its first two words."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Record = Mapping[str, Any]
Name = tuple[str, str]
"""`file` or `command`, and the name."""

ENDINGS = "tsx ts jsx js py md json yaml yml toml sh css html sql rs go txt lock mjs cjs".split()  # noqa: SIM905 - a list to read
ASIDE = frozenset("cd ls echo cat grep head tail find rg sed mkdir rm wc pwd sleep true".split())  # noqa: SIM905 - as above
"""Programs whose use says nothing about the work."""

_FILE = re.compile(rf"(?:[\w.@~-]+/)*([\w.@-]+\.(?:{'|'.join(ENDINGS)}))\b")
_PARTS = re.compile(r"&&|\|\||;|\|")


def tool_calls(records: Iterable[Record]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The tool calls of the main conversation: the tool's name and what it was asked."""
    for record in records:
        message = record.get("message")
        content = message.get("content") if isinstance(message, Mapping) else None
        if record.get("type") != "assistant" or record.get("isSidechain") or not isinstance(content, list):
            continue
        for block in content:
            if isinstance(block, Mapping) and block.get("type") == "tool_use":
                asked = block.get("input")
                yield str(block.get("name")), asked if isinstance(asked, Mapping) else {}


def names_of(asked: Mapping[str, Any]) -> set[Name]:
    """The names in what a tool was asked."""
    paths = (asked.get(key) for key in ("file_path", "path", "notebook_path"))
    ends = [path.rsplit("/", 1)[-1] for path in paths if isinstance(path, str)]
    found = {("file", end) for end in ends if "." in end}
    command = asked.get("command")
    if isinstance(command, str):
        found |= {("file", name) for name in _FILE.findall(command)}
        found |= {("command", name) for name in _programs(command)}
    return found


def _programs(command: str) -> Iterator[str]:
    for part in _PARTS.split(command):
        words = [word for word in part.split() if "=" not in word and not word.startswith("-")]
        if words and words[0] not in ASIDE:
            yield " ".join(words[:2])


def all_names(calls: Iterable[tuple[str, Mapping[str, Any]]]) -> set[Name]:
    """The names in many calls."""
    return {name for _, asked in calls for name in names_of(asked)}


def newest_first(calls: Iterable[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Every name once, the one used last first."""
    last: dict[Name, None] = {}
    for _, asked in calls:
        for name in sorted(names_of(asked)):
            last.pop(name, None)
            last[name] = None
    return [name for _, name in reversed(last)]


def share_named(text: str, wanted: Iterable[Name]) -> float:
    """The share of the names that stand in a text."""
    found = [name in text for _, name in wanted]
    return sum(found) / len(found) if found else 0.0
