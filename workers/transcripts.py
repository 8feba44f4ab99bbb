"""Read transcripts that lie on this machine."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dcm.domain.transcripts import records

TAIL_BYTES = 512 * 1024
"""Bytes of a transcript's end that are read."""


def tail(path: str | None) -> list[Mapping[str, Any]]:
    """The records of a transcript's end; none when it cannot be read here."""
    if not path:
        return []
    try:
        # Opened without waiting: the path comes from a hook, and a pipe would hold the worker for ever.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            known = os.fstat(file.fileno())
            if not stat.S_ISREG(known.st_mode):
                return []
            file.seek(max(0, known.st_size - TAIL_BYTES))
            return list(records((file.read(TAIL_BYTES) or b"").splitlines()))
    except (OSError, ValueError):
        return []


def of_subagents(path: str) -> list[str]:
    """The transcripts of a session's subagents, given that of its main conversation."""
    return [str(found) for found in sorted(Path(path).with_suffix("").glob("subagents/agent-*.jsonl"))]


def size(path: str | None) -> int | None:
    """Bytes of a transcript, None when it cannot be read here."""
    try:
        return Path(path).stat().st_size if path else None
    except OSError:
        return None
