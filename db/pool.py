"""Connections: a pool for a process, or one of its own for work that holds a lock; and what can go wrong with them."""

import orjson
import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool

from dcm.domain import passwords
from dcm.domain.errors import Unavailable

Conn = Connection[TupleRow]
Pool = ConnectionPool[Conn]

DatabaseError = psycopg.Error
"""Anything that can go wrong with Postgres."""

AWAY = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.UndefinedTable)
"""Postgres is away or not ready, or gave no connection in time: what was asked may be tried again."""

REFUSED = psycopg.DataError
"""Postgres cannot store a value: NUL in a text, a number too large, a date out of range."""

set_json_loads(orjson.loads)  # Postgres writes 1e30 as digits: an integer no answer could carry, a float here

RECONNECT_FOR = 2.0
"""Seconds a pool goes on with one try to connect: a longer one would leave more and more time between its tries."""


def open_pool(database_url: str, *, most: int, name: str, timeout: float = 5.0, longest_ms: int = 0) -> Pool:
    """A pool of autocommit connections, opened when they are asked for and replaced when they died.

    `timeout`: seconds a caller waits for a connection before it gets PoolTimeout. `longest_ms`: milliseconds
    a statement may take, 0 for any.
    """
    return ConnectionPool(
        database_url,
        kwargs={
            "autocommit": True,
            "connect_timeout": 5,
            "application_name": f"dcm {name}",
            "options": f"-c statement_timeout={longest_ms}",
        },
        min_size=0,
        max_size=most,
        max_idle=60.0,
        timeout=timeout,
        reconnect_timeout=RECONNECT_FOR,
        name=name,
        check=ConnectionPool.check_connection,
        open=True,
    )


def connect(database_url: str, name: str) -> Conn:
    """One connection with autocommit, outside any pool.

    Raises:
        Unavailable: Postgres does not answer.
    """
    try:
        return psycopg.connect(database_url, autocommit=True, connect_timeout=5, application_name=f"dcm {name}")
    except psycopg.OperationalError as error:
        raise Unavailable(f"Postgres does not answer: {passwords.hidden(str(error), database_url)}") from error


def is_away(error: Exception) -> bool:
    """Whether the same may go through later. A value too large for an index never does."""
    return isinstance(error, AWAY) and not isinstance(error, psycopg.errors.ProgramLimitExceeded)


def is_outage(error: Exception) -> bool:
    """Whether it was Postgres that was not there, and not what it was asked that took too long."""
    return is_away(error) and not isinstance(error, psycopg.errors.QueryCanceled)
