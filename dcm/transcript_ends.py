"""The ends of transcripts that lie on this machine: what was said and noted last."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dcm.domain.transcripts import records
from dcm.transcript_files import opened, refusal

TAIL_BYTES = 512 * 1024
"""Bytes of a transcript's end that are read."""


def tail(path: str | Path | None) -> list[Mapping[str, Any]]:
    """The records of a transcript's end; none when it cannot be read here."""
    if not path or refusal(path):
        return []
    try:
        with opened(path) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES))
            return list(records(file.read(TAIL_BYTES).splitlines()))
    except (OSError, ValueError):
        return []


def size(path: str | None) -> int | None:
    """Bytes of a transcript, None when it cannot be read here."""
    try:
        return Path(path).stat().st_size if path and not refusal(path) else None
    except (OSError, ValueError):
        return None
