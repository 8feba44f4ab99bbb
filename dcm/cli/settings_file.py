"""Claude Code's settings.json: read whole or refused, backed up, replaced at one stroke."""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from dcm.domain.claude_settings import Settings
from dcm.domain.errors import InvalidInput


def default_path(environ: Mapping[str, str]) -> Path:
    """The person's own settings, where Claude Code looks for them."""
    folder = environ.get("CLAUDE_CONFIG_DIR") or "~/.claude"
    return Path(folder).expanduser() / "settings.json"


def change(path: Path, edit: Callable[[Settings], Settings]) -> tuple[bool, Path | None]:
    """Edit the settings; tells whether they changed, and where the file as it was is kept.

    Raises:
        InvalidInput: the file cannot be used; it is as it was.
    """
    try:
        target = path.resolve()
        before = target.read_text(encoding="utf-8-sig") if target.exists() else None
        settings = _parse(before) if before is not None else {}
        edited = edit(settings)
        if _same(edited, settings):
            return False, None
        text = _render(edited, _indent(before or ""))
        backup = _back_up(target) if before is not None else None
        _replace(target, text)
    except (InvalidInput, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"{path} was left as it is: {_reason(error)}. Correct the file and try again.") from error
    except OSError as error:
        raise InvalidInput(f"{path} was left as it is: {error.strerror or error}.") from error
    return True, backup


def _parse(text: str) -> dict[str, Any]:
    settings = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    if not isinstance(settings, dict):
        raise InvalidInput("it is not a JSON object")
    return settings


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidInput(f"it has the key {twice!r} twice")
    return made


def _no_constant(name: str) -> None:
    raise InvalidInput(f"{name} is not JSON")


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"it is not JSON ({error.msg} in line {error.lineno})"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return str(error) if isinstance(error, InvalidInput) else "it holds what JSON cannot say"


def _same(one: Settings, other: Settings) -> bool:
    """Equal in order too."""
    return json.dumps(one) == json.dumps(other)


def _indent(text: str) -> str:
    found = re.match(r"\s*\{[ \t]*\r?\n([ \t]+)", text)
    return found[1] if found else "  "


def _render(settings: Settings, indent: str) -> bytes:
    try:
        text = json.dumps(settings, indent=indent, ensure_ascii=False, allow_nan=False)
        return f"{text}\n".encode()
    except UnicodeEncodeError:  # half a surrogate pair can only be written escaped
        return f"{json.dumps(settings, indent=indent, allow_nan=False)}\n".encode()


def _back_up(target: Path) -> Path:
    """A copy of the file beside it, with its mode, under a name not taken."""
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    names = [f"{target.name}.backup-{stamp}", *(f"{target.name}.backup-{stamp}-{number}" for number in range(2, 100))]
    backup = next(path for path in map(target.with_name, names) if not path.exists())
    shutil.copy2(target, backup)
    return backup


def _replace(target: Path, text: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    fresh = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, fresh)
        fresh.replace(target)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
