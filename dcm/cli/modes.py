"""What of DCM's files others may open."""

import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from dcm.cli.findings import Finding, ok, warning
from dcm.embedded.places import places
from dcm.settings import Settings

OTHERS = 0o077
SHOWN = 3
"""Files that are named; of the rest their number is."""


def open_to_others(settings: Settings) -> list[Path]:
    """Everything DCM made that others may read, change or pass through. DCM_HOME itself is looked at elsewhere."""
    return sorted({path for root in _roots(settings) for path in _below(root) if _is_open(path)})


def _roots(settings: Settings) -> set[Path]:
    where = places(settings.home)
    return {settings.home, where.postgres_data, where.postgres_sockets, where.valkey_socket.parent}


def _below(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        yield from (Path(folder) / name for name in (*folders, *files))


def _is_open(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False
    return not stat.S_ISLNK(mode) and bool(mode & OTHERS)


def check(settings: Settings) -> Iterator[Finding]:
    """Whether what DCM keeps is its owner's alone."""
    if not settings.home.is_dir():
        return
    found = open_to_others(settings)
    if not found:
        yield ok("files", "nobody else may open what DCM keeps")
        return
    named = ", ".join(map(str, found[:SHOWN])) + (f" and {len(found) - SHOWN} more" if len(found) > SHOWN else "")
    roots = sorted(root for root in _roots(settings) if any(root in path.parents for path in found))
    folders = " ".join(shlex.quote(str(root)) for root in roots)
    yield warning("files", f"others may open {named}", f"Run `find {folders} -mindepth 1 -exec chmod go-rwx {{}} +`.")
