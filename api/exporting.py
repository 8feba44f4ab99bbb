"""`python -m api.exporting [project|session NAME]`: the lines of an export, in a process of their own.

Redaction takes the whole of a core for as long as an export lasts: hooks must not wait for it.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from db import exports
from db.pool import Conn, connect
from dcm import __version__, redaction
from dcm import settings as settings_module
from dcm.domain import exports as rules
from dcm.domain.errors import DcmError, NotFound
from dcm.domain.redaction import Redactor

NICE = 10
"""How far it steps behind those who answer hooks."""


def lines(conn: Conn, redactor: Redactor, of: Mapping[str, str], waiting: int) -> Iterator[bytes]:
    """All lines of an export.

    Raises:
        NotFound: there is no such project or session.
    """
    with conn.transaction():
        exports.begin(conn)
        scope = _scope(conn, of)
        yield _line(rules.header(__version__, datetime.now(UTC).isoformat(timespec="seconds"), of, waiting))
        counts: Counter[str] = Counter()
        for kind in rules.KINDS:
            for row in exports.rows(conn, kind, scope):
                counts[kind] += 1
                yield _line(rules.redacted({"kind": kind, **row}, redactor))
        yield _line(rules.totals({kind: counts[kind] for kind in rules.KINDS}))


def _scope(conn: Conn, of: Mapping[str, str]) -> exports.Scope:
    found: exports.Scope | None = exports.Scope()
    if "project" in of:
        found = exports.of_project(conn, of["project"])
    elif "session" in of:
        found = exports.of_session(conn, of["session"])
    if found is None:
        raise NotFound(f"There is no {' '.join(*of.items())} here.")
    return found


def _line(row: Mapping[str, Any]) -> bytes:
    return orjson.dumps(row, default=str) + b"\n"


def main() -> int:
    """Write the lines to stdout."""
    os.nice(NICE)
    settings = settings_module.load()
    waiting, of = int(sys.argv[1]), dict([sys.argv[2:4]] if len(sys.argv) > 2 else [])
    try:
        with connect(settings.database_url, "export") as conn:
            for line in lines(conn, redaction.redactor(settings), of, waiting):
                sys.stdout.buffer.write(line)
    except DcmError as error:
        sys.stderr.write(str(error))
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
