"""How many skills, commands, workflows and plugins the person has (contract, section 3.1)."""

import asyncio
import time
from pathlib import Path
from typing import Any

import orjson

from api.fields import Answer, Instant, now
from api.operations import operation

KEPT_FOR = 300.0
"""Seconds a count is believed."""


class ToolsCount(Answer):
    """What there is under ~/.claude; `from_cache` tells whether it was counted for an earlier caller."""

    skills: int
    commands: int
    workflows: int
    plugins: int
    cached_at: Instant
    from_cache: bool


def count(home: Path) -> dict[str, int]:
    """What there is in a folder such as ~/.claude; what cannot be read counts as nothing."""
    return {
        "skills": _number(home / "skills", "*/SKILL.md"),
        "commands": _number(home / "commands", "**/*.md"),
        "workflows": _number(home / "skills" / "workflow" / "templates", "*.yaml"),
        "plugins": _plugins(home / "plugins" / "installed_plugins.json"),
    }


def _number(folder: Path, pattern: str) -> int:
    try:
        return sum(1 for found in folder.glob(pattern) if found.is_file())
    except OSError:
        return 0


def _plugins(file: Path) -> int:
    try:
        known = orjson.loads(file.read_bytes())
    except (OSError, ValueError):
        return 0
    listed = known.get("plugins", known) if isinstance(known, dict) else known
    return len(listed) if isinstance(listed, dict | list) else 0


class ToolsSummary:
    """/stats/tools-summary"""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._counted: dict[str, Any] | None = None
        self._until = 0.0

    @operation(answer=ToolsCount)
    async def on_get(self) -> dict[str, Any]:
        """How many skills, commands, workflows and plugins there are; counted anew every five minutes."""
        if self._counted and time.monotonic() < self._until:
            return {**self._counted, "from_cache": True}
        self._counted = {**await asyncio.to_thread(count, self._home), "cached_at": now()}
        self._until = time.monotonic() + KEPT_FOR
        return {**self._counted, "from_cache": False}
