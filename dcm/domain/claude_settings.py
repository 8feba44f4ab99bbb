"""Our hooks in Claude Code's settings: what they are, and how they come and go without touching others'.

Settings are what `json.loads` makes of settings.json. Nothing given is changed; results are new objects.
"""

import re
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from dcm.domain.errors import InvalidInput

ENDPOINT = "/api/hooks/claude"
"""The path our hooks report to; an entry that names it is ours, whatever host and port."""

OUR_COMMAND = re.compile(rf"launcher'? hook '?http://\S*{ENDPOINT}(?![\w/.-])")

Settings = Mapping[str, Any]
Hooks = Mapping[str, list[dict[str, Any]]]
"""Event to its groups, each `{"matcher": ..., "hooks": [entry, ...]}`."""


def endpoint(url: str) -> str:
    """The hook endpoint of the server at this URL.

    Raises:
        InvalidInput: it is not the URL of an http server.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "http" and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or re.search(r"[\s'\"?#]", url):
        raise InvalidInput(f"{url!r} is not the URL of a server: give one like http://127.0.0.1:3847.")
    return url.rstrip("/").removesuffix(ENDPOINT) + ENDPOINT


def our_hooks(plugin: Hooks, url: str, launcher: str) -> Hooks:
    """The plugin's hooks as they read in a person's settings: for this server and this launcher."""
    target, path = endpoint(url), shlex.quote(launcher)
    command = f"[ -x {path} ] && exec {path} hook {target} || exec cat >/dev/null"

    def placed(entry: Mapping[str, Any]) -> dict[str, Any]:
        return {**entry, **({"url": target} if entry["type"] == "http" else {"command": command})}

    return {
        event: [{**group, "hooks": [placed(entry) for entry in group["hooks"]]} for group in groups]
        for event, groups in plugin.items()
    }


def is_ours(entry: Mapping[str, Any]) -> bool:
    """Whether a hook entry reports to a DCM."""
    if entry.get("type") == "http":
        return bool(re.match(rf"http://[^/?#]+\S*{ENDPOINT}$", str(entry.get("url"))))
    return entry.get("type") == "command" and bool(OUR_COMMAND.search(str(entry.get("command"))))


def hook(settings: Settings, ours: Hooks) -> Settings:
    """The settings with exactly our hooks added, after everybody else's; older ones of ours are replaced.

    Raises:
        InvalidInput: the settings' hooks are not what Claude Code reads.
    """
    if _ours_in(settings) == ours:
        return settings
    clean = unhook(settings)
    hooks = {event: list(groups) for event, groups in clean.get("hooks", {}).items()}
    for event, groups in ours.items():
        hooks[event] = [*hooks.get(event, []), *groups]
    return {**clean, "hooks": hooks}


def unhook(settings: Settings) -> Settings:
    """The settings without our hooks, and without the groups, lists and "hooks" that this emptied.

    Raises:
        InvalidInput: the settings' hooks are not what Claude Code reads.
    """
    checked = _checked(settings)
    kept = {event: [group for group in map(_without_ours, groups) if group] for event, groups in checked.items()}
    hooks = {event: groups for event, groups in kept.items() if groups or not checked[event]}
    if hooks == checked:
        return settings
    rest = {key: value for key, value in settings.items() if key != "hooks"}
    return {key: hooks if key == "hooks" else value for key, value in settings.items()} if hooks else rest


def _without_ours(group: dict[str, Any]) -> dict[str, Any] | None:
    """The group without our entries; None when it held nothing else."""
    kept = [entry for entry in group["hooks"] if not is_ours(entry)]
    return {**group, "hooks": kept} if kept or not group["hooks"] else None


def _ours_in(settings: Settings) -> Hooks:
    """The groups that hold nothing but entries of ours, and our entries in others' groups, by event."""
    found = {
        event: [
            {**group, "hooks": mine}
            for group in groups
            if (mine := [entry for entry in group["hooks"] if is_ours(entry)])
        ]
        for event, groups in _checked(settings).items()
    }
    return {event: groups for event, groups in found.items() if groups}


def _checked(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """The settings' hooks, each part of the type Claude Code expects."""
    hooks = _expect(settings.get("hooks", {}), dict, "hooks")
    for event, groups in hooks.items():
        for group in _expect(groups, list, f"hooks.{event}"):
            _expect(group, dict, f"a member of hooks.{event}")
            for entry in _expect(group.get("hooks"), list, f'"hooks" of a member of hooks.{event}'):
                _expect(entry, dict, f"a hook of {event}")
    assert isinstance(hooks, dict)
    return hooks


def _expect(value: Any, kind: type, name: str) -> Any:
    if not isinstance(value, kind):
        raise InvalidInput(f"{name} is not {'an object' if kind is dict else 'a list'}")
    return value
