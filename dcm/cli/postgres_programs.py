"""Postgres's own programs for backups: the ones on the PATH or those of the wheel, whichever fit the server."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from db import backups
from dcm.domain.errors import StartError
from dcm.embedded import binaries
from dcm.settings import Settings


def dump(major: int) -> str:
    """The pg_dump for a server: of its own version, else the oldest that is newer.

    Raises:
        StartError: those that are here are older than the server.
    """
    return _fitting("pg_dump", major)[0]


def restore(major: int, file: Path) -> str:
    """The pg_restore for a server that can read a backup.

    Raises:
        StartError: there is none.
    """
    fitting = _fitting("pg_restore", major)
    for path in fitting:
        if _list(path, file).returncode == 0:
            return path
    raise _unreadable(file, _list(fitting[-1], file).stderr)


def listed(file: Path) -> str:
    """What a backup says it holds.

    Raises:
        StartError: it cannot be read as one.
    """
    done = _list(_fitting("pg_restore", 0)[-1], file)
    if done.returncode:
        raise _unreadable(file, done.stderr)
    return done.stdout


def _list(path: str, file: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([path, "--list", str(file)], capture_output=True, text=True, check=False)


def _unreadable(file: Path, said: str) -> StartError:
    return StartError(f"{file} cannot be read as a backup: {reason(said)}.")


def _fitting(name: str, major: int) -> list[str]:
    """The programs of this name that are not older than a server, the oldest first."""
    there = [path for path in (shutil.which(name), _of_the_wheel(name)) if path]
    versions = {path: version for path in there if (version := _version(path)) is not None}
    fitting = [path for path, version in versions.items() if version >= major]
    if not fitting:
        newest = max(versions.values(), default=None)
        here = f"the newest {name} here is {newest}" if newest else f"there is no {name} here"
        raise StartError(
            f"Your Postgres is version {major} and {here}: install the client programs of Postgres {major} "
            f"(Debian: postgresql-client-{major}) so that {name} is on the PATH."
        )
    return sorted(fitting, key=lambda path: versions[path])


def _of_the_wheel(name: str) -> str | None:
    try:
        path = binaries.postgres_folder(None) / name
    except StartError:
        return None
    return str(path) if path.exists() else None


def _version(path: str) -> int | None:
    try:
        told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\b(\d+)\.\d+|\b(\d+)(?:beta|rc|devel)", told)
    return int(found[1] or found[2]) if found else None


def environment(database_url: str) -> Mapping[str, str]:
    """Our environment, with the variables that lead to a database and none of the person's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, **backups.environment(database_url)}


def reason(said: str) -> str:
    """The reason a program gave, without its own name and full stop: its first error, else its last line."""
    lines = [line for line in said.strip().splitlines() if line.strip()]
    found = next((line for line in lines if re.match(r"pg_\w+: (error|fatal): ", line)), lines[-1] if lines else "")
    return re.sub(r"^pg_\w+: ((error|fatal): )?", "", found).rstrip(".") or "it gave no reason"


def shown(settings: Settings) -> str:
    """Where the database is, without its password."""
    return "the embedded database" if settings.embedded_postgres else str(settings.masked()["database_url"])
