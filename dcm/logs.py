"""Logs: one JSON object a line on standard error, for every process."""

import json
import logging
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from dcm.domain.redaction import plain

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

NOTHING: Mapping[str, str] = MappingProxyType({})

trace: ContextVar[Mapping[str, str]] = ContextVar("trace", default=NOTHING)
"""The ids of what is being done, which stand in each of its lines: `request_id`, `message_id`."""


class JsonLines(logging.Formatter):
    """A record as one JSON object: time, level, logger, message, its extra fields, its exception; without secrets."""

    def __init__(self, redact: Callable[[Any], Any]) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        said: dict[str, object] = {"message": record.getMessage(), **trace.get()}
        said |= {key: value for key, value in vars(record).items() if key not in _PLAIN and value is not None}
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        return json.dumps(line | self._redact(json.loads(json.dumps(said, default=str))), ensure_ascii=False)


def log_to_stderr(level: str, redact: Callable[[Any], Any] = plain.value) -> None:
    """Send this process's log to standard error as JSON lines, from `level` on; `redact` takes secrets out of them."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(redact))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for library in ("dramatiq", "httpx"):
        logging.getLogger(library).setLevel(max(root.level, logging.WARNING))
