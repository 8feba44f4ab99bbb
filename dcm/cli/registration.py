"""How Claude Code was told to report to DCM: by its settings, by the plugin, by both or not at all."""

import importlib.resources
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcm.cli.settings_file import default_path
from dcm.domain.claude_settings import ENDPOINT, is_ours

PLUGIN = "dcm"


@dataclass(frozen=True, slots=True)
class Registration:
    """What was found. `urls` are the addresses our hooks report to, `absent` the events they miss."""

    settings: Path
    ways: tuple[str, ...]
    urls: frozenset[str]
    absent: tuple[str, ...]
    disabled: bool
    problem: str | None


def look(environ: Mapping[str, str] | None = None) -> Registration:
    """Read the person's own settings, and the list of installed plugins."""
    path = default_path(os.environ if environ is None else environ)
    settings, problem = _read(path)
    entries = _entries(settings)
    ways = [f"settings ({path})"] if entries else []
    if _has_plugin(settings, path.parent):
        ways.append("plugin")
    return Registration(
        settings=path,
        ways=tuple(ways),
        urls=frozenset(filter(None, (_url(entry) for _, entry in entries))),
        absent=tuple(event for event in _wanted() if entries and event not in {event for event, _ in entries}),
        disabled=settings.get("disableAllHooks") is True,
        problem=problem,
    )


def _read(path: Path) -> tuple[dict[str, Any], str | None]:
    if not path.exists():
        return {}, None
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        return {}, f"{path} cannot be read: {error.strerror}"
    except ValueError as error:
        return {}, f"{path} is not JSON: {error}"
    return (value, None) if isinstance(value, dict) else ({}, f"{path} is not a JSON object")


def _entries(settings: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """(event, entry) of our hooks; whatever else stands there is passed over."""
    hooks = settings.get("hooks")
    return [
        (event, entry)
        for event, groups in (hooks.items() if isinstance(hooks, dict) else ())
        for group in (groups if isinstance(groups, list) else ())
        for entry in (group.get("hooks") if isinstance(group, dict) else None) or ()
        if isinstance(entry, dict) and is_ours(entry)
    ]


def _url(entry: Mapping[str, Any]) -> str:
    """The server an entry reports to."""
    text = str(entry.get("url") or entry.get("command") or "")
    word = next((word.strip("'\"") for word in text.split() if ENDPOINT in word), "")
    return word.removesuffix(ENDPOINT)


def _wanted() -> list[str]:
    plugin = (importlib.resources.files("hooks") / "hooks.json").read_text(encoding="utf-8")
    return list(json.loads(plugin)["hooks"])


def _has_plugin(settings: Mapping[str, Any], folder: Path) -> bool:
    """Whether the plugin is installed and not turned off."""
    enabled = settings.get("enabledPlugins")
    if isinstance(enabled, dict):
        told = [on for name, on in enabled.items() if str(name).partition("@")[0] == PLUGIN]
        if told:
            return any(told)
    installed = _read(folder / "plugins" / "installed_plugins.json")[0].get("plugins", {})
    return any(str(name).partition("@")[0] == PLUGIN for name in installed if isinstance(installed, dict))
