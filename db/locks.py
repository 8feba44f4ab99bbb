"""Locks everybody waits for, taken so that nobody waits for long."""

import time
from collections.abc import Callable

from psycopg import errors, sql

from db.pool import Conn
from dcm.domain.errors import Unavailable

PATIENCE, PAUSE, TRIES = "200ms", 0.25, 240
"""How long a lock is waited for, with writers waiting behind; seconds until it is tried again, and how often."""


def shortly(conn: Conn, step: Callable[[], object]) -> None:
    """Run a step in a transaction that takes locks everybody waits for, as soon as nobody else holds them.

    Raises:
        Unavailable: somebody holds them for long.
    """

    def together() -> None:
        with conn.transaction():
            conn.execute("SELECT set_config('lock_timeout', %(patience)s, true)", {"patience": PATIENCE})
            step()

    _patiently(together)


def alone(conn: Conn, statement: sql.Composed) -> None:
    """Run a statement that takes such locks and no transaction may hold.

    Raises:
        Unavailable: somebody holds them for long.
    """
    conn.execute("SELECT set_config('lock_timeout', %(patience)s, false)", {"patience": PATIENCE})
    try:
        _patiently(lambda: conn.execute(statement))
    finally:
        conn.execute("RESET lock_timeout")


def _patiently(step: Callable[[], object]) -> None:
    for _ in range(TRIES):
        try:
            step()
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            time.sleep(PAUSE)
        else:
            return
    raise Unavailable("Somebody reads a table for so long that nothing can be pruned: try again when that is over.")
