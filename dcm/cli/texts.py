"""Stored text as a terminal may have it: what would command the terminal is shown as a mark."""

import json
import re
from typing import Any

COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters but tab and line feed, and those that turn the direction of writing."""


def shown(text: str) -> str:
    """The text with its lines, and nothing that moves the cursor or changes colours."""
    return COMMANDS.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The text in one line."""
    return shown(" ".join(text.split()))


def as_json(value: Any, indent: int | None = None) -> str:
    """The value for a script, and for a terminal that shows it: what would command one is escaped."""
    written = json.dumps(value, indent=indent, ensure_ascii=False)
    return COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", written)
